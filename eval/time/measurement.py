"""Name what time.json measures: its quantities, its grades of evidence, its periods, and a row."""

import datetime as dt
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from eval.stats.estimate import Estimate
from plume.french.vocabulary import rows

QUANTITIES = {row["name"]: row for row in rows("quantities", Path(__file__).parent)}
WAITING = tuple(name for name, row in QUANTITIES.items() if row["read"] == "curve")
MAIN = "rmst_30"

# Grades of evidence: what a row may be used to say. A (randomised) is reached by a study alone, never from an export.
# SEASONAL: before and after, of less than a year each, so of different seasons.
RANDOMISED = "A"
QUASI, BEFORE_AFTER, SEASONAL, ASSOCIATION = "B", "C", "mixes seasons", "association"
DESCRIPTIVE, BIASED, MODELLED = "descriptive", "biased", "D"

# Below these, no interval is given (and no claim is judged).
LEAST_RECORDS = 20
LEAST_STRUCTURES = 10


@dataclass(frozen=True, kw_only=True)
class Measurement(Estimate):
    """Holds a row of time.json: an estimate, what it is of, and its grade of evidence.

    The estimate and its 95 % interval are in days, shares or minutes; for `before_after`, before / after. `n` counts
    the reviews (votes, drafts) behind it, `censored` those of them still unanswered when last seen.
    """

    quantity: str
    group: str
    comparison: str
    censored: int
    grade: str

    def row(self) -> dict:
        of = {"quantity": self.quantity, "group": self.group, "comparison": self.comparison}
        return of | values_of(self) | {"n": self.n, "censored": self.censored, "grade": self.grade}


def values_of(found: Estimate) -> dict[str, float | None]:
    """Give an estimate and its interval as rows of time.json hold them."""
    return {"estimate": found.estimate, "lower": found.lower, "upper": found.upper}


def make(
    quantity: str,
    group: str,
    comparison: str,
    point: float | None,
    interval: tuple[float, float] | None,
    n: int,
    grade: str,
    censored: int = 0,
) -> Measurement:
    """Make a Measurement in which what is not finite is None."""
    known = point is not None and isfinite(point)
    low, high = map(float, interval) if known and interval and all(map(isfinite, interval)) else (None, None)
    of = {"quantity": quantity, "group": group, "comparison": comparison, "grade": grade}
    return Measurement(float(point) if known else None, low, high, int(n), censored=int(censored), **of)


@dataclass(frozen=True)
class Window:
    """Holds days on which waits start, both included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def ordinals(self) -> tuple[int, int]:
        return self.first.toordinal(), self.last.toordinal()

    def __str__(self) -> str:
        return f"{self.first}/{self.last}"
