"""Compare replies written with AI help and without, in the same structure and month: an association, not an effect.

Agents choose which reviews they draft with AI, so a difference may come from the reviews. Comparing within structure
and month of publication at least removes what differs between services and over time. Where only answered reviews carry
the flag, only they are compared: an unanswered one would otherwise always count as "without".
"""

import datetime as dt

import numpy as np

from eval.stats.studentised import DRAWS, ratio_of_sums
from eval.time.measurement import ASSOCIATION, LEAST_RECORDS, WAITING, Measurement, make
from eval.time.waits.from_export import Waits
from eval.time.waits.periods import Cells, follow_up, values


def with_help(waits: Waits, quantity: str, value: np.ndarray, usable: np.ndarray, draws: int = DRAWS) -> Measurement:
    """Subtract the mean without help from that with it, in strata of structure and month that hold both.

    Structures are resampled. `usable` masks the waits on which the value is known. Without a stratum there is no
    estimate.
    """
    known = usable & (waits.offered >= 0)
    month = waits.month
    month = month - (int(month.min()) if len(month) else 0)
    span = int(month.max()) + 1 if len(month) else 1
    stratum = waits.structure.astype(np.int64) * span + month
    groups = known & (waits.offered == 0), known & (waits.offered == 1)
    cells = Cells.of(stratum, groups, value, len(waits.names) * span)
    weights, kept = cells.weights, cells.compared
    of_structure = np.repeat(np.arange(len(waits.names)), span)
    den = np.bincount(of_structure, weights=weights, minlength=len(waits.names))
    num = np.bincount(of_structure, weights=weights * cells.differences, minlength=len(waits.names))
    n = cells.n[:, kept].sum(axis=1)
    least = float(np.hypot(*cells.least((weights, weights), max(1.0, float(value[known].max(initial=0.0))))))
    if kept.any() and (den > 0).sum() == 1:  # one structure: its months are resampled
        num, den = weights * cells.differences, weights
    found = ratio_of_sums(num, den, draws, least=least) if kept.any() else None
    interval = found.interval() if found and min(n) >= LEAST_RECORDS else None
    return make(quantity, "all", "ai_vs_not", found.value if found else None, interval, n.sum(), ASSOCIATION)


def waiting(waits: Waits, start: dt.date, *, flagged_unanswered: bool, draws: int = DRAWS) -> list[Measurement]:
    """Compare every WAITING measure of the reviews since the pilot's start that were seen long enough."""
    rows = []
    timed = waits.where(waits.timed & (waits.start >= start.toordinal()))
    answered = timed.reply > 0
    for quantity in WAITING:
        usable = timed.start <= timed.end - follow_up(quantity)
        if not flagged_unanswered:
            usable = usable & answered
        rows.append(with_help(timed, quantity, values(timed, quantity), usable, draws))
    return rows
