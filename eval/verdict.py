"""What a verdict holds, how a part of the rule places an interval, and how its reasons say numbers in French. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from eval.stats.estimate import Estimate
from plume.page.numbers import count, percent, points

Scores = Mapping[str, Mapping[str, float]]  # measure -> item id -> value; what is not there could not be scored
Outcome = Literal["PASS", "FAIL", "INCONCLUSIVE"]
_NAMED = 10  # ids that a reason lists; report.html lists all


@dataclass(frozen=True)
class Item:
    """A pair of the test split: its id, the cluster that is not independent of it, and the slices that it lies in."""

    id: str
    cluster: str
    slices: Mapping[str, str] = field(default_factory=dict)  # "sentiment" -> "Négatif"


@dataclass(frozen=True)
class Line:
    """One estimate of a verdict. `rule` is None for information; `holds` is None where the rule cannot say yet.

    `p` and `p_holm` (adjusted over the guardrails) are p-values of "no difference": information, they decide nothing.
    """

    measure: str
    slice: str | None
    arm: Literal["champion", "challenger", "difference"]
    value: Estimate
    rule: str | None = None
    holds: bool | None = None
    p: float | None = None
    p_holm: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The estimate as verdict.json holds it."""
        head = {"measure": self.measure, "slice": self.slice, "arm": self.arm}
        return {**head, **asdict(self.value), "rule": self.rule, "holds": self.holds}


@dataclass(frozen=True)
class Verdict:
    """The outcome, why (in French, most serious first), further items that it takes, and the evidence."""

    outcome: Outcome
    reasons: tuple[str, ...]
    needs_items: int | None
    estimates: tuple[Line, ...]


@dataclass(frozen=True)
class ProbeScores:
    """What both systems made of the probes: how many there are, id -> 1 or 0 of each measure, faults in French."""

    total: int
    champion: Scores
    challenger: Scores
    faults: Sequence[str] = ()


@dataclass(frozen=True)
class Choices:
    """How people chose between the two drafts of items; the shares of their choices are the scores `preferred`.

    Attributes:
        raters: id of an item -> how many people chose on it.
        people: how many people chose at all.
        faults: in French, what keeps their choices from deciding.
    """

    raters: Mapping[str, int]
    people: int
    faults: Sequence[str] = ()


@dataclass(frozen=True)
class Levels:
    """Confidences of the one-sided bounds (limits, margins) and of the primary measure's two-sided interval."""

    bounds: float
    primary: float


@dataclass(frozen=True)
class Part:
    """What one part of a rule says: if it holds (None: it cannot say yet), why, and how many more items it takes."""

    holds: bool | None
    reason: str
    lines: tuple[Line, ...] = ()
    needs: int = 0


def place(value: Estimate, *, floor: float, ceiling: float) -> bool | None:
    """Say True if the interval lies above `floor`; else False if it lies below `ceiling`; else None."""
    if value.lower is None or value.upper is None:
        return None
    return True if value.lower > floor else False if value.upper < ceiling else None


def say_ids(ids: Sequence[str]) -> str:
    """List the first ids in brackets, and how many more there are."""
    more = f" et {len(ids) - _NAMED} autres" if len(ids) > _NAMED else ""
    return f"({', '.join(ids[:_NAMED])}{more})"


def say_difference(value: Estimate, confidence: float) -> str:
    """Write a difference of shares with its interval and the interval's level."""
    if value.estimate is None:
        return "rien n’a pu être comparé"
    low, high = (points(bound, unit=False) for bound in (value.lower, value.upper))
    return f"{points(value.estimate)} (de {low} à {high}, intervalle à {say_level(confidence)})"


def say_level(confidence: float) -> str:
    """Write a confidence: `95 %`, `98,3 %`."""
    return percent(confidence, 0 if round(confidence, 2) == round(confidence, 6) else 1)


def say_more(needs: int) -> str:
    """Write how many more items it takes; 0 where the items are there and drafts are missing."""
    return f"environ {count(needs, 'avis')} de plus" if needs else "d’abord les brouillons qui manquent"
