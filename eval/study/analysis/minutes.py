"""Estimate active minutes for a reply, with a draft and without, and what a draft saves: the bootstrap by agent."""

from collections.abc import Callable, Sequence

import numpy as np

from eval.study.analysis.crossover import by_sequence
from eval.study.analysis.times import LEAST_AGENTS, Times, Timing, agents_means, unsaid
from eval.study.records import Writing

RESAMPLED = "agents"  # the method of what is averaged over agents

SAVED, WITH, WITHOUT = "minutes_saved", "minutes_with_draft", "minutes_without_draft"
_OF: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    SAVED: lambda with_draft, without: without - with_draft,
    WITH: lambda with_draft, _: with_draft,
    WITHOUT: lambda _, without: without,
}


def minutes(writings: Sequence[Writing], *, confidence: float = 0.95, cap: float | None = None) -> dict[str, Timing]:
    """Estimate mean minutes by name: of agents who wrote in both arms, each agent and each sequence counting alike.

    The first is without less with: above 0, drafts save time.
    """
    times = Times.of(writings, cap)
    with_draft, without, sequences = agents_means(times.seconds / 60, times)
    if not len(sequences):
        return {name: unsaid(times, "no agent wrote in both arms") for name in _OF}
    both = [a for a in range(times.agents) if len(set(times.drafted[times.agent == a])) > 1]
    used = np.isin(times.agent, both)
    counts = {"n": int(used.sum()), "n_error": times.left_out, "agents": len(both)}
    counts["items"] = len(np.unique(times.item[used]))
    found = {}
    for name, of in _OF.items():
        contrast = by_sequence(of(with_draft, without), sequences, resampled=confidence)
        if len(sequences) < LEAST_AGENTS or not contrast.error > 0:
            few = len(sequences) < LEAST_AGENTS or len(sequences) == len(set(sequences))
            told = "too few agents for an interval" if few else "agents' gains do not vary"
            found[name] = Timing(contrast.value, None, None, **counts, method=RESAMPLED, told=told)
            continue
        lower, upper = contrast.interval(confidence)
        found[name] = Timing(
            contrast.value,
            lower if name == SAVED else max(lower, 0.0),
            upper,
            **counts,
            p=contrast.p if name == SAVED else None,
            degrees=contrast.degrees,
            method=RESAMPLED,
        )
    return found
