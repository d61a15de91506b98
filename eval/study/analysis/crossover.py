"""Average what differs within agents of a crossover: each sequence of arms alike, so that the period cancels out.

With six to twelve agents, resampled agents give intervals that hold the truth in 80 to 90 % (of the difference of
minutes, percentile and BCa, 300 studies each). Student's t with agents' degrees of freedom holds it in 93 to 97 %, and
so does the bootstrap by agent when it is studentised, from ten agents on.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

LEAST_RESAMPLED = 10  # agents from which they are resampled; Student's t with fewer
DRAWS = 2000


@dataclass(frozen=True)
class Contrast:
    """Holds a value, its standard error and degrees of freedom; `quantile` of |t| where it was resampled."""

    value: float
    error: float
    degrees: float
    quantile: float | None = None

    def interval(self, confidence: float) -> tuple[float, float]:
        half = (self.quantile or float(student.ppf((1 + confidence) / 2, self.degrees))) * self.error
        return self.value - half, self.value + half

    @property
    def p(self) -> float:
        """Give the two-sided p-value of "it is 0", by Student's t."""
        return float(2 * student.sf(abs(self.value) / self.error, self.degrees))

    def detectable(self, confidence: float, power: float = 0.8) -> float:
        """Give the value that such a standard error would have shown to differ from 0 with this power."""
        return float(student.ppf((1 + confidence) / 2, self.degrees) + student.ppf(power, self.degrees)) * self.error


def by_sequence(values: np.ndarray, sequences: np.ndarray, resampled: float | None = None) -> Contrast:
    """Average one value for each agent, shape (n,), each sequence, shape (n,), alike. There is at least one agent.

    `resampled` is the confidence for which the quantile is taken from resampled agents, each sequence for itself.
    """
    sides = [values[sequences == side] for side in np.unique(sequences)]
    free = len(values) - len(sides)
    means, errors = _moments([side[None, :] for side in sides], max(free, 1))
    value = float(means[0])
    if free < 1:
        return Contrast(value, 0.0, 1.0)
    quantile = None
    if resampled and len(values) >= LEAST_RESAMPLED and errors[0] > 0:
        rng = np.random.default_rng(0)
        drawn = [side[rng.integers(len(side), size=(DRAWS, len(side)))] for side in sides]
        centres, spreads = _moments(drawn, free)
        ratios = (np.abs(centres - value) / np.where(spreads > 0, spreads, np.nan))[spreads > 1e-9 * errors[0]]
        quantile = float(np.quantile(ratios, resampled))
    return Contrast(value, float(errors[0]), float(free), quantile)


def _moments(sides: list[np.ndarray], free: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the mean of the sides' means and its standard error, for each row of the sides (draws, agents)."""
    centres = np.mean([side.mean(axis=1) for side in sides], axis=0)
    within = sum(((side - side.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for side in sides) / free
    return centres, np.sqrt(within * sum(1 / side.shape[1] for side in sides)) / len(sides)
