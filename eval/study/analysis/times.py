"""Compare active time with and without a draft: the ratio by a mixed model, the difference of minutes by bootstrap.

The logarithm of an agent's active seconds for a review is a sum: arm, period, position, agent, the agent's own gain
from the draft, review, residual; the last four vary at random. The agent's own gain is there because agents differ in
it: without it, intervals of six agents with thirty replies each would be as narrow as those of a hundred and eighty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.study.analysis.crossover import Contrast, by_sequence
from eval.study.analysis.mixed import Mixed, NotConvergedError, Term
from eval.study.records import Writing

MIXED, PAIRED = "mixed", "paired"
ONE_ORDER = "all agents wrote in the same order of arms"  # period and arm are then one
LEAST_AGENTS = 3  # with fewer, nothing tells how far agents differ


@dataclass(frozen=True)
class Timing:
    """Holds a comparison of times, an `Estimate` with what it rests on.

    Attributes:
        n: writings that it rests on; `n_error` those left out, without any active time.
        agents, items: how many of each.
        p: two-sided p-value of "no difference".
        degrees: degrees of freedom of the interval.
        method: MIXED, or PAIRED where the mixed model did not converge; None where nothing can be said.
        told: why it is not MIXED, why there is no interval, or ONE_ORDER; "" otherwise.
        spreads: standard deviations by name, of MIXED, on the scale of the logarithm.
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    n: int
    n_error: int = 0
    agents: int = 0
    items: int = 0
    p: float | None = None
    degrees: float | None = None
    method: str | None = None
    told: str = ""
    spreads: dict[str, float] | None = None


@dataclass(frozen=True)
class Times:
    """Holds the writings as arrays of n: `drafted` is 0.5 with a draft and -0.5 without."""

    seconds: np.ndarray
    drafted: np.ndarray
    period: np.ndarray
    position: np.ndarray
    agent: np.ndarray
    item: np.ndarray
    left_out: int

    @classmethod
    def of(cls, writings: Sequence[Writing], cap: float | None = None) -> "Times":
        """Take the active seconds, under another idle cap if one is given; nothing written in no time is left out."""
        timed = [(w, w.active_seconds if cap is None else w.active_at(cap)) for w in writings]
        used = [(w, seconds) for w, seconds in timed if seconds > 0]
        return cls(
            np.array([seconds for _, seconds in used]),
            np.array([0.5 if w.arm == "draft" else -0.5 for w, _ in used]),
            np.array([w.period - 1.5 for w, _ in used]),
            _centred(np.array([float(w.position) for w, _ in used])),
            _numbers([w.agent for w, _ in used]),
            _numbers([w.item for w, _ in used]),
            len(timed) - len(used),
        )

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def agents(self) -> int:
        return len(np.unique(self.agent))

    @property
    def items(self) -> int:
        return len(np.unique(self.item))

    @property
    def one_order(self) -> bool:
        """Tell whether each period holds one arm, so that nothing tells the two apart."""
        return len(set(zip(self.period, self.drafted, strict=True))) == len(set(self.period)) > 1

    @property
    def terms(self) -> dict[str, Term]:
        """Name the random effects."""
        return {"agents": Term(self.agent), "gains": Term(self.agent, self.drafted), "items": Term(self.item)}

    def fixed(self, *more: np.ndarray) -> np.ndarray:
        """Give the columns of the fixed effects: level, arm, then `more`, period and position as far as they vary."""
        columns = [np.ones(len(self)), self.drafted, *more]
        for column in (self.period, self.position):
            tried = np.column_stack([*columns, column])
            if np.linalg.matrix_rank(tried) == len(columns) + 1:
                columns.append(column)
        return np.column_stack(columns)


def _centred(position: np.ndarray) -> np.ndarray:
    """Scale positions to -0.5 … 0.5 of the sitting."""
    return (position - 1) / max(position.max() - 1, 1) - 0.5 if len(position) else position


def _numbers(names: Sequence[str]) -> np.ndarray:
    return np.unique(names, return_inverse=True)[1] if names else np.zeros(0, dtype=int)


def time_ratio(writings: Sequence[Writing], *, confidence: float = 0.95, cap: float | None = None) -> Timing:
    """Estimate active time with a draft over that without: the ratio of geometric means, by the mixed model.

    Where the model does not converge, agents' own differences of mean logarithms are averaged instead, with Student's
    t; `method` and `told` say so. Of the same writings, always the same.
    """
    times = Times.of(writings, cap)
    if len(set(times.drafted)) < 2:
        return unsaid(times, "replies of one arm only" if len(times) else "no timed reply")
    try:
        found, spreads = fit(times)
    except NotConvergedError as reason:
        told, paired = f"the mixed model does not converge: {reason}", _paired(times)
        if paired is None:
            return unsaid(times, f"{told}; no agent wrote in both arms")
        return as_ratio(times, paired, confidence, method=PAIRED, told=told)
    return as_ratio(times, found, confidence, spreads=spreads, told=ONE_ORDER if times.one_order else "")


def fit(
    times: Times,
    more: Sequence[np.ndarray] = (),
    weights: Sequence[float] = (0, 1),
    terms: Mapping[str, Term] | None = None,
) -> tuple[Contrast, dict[str, float]]:
    """Fit the model with `more` fixed effects after the arm; give the effect that `weights` ask for, and the spreads.

    `weights` are of level, arm, and `more`; period and position have none. Raises NotConvergedError.
    """
    used = terms or times.terms
    x = times.fixed(*more)
    model = Mixed(np.log(times.seconds), x, list(used.values()))
    found = model.contrast([*weights, *([0.0] * (x.shape[1] - len(weights)))])
    return found, dict(zip((*used, "residual"), map(float, model.spreads), strict=True))


def unsaid(times: Times, told: str) -> Timing:
    """Say why nothing can be said."""
    return Timing(None, None, None, len(times), times.left_out, times.agents, times.items, told=told)


def as_ratio(
    times: Times,
    found: Contrast,
    confidence: float,
    *,
    method: str = MIXED,
    told: str = "",
    spreads: dict[str, float] | None = None,
) -> Timing:
    """Bring a difference of logarithms back to a ratio, with its interval where agents are enough."""
    counts = {"n": len(times), "n_error": times.left_out, "agents": times.agents, "items": times.items}
    ratio = float(np.exp(found.value))
    if times.agents < LEAST_AGENTS or not found.error > 0:
        few = "fewer than three agents" if times.agents < LEAST_AGENTS else "agents' gains do not vary"
        return Timing(ratio, None, None, **counts, method=method, told="; ".join(filter(None, (told, few))))
    lower, upper = map(float, np.exp(found.interval(confidence)))
    more = {"p": found.p, "degrees": found.degrees, "method": method, "told": told, "spreads": spreads}
    return Timing(ratio, lower, upper, **counts, **more)


def _paired(times: Times) -> Contrast | None:
    """Average agents' own differences of mean logarithms."""
    with_draft, blank, sequences = agents_means(np.log(times.seconds), times)
    return by_sequence(with_draft - blank, sequences) if len(sequences) else None


def agents_means(values: np.ndarray, times: Times) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give agents' means with a draft and without, and whether they began with it, of all who wrote in both arms."""
    found = []
    for agent in range(times.agents):
        own = times.agent == agent
        drafted, blank = own & (times.drafted > 0), own & (times.drafted < 0)
        if drafted.any() and blank.any():
            first = times.period[drafted].mean() < times.period[blank].mean()
            found.append((values[drafted].mean(), values[blank].mean(), first))
    with_draft, without, first = np.array(found).reshape(-1, 3).T
    return with_draft, without, first.astype(bool)
