"""Hold one announced value beside its estimate: whether they agree, and how that is said in French."""

from dataclasses import dataclass

import numpy as np

from eval.time.measurement import MAIN
from eval.time.waits.periods import follow_up
from plume.page import numbers


@dataclass(frozen=True)
class Scaled:
    """Compares means within two horizons, in days, that have a claimed ratio; `neutral` if nothing changed."""

    horizons: tuple[int, int]
    estimate: float
    interval: tuple[float, float]
    neutral: float

    def holds(self, value: float) -> bool:
        return self.interval[0] <= value <= self.interval[1]

    def __str__(self) -> str:
        shown = [show(x, "") for x in (self.estimate, *self.interval, self.neutral)]
        return "limitée à {} jours avant et {} après : {} [{} ; {}], et {} si rien n'avait changé".format(
            *self.horizons, *shown
        )


@dataclass(frozen=True)
class Held:
    """Holds one claimed value beside its estimate. `neutral`: the value that would mean "no change", None for a level.

    `unseen` is what may be missing from a restricted mean; `scaled` is a ratio whose horizon shrinks with the wait;
    `widest` is how wide the interval may be to say that it holds the value: of a ratio, its ends divided.
    """

    what: str
    claimed: float
    estimate: float
    interval: tuple[float, float] | None
    neutral: float | None
    unit: str
    widest: float
    unseen: float = 0.0
    scaled: Scaled | None = None

    def too_wide(self) -> bool:
        """Say whether the interval that holds the value holds too much beside it."""
        interval = self.interval
        if interval is not None and self.scaled and not interval[0] <= self.claimed <= interval[1]:
            interval = self.scaled.interval
        if interval is None:
            return False
        low, high = interval
        return not high <= low * self.widest if self.unit == "" else high - low > self.widest

    def agrees(self) -> bool | None:
        """Say whether both agree: True, False, or None where the file cannot tell."""
        if self.interval is None:
            return None
        low, high = self.interval
        still = self.neutral is not None and low <= self.neutral <= high
        if low <= self.claimed <= high:
            return None if still or self.too_wide() else True
        if self.scaled and self.scaled.holds(self.claimed):
            return None if still or self.scaled.holds(self.scaled.neutral) or self.too_wide() else True
        return None if high < self.claimed <= high + self.unseen else False

    def __str__(self) -> str:
        if not np.isfinite(self.estimate) or self.interval is None:
            return f"{self.what} : non estimable"
        shown = [show(value, self.unit) for value in (self.estimate, *self.interval)]
        more = f" ({self.scaled})" if self.scaled else ""
        return "{} : {} [{} ; {}]{}, annoncé {}".format(self.what, *shown, more, show(self.claimed, self.unit))

    def in_words(self, *, agrees: bool = False) -> str:
        """Write "−19 %, pas de moitié" of a ratio; of another value, what it is and what was announced."""
        if self.unit == "":
            half = abs(self.claimed - 2) < 1e-9
            seen, told = (numbers.percent(1 / ratio - 1, 0, signed=True) for ratio in (self.estimate, self.claimed))
            if not agrees:
                return f"{seen}, pas {'de moitié' if half else f'{told} comme annoncé'}"
            announced = "la moitié annoncée" if half else f"les {told} annoncés"
            if self.interval and self.interval[0] <= self.claimed <= self.interval[1]:
                return f"{seen}, ce qui va avec {announced}"
            return f"{seen} dans les {follow_up(MAIN)} premiers jours, ce qui va avec {announced} sur toute l'attente"
        seen, claimed = show(self.estimate, self.unit), show(self.claimed, self.unit)
        return f"{self.what} : {seen}, {'ce qui va avec' if agrees else 'pas'} {claimed}"


def show(value: float, unit: str) -> str:
    """Write a share in percent, a difference in points, days, minutes, or a ratio (no unit)."""
    if unit == "%":
        return numbers.percent(value, 0)
    if unit == "points":
        return numbers.points(value, 0)
    if unit == "minutes":
        return f"{numbers.number(value, 1)} min"
    return f"{numbers.number(value, 1)} j" if unit == "days" else numbers.number(value, 2)
