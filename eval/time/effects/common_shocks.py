"""Measure what moves all structures at once from month to month, beside the season: no average removes it.

Resampled structures share every month, so their interval knows nothing of a strike, a reform or a rush that all of them
met. The file shows it before the pilot: months of 30 days, a yearly wave fitted to them, and what they still differ by
beyond the sampling of their reviews. A change from one year to the next is told apart from that, or not at all.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from eval.stats.studentised import Inference, student_quantile
from eval.time.measurement import Window
from eval.time.waits.from_export import Waits

DAYS_A_MONTH = 30  # days
LEAST_MONTHS, MOST_MONTHS = 8, 36
LEAST_OF_A_MONTH = 5  # reviews


@dataclass(frozen=True)
class Shocks:
    """Holds the variance of a month's shock to a share or to the log of a mean, and its degrees of freedom."""

    variance: float
    degrees: int

    def half(self, windows: tuple[Window, Window]) -> float:
        """Compute the half-width, at LEVEL, of the difference of two periods that only shocks tell apart."""
        months = [max(1.0, window.days / DAYS_A_MONTH) for window in windows]
        spread = self.variance * sum(1 / n for n in months)
        return student_quantile(self.degrees) * float(np.sqrt(spread))


def seen(waits: Waits, value: np.ndarray, usable: np.ndarray, until: dt.date, *, share: bool) -> Shocks | None:
    """Estimate shocks from the months before `until`, of `usable` waits; None with fewer than LEAST_MONTHS.

    `share` takes the means as they are, else their logarithms.
    """
    month = (until.toordinal() - 1 - waits.start) // DAYS_A_MONTH
    kept = usable & (month >= 0) & (month < MOST_MONTHS)
    month, value = month[kept], value[kept]
    n, sums, squares = (np.bincount(month, weights=value**power, minlength=MOST_MONTHS) for power in (0, 1, 2))
    there = (n >= LEAST_OF_A_MONTH) & ((sums > 0) | share)
    n, sums, squares = n[there], sums[there], squares[there]
    if len(n) < LEAST_MONTHS:
        return None
    means = sums / n
    sampling = np.maximum(squares - sums**2 / n, 0) / (n - 1) / n
    if not share:
        means, sampling = np.log(means), sampling / means**2
    turn = 2 * np.pi * np.flatnonzero(there) * DAYS_A_MONTH / 365.25
    wave = np.column_stack([np.ones(len(n)), np.cos(turn), np.sin(turn)])
    left = means - wave @ np.linalg.lstsq(wave, means, rcond=None)[0]
    degrees = len(n) - wave.shape[1]
    return Shocks(max(0.0, float(left @ left) / degrees - float(sampling.mean())), degrees)


def widened(found: Inference, half: float) -> Inference:
    """Widen an interval by shocks of this `half`-width; the value stays."""
    return Inference(found.value, float(np.hypot(found.half, half)) / found.quantile, found.quantile, found.clusters)
