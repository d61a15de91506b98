"""How long citizens wait, by network, structure, month and use of AI: Kaplan-Meier, described and not compared."""

import datetime as dt
from collections.abc import Iterator

import numpy as np

from eval.stats.studentised import DRAWS
from eval.time.measurement import DESCRIPTIVE, LEAST_RECORDS, WAITING, Estimate, make
from eval.time.waits.from_export import Waits
from eval.time.waits.survival import measure, median, median_interval, reach, tally


def groups(waits: Waits, start: dt.date, *, flagged_unanswered: bool) -> Iterator[tuple[str, np.ndarray]]:
    """Names and masks: all, networks, months, AI use since the pilot's start, structures; those of LEAST_RECORDS.

    By use of AI only answered reviews are taken where the others carry no flag.
    """
    yield "all", np.ones(len(waits), dtype=bool)
    number = waits.network
    yield from _large((f"network: {name}", number == i) for i, name in enumerate(waits.networks) if name)
    month = waits.month
    yield from _large((f"month: {m // 12}-{m % 12 + 1:02d}", month == m) for m in np.unique(month))
    late = (waits.start >= start.toordinal()) & (waits.replied | flagged_unanswered)
    yield from _large(
        (f"ai: {name}", late & (waits.offered == flag)) for name, flag in (("offered", 1), ("not offered", 0))
    )
    sizes = np.bincount(waits.structure, minlength=len(waits.names))
    for i in np.argsort(-sizes, kind="stable"):
        if sizes[i] < LEAST_RECORDS:
            return
        network, structure = waits.names[i]
        yield f"structure: {network} / {structure}", waits.structure == i


def _large(found: Iterator[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
    return ((name, mask) for name, mask in found if mask.sum() >= LEAST_RECORDS)


def counts(waits: Waits) -> np.ndarray:
    """Counts of timed waits (clusters, 2, HORIZON) as the export's last day shows them.

    Clusters are the structures; where there is one only, the weeks.
    """
    answered = waits.reply > 0
    days = np.where(answered, waits.reply, waits.end) - waits.start
    used, cluster = np.unique(waits.structure, return_inverse=True)
    if len(used) < 2:
        used, cluster = np.unique(waits.start // 7, return_inverse=True)
    return tally(days, answered, cluster, len(used))


def describe(waits: Waits, group: str, draws: int = DRAWS) -> list[Estimate]:
    """Every measure of a group of timed waits."""
    tables = counts(waits)
    n, censored = len(waits), int((~waits.replied).sum())
    enough = n >= LEAST_RECORDS
    rows = []
    for quantity in WAITING:
        found = measure(tables, quantity, draws)
        if found is None:
            rows.append(make(quantity, group, "level", None, None, n, DESCRIPTIVE, censored))
            continue
        span = None
        if enough and np.isfinite(found.se * found.quantile):
            days, area = reach(quantity)
            if area:
                low, high = found.interval() or (np.nan, np.nan)
                span = max(0.0, low), min(float(days), high)
            else:
                span = found.share_interval()
        rows.append(make(quantity, group, "level", found.value, span, n, DESCRIPTIVE, censored))
    point = float(median(tables.sum(axis=0)[None])[0]) if n else np.nan
    rows.append(
        make(
            "median_days", group, "level", point, median_interval(tables) if enough else None, n, DESCRIPTIVE, censored
        )
    )
    return rows


def waiting(waits: Waits, start: dt.date, *, flagged_unanswered: bool, draws: int = DRAWS) -> list[Estimate]:
    """Rows of every group of the export."""
    timed = waits.where(waits.timed)
    rows: list[Estimate] = []
    for name, mask in groups(timed, start, flagged_unanswered=flagged_unanswered):
        # Thousands of structures: Student's t over their weeks, without resamples.
        rows += describe(timed.where(mask), name, 0 if name.startswith("structure: ") else draws)
    return rows
