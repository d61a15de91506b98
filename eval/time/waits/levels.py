"""Describe how long citizens wait, by network, structure, month and use of AI: Kaplan-Meier, not compared."""

import datetime as dt
from collections.abc import Iterator

import numpy as np

from eval.stats.studentised import DRAWS
from eval.time.measurement import DESCRIPTIVE, LEAST_RECORDS, WAITING, Measurement, make
from eval.time.waits.from_export import Waits
from eval.time.waits.survival import measure, median, median_interval, reach, tally

Group = tuple[str, np.ndarray]  # a name and a mask


def groups(waits: Waits, start: dt.date, *, flagged_unanswered: bool) -> Iterator[Group]:
    """Name the groups of LEAST_RECORDS: all, networks, months, AI use since the pilot's start, structures.

    By use of AI only answered reviews are taken where the others carry no flag.
    """
    yield "all", np.ones(len(waits), dtype=bool)
    late = (waits.start >= start.toordinal()) & (waits.replied | flagged_unanswered)
    found = [*networks(waits), *months(waits)]
    found += [(f"ai: {name}", late & (waits.offered == flag)) for name, flag in (("offered", 1), ("not offered", 0))]
    yield from ((name, mask) for name, mask in found if mask.sum() >= LEAST_RECORDS)
    yield from structures(waits)


def networks(waits: Waits) -> Iterator[Group]:
    """Name the networks that have a name."""
    number = waits.network
    return ((f"network: {name}", number == i) for i, name in enumerate(waits.networks) if name)


def months(waits: Waits) -> Iterator[Group]:
    """Name the months in which waits began, in order."""
    month = waits.month
    return ((f"month: {m // 12}-{m % 12 + 1:02d}", month == m) for m in np.unique(month))


def structures(waits: Waits) -> Iterator[Group]:
    """Name the structures that have LEAST_RECORDS waits, the largest first."""
    sizes = np.bincount(waits.structure, minlength=len(waits.names))
    for i in np.argsort(-sizes, kind="stable"):
        if sizes[i] < LEAST_RECORDS:
            return
        yield f"structure: {' / '.join(waits.names[i])}", waits.structure == i


def counts(waits: Waits) -> np.ndarray:
    """Count timed waits, (clusters, 2, HORIZON), as the export's last day shows them.

    Clusters are the structures; where there is one only, the weeks.
    """
    answered = waits.reply > 0
    days = np.where(answered, waits.reply, waits.end) - waits.start
    used, cluster = np.unique(waits.structure, return_inverse=True)
    if len(used) < 2:
        used, cluster = np.unique(waits.start // 7, return_inverse=True)
    return tally(days, answered, cluster, len(used))


def describe(waits: Waits, group: str, draws: int = DRAWS) -> list[Measurement]:
    """Estimate every measure of a group of timed waits."""
    tables = counts(waits)
    n, censored = len(waits), int((~waits.replied).sum())
    enough = n >= LEAST_RECORDS

    def row(quantity: str, point: float | None, span: tuple[float, float] | None) -> Measurement:
        return make(quantity, group, "level", point, span if enough else None, n, DESCRIPTIVE, censored)

    rows = []
    for quantity in WAITING:
        found = measure(tables, quantity, draws)
        days, area = reach(quantity)
        if found is None:
            rows.append(row(quantity, None, None))
        elif area:
            span = found.interval()
            rows.append(row(quantity, found.value, span and (max(0.0, span[0]), min(float(days), span[1]))))
        else:
            rows.append(row(quantity, found.value, found.share_interval()))
    point = float(median(tables.sum(axis=0)[None])[0]) if n else None
    return [*rows, row("median_days", point, median_interval(tables))]


def waiting(waits: Waits, start: dt.date, *, flagged_unanswered: bool, draws: int = DRAWS) -> list[Measurement]:
    """Describe every group of the export."""
    timed = waits.where(waits.timed)
    rows: list[Measurement] = []
    for name, mask in groups(timed, start, flagged_unanswered=flagged_unanswered):
        # Thousands of structures: Student's t over their weeks, without resamples.
        rows += describe(timed.where(mask), name, 0 if name.startswith("structure: ") else draws)
    return rows
