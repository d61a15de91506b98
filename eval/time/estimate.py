"""Before and after the pilot's start: levels and ratios of waiting times, and the share of "utile" votes, as rows.

Both windows have the same length and each is seen from its own last day: who is unanswered then is still waiting, even
if the export knows the later reply. So follow-up is equal, and no reply of the pilot counts in the "before". The naive
mean takes what the whole file holds instead, as published figures seem to; it is a row so that both can be seen.
A ratio is always before / after: 2 means "divided by 2".
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import isfinite

import numpy as np

from eval.stats.proportions import wilson
from eval.time.delays import Wait
from eval.time.survival import DRAWS, SEED, interval, mean_of, median, resample, rmst, tally

TAUS = (7, 15, 30)
LONGEST = 365  # days: a whole year before and after holds the same seasons

# Measures of a table of waits, (..., 2, days) -> (...); a further quantity is one more line.
MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    **{f"rmst_{tau}": partial(rmst, tau=tau) for tau in TAUS},
    "median_days": median,
}

# Grades of evidence: what a row may be used to say. A (randomised) and B (difference-in-differences) are not made here.
DESCRIPTIVE, BEFORE_AFTER, BIASED = "descriptive", "C", "biased"


@dataclass(frozen=True)
class Window:
    """Days on which waits start, both included; it is seen from `last`."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        return f"{self.first}/{self.last}"

    def __contains__(self, wait: Wait) -> bool:
        return self.first <= wait.start <= self.last


@dataclass(frozen=True)
class Estimate:
    """A row of time.json. `estimate` and its 95 % interval are in days, shares, or (before_after) before / after."""

    quantity: str
    group: str
    comparison: str
    estimate: float | None
    lower: float | None
    upper: float | None
    n: int
    censored: int
    grade: str

    def row(self) -> dict:
        return asdict(self)


Rows = list[Estimate]


def mirrored(first: dt.date, last: dt.date) -> tuple[Window, Window]:
    """The window before `first` that is as long as `first`..`last`, and that one."""
    after = Window(first, last)
    return Window(first - dt.timedelta(days=after.days), first - dt.timedelta(days=1)), after


def widest(waits: Sequence[Wait], start: dt.date, extracted_on: dt.date) -> tuple[Window, Window] | None:
    """The longest pair of equal windows around the pilot's start that the file fills, a year at most; None if none."""
    if not waits:
        return None
    days = min((start - min(wait.start for wait in waits)).days, (extracted_on - start).days + 1, LONGEST)
    return mirrored(start, start + dt.timedelta(days=days - 1)) if days >= 1 else None


def waiting(waits: Sequence[Wait], before: Window, after: Window, draws: int = DRAWS, seed: int = SEED) -> Rows:
    """Levels and ratios of MEASURES over two windows, intervals by resampling structures."""
    timed = [timed_in(waits, window) for window in (before, after)]
    ids = _structure_ids([*timed[0], *timed[1]])
    tables = [_table(group, window, ids) for group, window in zip(timed, (before, after), strict=True)]
    totals = [table.sum(axis=0) for table in tables]
    resampled = resample(tables, draws, seed) if ids else tables
    sizes = [(int(total.sum()), int(total[1].sum())) for total in totals]
    rows = []
    for quantity, measure in MEASURES.items():
        points = [measure(total) for total in totals]
        drawn = [measure(table) for table in resampled]
        rows += _compare(quantity, (before, after), points, drawn, sizes, (DESCRIPTIVE, BEFORE_AFTER))
    return rows


def naive(waits: Sequence[Wait], start: dt.date, extracted_on: dt.date, draws: int = DRAWS, seed: int = SEED) -> Rows:
    """Mean delay of the answered reviews of the whole file, before and after `start`: what censoring biases."""
    answered = [wait for wait in waits if wait.replied_on is not None]
    if not answered:
        return []
    whole = Window(min(wait.start for wait in waits), start - dt.timedelta(days=1)), Window(start, extracted_on)
    groups = [[(wait, _days(wait, extracted_on)[0]) for wait in answered if wait in window] for window in whole]
    censored = [sum(not wait.replied and wait in window for wait in waits) for window in whole]
    sizes = [(len(group), missing) for group, missing in zip(groups, censored, strict=True)]
    return _of_sums("naive_mean_days", whole, groups, sizes, (BIASED, BIASED), draws, seed)


def satisfaction(waits: Sequence[Wait], before: Window, after: Window, draws: int = DRAWS, seed: int = SEED) -> Rows:
    """Share of authors' votes that say "utile"; Wilson intervals for the levels, bootstrap for the ratio."""
    votes = [voted(waits, window) for window in (before, after)]
    groups = [[(wait, float(wait.vote == "utile")) for wait in group] for group in votes]
    sizes = [(len(group), 0) for group in groups]
    rows = _of_sums("useful_share", (before, after), groups, sizes, (DESCRIPTIVE, BEFORE_AFTER), draws, seed)
    levels = [row for row in rows if row.comparison == "level"]
    exact = []
    for row, group in zip(levels, groups, strict=True):
        low, high = wilson(int(sum(value for _, value in group)), len(group)) if group else (None, None)
        exact.append(Estimate(**{**asdict(row), "lower": low, "upper": high}))
    return exact + [row for row in rows if row.comparison != "level"]


def voted(waits: Sequence[Wait], window: Window) -> list[Wait]:
    """The replied waits of a window on which the author voted."""
    return [wait for wait in waits if wait.replied and wait.vote in ("utile", "pas utile") and wait in window]


def replied(waits: Sequence[Wait], window: Window) -> list[Wait]:
    """The replied waits of a window: those on which an author could vote."""
    return [wait for wait in waits if wait.replied and wait in window]


def table_of(waits: Sequence[Wait], window: Window) -> np.ndarray:
    """Counts (2, days) of a window's timed waits, all structures together: what `survival` plots."""
    timed = timed_in(waits, window)
    return _table(timed, window, _structure_ids(timed)).sum(axis=0)


def timed_in(waits: Sequence[Wait], window: Window) -> list[Wait]:
    """The waits of a window that say something about delays."""
    return [wait for wait in waits if wait.timed and wait in window]


def count_structures(waits: Sequence[Wait]) -> int:
    """How many structures the waits are for."""
    return len(_structure_ids(waits))


def _days(wait: Wait, seen_on: dt.date) -> tuple[int, bool]:
    answered = wait.replied_on is not None and wait.replied_on <= seen_on
    return ((wait.replied_on if answered else seen_on) - wait.start).days, answered


def _structure_ids(waits: Sequence[Wait]) -> dict[tuple[str | None, str | None], int]:
    return {key: n for n, key in enumerate(dict.fromkeys((wait.network, wait.structure) for wait in waits))}


def _table(waits: Sequence[Wait], window: Window, ids: dict) -> np.ndarray:
    seen = [_days(wait, window.last) for wait in waits]
    structure = [ids[wait.network, wait.structure] for wait in waits]
    return tally([days for days, _ in seen], [done for _, done in seen], structure, (len(ids), window.days))


def _of_sums(quantity, windows, groups, sizes, grades, draws, seed) -> Rows:
    ids = _structure_ids([wait for group in groups for wait, _ in group])
    tables = [np.zeros((len(ids), 2)) for _ in groups]
    for table, group in zip(tables, groups, strict=True):
        for wait, value in group:
            table[ids[wait.network, wait.structure]] += (value, 1)
    resampled = resample(tables, draws, seed) if ids else tables
    points = [mean_of(table.sum(axis=0)) for table in tables]
    return _compare(quantity, windows, points, [mean_of(table) for table in resampled], sizes, grades)


def _compare(quantity, windows, points, drawn, sizes, grades) -> Rows:
    """Two level rows and their ratio, from point values and bootstrap values before and after."""
    rows = [
        _row(quantity, f"{name} {window}", "level", point, values, size, grades[0])
        for name, window, point, values, size in zip(("before", "after"), windows, points, drawn, sizes, strict=True)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, ratios = np.divide(*points), np.divide(*drawn)
    size = (sizes[0][0] + sizes[1][0], sizes[0][1] + sizes[1][1])
    return [*rows, _row(quantity, f"{windows[0]} vs {windows[1]}", "before_after", ratio, ratios, size, grades[1])]


def _row(quantity, group, comparison, point, values, size, grade) -> Estimate:
    defined = isfinite(point)
    low, high = (interval(np.atleast_1d(values)) if defined else None) or (None, None)
    return Estimate(quantity, group, comparison, float(point) if defined else None, low, high, *size, grade)
