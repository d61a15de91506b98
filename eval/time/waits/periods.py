"""Choose two periods of equal follow-up, before and after, and sum up each structure in both.

To say how long citizens wait within `tau` days, only those are taken whose wait began at least `tau` days before the
end of observation: each is followed to the end, so nothing is censored, whatever the mix of services does meanwhile.
"Before" ends with the pilot's start: whose `tau` days reach into it are left out, so it holds no reply of the pilot.

Comparisons weigh each structure the same in both periods, by n_before · n_after / (n_before + n_after) (Mantel and
Haenszel 1959): a fixed mix of services, in which a structure counts for what it tells. One that is in one period only
cannot be compared with itself and is left out.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from eval.stats.studentised import least_half
from eval.time.measurement import BEFORE_AFTER, SEASONAL, Window
from eval.time.waits.from_export import Waits
from eval.time.waits.survival import reach

LONGEST = 365  # days: a whole year before and after holds the same seasons
HOLE = 10  # days without any review from which a period is not covered


def follow_up(quantity: str) -> int:
    """Say how many days a wait must be seen for its `quantity` to be known."""
    return reach(quantity)[0]


def periods(waits: Waits, start: dt.date, tau: int, longest: int = LONGEST) -> tuple[Window, Window] | None:
    """Find the longest equal periods before and after the start of which every wait is seen `tau` days; or None."""
    if not len(waits):
        return None
    first = dt.date.fromordinal(int(waits.start.min()))
    seen_before, seen_after = start - dt.timedelta(days=max(tau, 1)), waits.extracted_on - dt.timedelta(days=tau)
    days = min((seen_before - first).days + 1, (seen_after - start).days + 1, longest)
    if days < 1:
        return None
    length = dt.timedelta(days=days - 1)
    return Window(seen_before - length, seen_before), Window(start, start + length)


def year_earlier(waits: Waits, first: dt.date, last: dt.date, tau: int) -> tuple[Window, Window] | None:
    """Find the same days one year earlier, and a given period as far as the export sees it `tau` days.

    None if nothing is seen that long, or if in either period HOLE days in a row hold no review: the two would not be of
    one season. Waits of a year earlier are seen `tau` days before the period begins, so it is cut at a year less those.
    """
    seen, year = waits.extracted_on - dt.timedelta(days=tau), first + dt.timedelta(days=LONGEST - 1 - max(tau, 1))
    last = min(last, seen, year)
    if last < first:
        return None
    windows = Window(_year_before(first), _year_before(last)), Window(first, last)
    return windows if all(_covered(waits, window) for window in windows) else None


def grade_of(windows: tuple[Window, Window] | None) -> str:
    """Grade a comparison: C for a year or more before and after; less than that mixes seasons."""
    return BEFORE_AFTER if windows and min(window.days for window in windows) >= LONGEST else SEASONAL


def _year_before(day: dt.date) -> dt.date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _covered(waits: Waits, window: Window) -> bool:
    first, last = window.ordinals
    days = np.unique(waits.start[within(waits, window)])
    return bool(np.diff(np.r_[first - 1, days, last + 1]).max() <= HOLE)


def spans(waits: Waits, window: Window) -> bool:
    """Say whether a population's waits, maybe few, reach over a window: else its season is another one.

    The first and the last are within HOLE days of its ends, and no thirty days in a row hold none.
    """
    first, last = window.ordinals
    days = np.unique(waits.start[within(waits, window)])
    if not len(days):  # nobody: too few to say anything, which is said elsewhere
        return True
    if days[0] - first >= HOLE or last - days[-1] >= HOLE:
        return False
    return len(days) < 2 or bool(np.diff(days).max() <= 3 * HOLE)


def within(waits: Waits, window: Window) -> np.ndarray:
    """Mask the waits that began in a window."""
    first, last = window.ordinals
    return (waits.start >= first) & (waits.start <= last)


def values(waits: Waits, quantity: str) -> np.ndarray:
    """Give each wait's days within the horizon, or whether it was answered within so many days.

    Meant for timed waits followed to the horizon: unanswered then is unanswered within it.
    """
    days, area = reach(quantity)
    delay = np.where(waits.reply > 0, waits.reply - waits.start, np.iinfo(np.int32).max)
    return np.minimum(delay, days).astype(float) if area else (delay < days).astype(float)


@dataclass(frozen=True)
class Cells:
    """Holds counts and sums of a value by structure, in two groups: before and after, or without and with help."""

    n: np.ndarray  # (2, structures)
    sums: np.ndarray  # (2, structures)
    squares: np.ndarray  # (2, structures)

    @classmethod
    def of(cls, structure: np.ndarray, groups: tuple[np.ndarray, ...], value: np.ndarray, size: int) -> "Cells":
        n = [np.bincount(structure[mask], minlength=size) for mask in groups]
        sums = [np.bincount(structure[mask], weights=value[mask], minlength=size) for mask in groups]
        squares = [np.bincount(structure[mask], weights=value[mask] ** 2, minlength=size) for mask in groups]
        return cls(np.array(n, dtype=float), np.array(sums, dtype=float), np.array(squares, dtype=float))

    def least(self, weights: tuple[np.ndarray, np.ndarray], top: float) -> tuple[float, float]:
        """Give the least half-width of each group's mean, its structures weighted so: `studentised.least_half`."""
        sides = zip(self.n, self.sums, self.squares, weights, strict=True)
        return tuple(least_half(*side, top) for side in sides)  # type: ignore[return-value]

    @property
    def weights(self) -> np.ndarray:
        """Weigh structures as Mantel and Haenszel do, (structures,)."""
        total = self.n.sum(axis=0)
        return np.divide(self.n.prod(axis=0), total, out=np.zeros_like(total), where=total > 0)

    @property
    def means(self) -> np.ndarray:
        """Give the means, (2, structures), 0 where there is nothing."""
        return np.divide(self.sums, self.n, out=np.zeros_like(self.sums), where=self.n > 0)

    @property
    def differences(self) -> np.ndarray:
        """Subtract the first group's mean from the second's, by structure."""
        return self.means[1] - self.means[0]

    @property
    def compared(self) -> np.ndarray:
        """Mask the structures that are in both groups."""
        return self.weights > 0
