"""Ask what changes the gain of time: experience, the sitting, what drafts leave behind, the idle cap.

None of these is the study's question; they say how far its answer reaches. Each is a `Timing` of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval.study.analysis.mixed import NotConvergedError, Term
from eval.study.analysis.times import Times, Timing, as_ratio, fit, time_ratio, unsaid
from eval.study.records import ARMS, Agent, Writing

NOVICE, EXPERT = "novice", "expert"
_POWER = 0.8


@dataclass(frozen=True)
class CarryOver:
    """Says what drafts leave behind: time without a draft after the period with drafts, over that before it.

    Attributes:
        ratio: 1 where nothing is left behind.
        detectable: the ratio below 1, and that above, that this study would have shown with a power of 80 %.
        first_period: time with a draft over time without, of the first period alone: nothing is left behind there.
    """

    ratio: Timing
    detectable: tuple[float, float] | None
    first_period: Timing


def by_experience(
    writings: Sequence[Writing], agents: Sequence[Agent], *, confidence: float = 0.95
) -> dict[str, Timing]:
    """Estimate the ratio of times of novices and of experts, and the ratio of these two ratios ("interaction")."""
    experience = {agent.id: agent.experience for agent in agents}
    told = [w for w in writings if experience.get(w.agent)]
    times = Times.of(told)
    novice = np.array([experience[w.agent] == NOVICE for w in told if w.active_seconds > 0])
    groups = {NOVICE: novice, EXPERT: ~novice} if len(novice) else {}
    fewest = min((len(np.unique(times.agent[mask])) for mask in groups.values()), default=0)
    asked = {NOVICE: (0, 1, 0, 0.5), EXPERT: (0, 1, 0, -0.5), "interaction": (0, 0, 0, 1)}
    if fewest < 2:
        found = {name: unsaid(times, "fewer than two novices, or than two experts") for name in asked}
    else:
        side = np.where(novice, 0.5, -0.5)
        more = (side, times.drafted * side)
        found = {name: _asked(times, more, weights, confidence) for name, weights in asked.items()}
    for name, mask in groups.items():
        found[name] = _counted(found[name], times, mask)
    return found


def of_experience(writings: Sequence[Writing], agents: Sequence[Agent], experience: str) -> list[Writing]:
    """Take the writings of agents of an experience."""
    theirs = {agent.id for agent in agents if agent.experience == experience}
    return [w for w in writings if w.agent in theirs]


def _counted(found: Timing, times: Times, mask: np.ndarray) -> Timing:
    return replace(found, n=int(mask.sum()), agents=len(np.unique(times.agent[mask])))


def learning(writings: Sequence[Writing], *, confidence: float = 0.95) -> dict[str, Timing]:
    """Estimate the end of the sitting over its beginning: of time in both arms ("pace"), and of the draft's ratio.

    Agents learn at their own pace, which is a random effect, too.
    """
    times = Times.of(writings)
    terms = {**times.terms, "pace": Term(times.agent, times.position)} if len(times) else {}
    without_period = _without_period(times)
    more = (times.position, times.position * times.drafted)
    return {
        "pace": _asked(without_period, more, (0, 0, 1), confidence, terms),
        "gain": _asked(without_period, more, (0, 0, 0, 1), confidence, terms),
    }


def _without_period(times: Times) -> Times:
    """Let position tell of learning alone: period is another word for the same."""
    return replace(times, period=np.zeros(len(times)))


def carry_over(writings: Sequence[Writing], *, confidence: float = 0.95) -> CarryOver:
    """Test whether the time without a draft depends on having seen drafts before. It compares agents: its power is low.

    The main estimate does not depend on the test: choosing by it would spoil the error of both (Freeman 1989).
    """
    times = Times.of(writings)
    first = [w for w in writings if w.period == 1]
    alone = _first_period(first, confidence)
    after = ((times.drafted < 0) & (times.period > 0)).astype(float)
    try:
        found, _ = fit(times, (after,), (0, 0, 1))
    except (NotConvergedError, ValueError) as reason:
        return CarryOver(unsaid(times, str(reason)), None, alone)
    least = found.detectable(confidence, _POWER)
    return CarryOver(as_ratio(times, found, confidence), (float(np.exp(-least)), float(np.exp(least))), alone)


def _first_period(writings: Sequence[Writing], confidence: float) -> Timing:
    """Compare agents with agents: of the first period each wrote in one arm, so that their own gain has no term."""
    times = Times.of(writings)
    if len(set(times.drafted)) < 2:
        return unsaid(times, "replies of one arm only")
    terms = {name: term for name, term in times.terms.items() if name != "gains"}
    return _asked(times, (), (0, 1), confidence, terms)


def _asked(
    times: Times,
    more: Sequence[np.ndarray],
    weights: Sequence[float],
    confidence: float,
    terms: Mapping[str, Term] | None = None,
) -> Timing:
    if not len(times):
        return unsaid(times, "no timed reply")
    try:
        found, spreads = fit(times, more, weights, terms)
    except (NotConvergedError, ValueError) as reason:
        return unsaid(times, f"the mixed model does not converge: {reason}")
    return as_ratio(times, found, confidence, spreads=spreads)


def at_caps(writings: Sequence[Writing], caps: Sequence[float], *, confidence: float = 0.95) -> dict[float, Timing]:
    """Estimate the ratio under other idle caps."""
    return {cap: time_ratio(writings, confidence=confidence, cap=cap) for cap in caps}


@dataclass(frozen=True)
class Habits:
    """Describes how an arm was written.

    Attributes:
        n: replies; `interrupted` those with a pause longer than the idle cap.
        pauses: longer than ten seconds, for a reply on average; `away_minutes` the time beyond the cap, all in all.
        keystrokes: median of a reply; `pasted` replies with pasted text.
    """

    n: int
    interrupted: int
    pauses: float
    away_minutes: float
    keystrokes: float
    pasted: int


def habits(writings: Sequence[Writing]) -> dict[str, Habits]:
    """Describe both arms: pauses, keystrokes, paste. No test: nothing was decided of them beforehand."""
    found = {}
    for arm in ARMS:
        own = [w for w in writings if w.arm == arm]
        if own:
            away = [[p for p in w.pauses if p > w.idle_seconds] for w in own]
            found[arm] = Habits(
                len(own),
                sum(map(bool, away)),
                float(np.mean([len(w.pauses) for w in own])),
                float(sum(map(sum, away)) / 60),
                float(np.median([w.keystrokes for w in own])),
                sum(w.pasted_characters > 0 for w in own),
            )
    return found
