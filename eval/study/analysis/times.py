"""Compare active time with and without a draft: the ratio by a mixed model, the difference of minutes by bootstrap.

The logarithm of an agent's active seconds for a review is a sum: arm, period, position, agent, the agent's own gain
from the draft, review, residual; the last four vary at random. The agent's own gain is there because agents differ in
it: without it, intervals of six agents with thirty replies each would be as narrow as those of a hundred and eighty.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.study.analysis.mixed import Contrast, Mixed, NotConvergedError, Term
from eval.study.records import Writing

MIXED, PAIRED = "mixed", "paired"
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
        told: why it is not MIXED, or why there is no interval; "" otherwise.
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
    nothing = _unsaid(times)
    if nothing:
        return nothing
    try:
        model = Mixed(np.log(times.seconds), times.fixed(), list(times.terms.values()))
        found, method, told = model.contrast(_first(model.p)), MIXED, ""
        spreads = dict(zip((*times.terms, "residual"), map(float, model.spreads), strict=True))
    except NotConvergedError as reason:
        found, method, told, spreads = _paired(times), PAIRED, f"the mixed model does not converge: {reason}", None
    return _told(times, found, confidence, method, told, spreads)


def _first(p: int) -> np.ndarray:
    """Weigh the arm, the fixed effect after the level."""
    return np.eye(p)[1]


def _unsaid(times: Times) -> Timing | None:
    """Say why there is nothing to compare, if so."""
    if len(set(times.drafted)) == 2:
        return None
    told = "replies of one arm only" if len(times) else "no timed reply"
    return Timing(None, None, None, len(times), times.left_out, times.agents, times.items, told=told)


def _told(
    times: Times, found: Contrast | None, confidence: float, method: str, told: str, spreads: dict[str, float] | None
) -> Timing:
    counts = {"n": len(times), "n_error": times.left_out, "agents": times.agents, "items": times.items}
    if found is None:
        return Timing(None, None, None, **counts, told=f"{told}; no agent wrote in both arms")
    ratio = float(np.exp(found.value))
    if times.agents < LEAST_AGENTS or not found.error > 0:
        few = "fewer than three agents" if times.agents < LEAST_AGENTS else "agents' gains do not vary"
        return Timing(ratio, None, None, **counts, method=method, told="; ".join(filter(None, (told, few))))
    lower, upper = map(float, np.exp(found.interval(confidence)))
    return Timing(
        ratio,
        lower,
        upper,
        **counts,
        p=found.p,
        degrees=found.degrees,
        method=method,
        told=told,
        spreads=spreads,
    )


def _paired(times: Times) -> Contrast | None:
    """Average agents' own differences of mean logarithms, each sequence alike, so that the period cancels out."""
    differences, sequences = agents_differences(np.log(times.seconds), times)
    if not len(differences):
        return None
    sides = [differences[sequences == side] for side in np.unique(sequences)]
    free = len(differences) - len(sides)
    value = float(np.mean([side.mean() for side in sides]))
    if free < 1:
        return Contrast(value, 0.0, 1.0)
    pooled = sum(float(((side - side.mean()) ** 2).sum()) for side in sides) / free
    return Contrast(value, float(np.sqrt(pooled * sum(1 / len(side) for side in sides)) / len(sides)), float(free))


def agents_differences(values: np.ndarray, times: Times) -> tuple[np.ndarray, np.ndarray]:
    """Give each agent's mean with a draft less that without, and whether they began with it; both arms are wanted."""
    found = []
    for agent in range(times.agents):
        own = times.agent == agent
        drafted = own & (times.drafted > 0)
        blank = own & (times.drafted < 0)
        if drafted.any() and blank.any():
            first = times.period[drafted].mean() < times.period[blank].mean()
            found.append((values[drafted].mean() - values[blank].mean(), first))
    return np.array([d for d, _ in found]), np.array([first for _, first in found], dtype=bool)
