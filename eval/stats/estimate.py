"""What every statistic of plume returns: a value, its interval, and the counts that stand behind it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """Holds a value with its interval.

    `n` counts the items that stand behind it and `n_error` those that should have, but could not be scored. What
    cannot be said is None, never 0: nothing scored has no estimate, a single independent item has no interval.
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    n: int
    n_error: int = 0

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.lower is None or self.upper is None else (self.lower, self.upper)


def scored(
    values: "np.ndarray | list[float]", clusters: "np.ndarray | list | None"
) -> tuple[np.ndarray, np.ndarray, int]:
    """Give the values that are there, the number of the cluster that each belongs to, and how many are missing (NaN).

    Without `clusters` every value is one of its own. Raises ValueError if the lengths differ.
    """
    values = np.asarray(values, dtype=float)
    groups = np.arange(len(values)) if clusters is None else np.asarray(clusters)
    if values.shape != groups.shape:
        raise ValueError(f"{len(values)} values for {len(groups)} clusters")
    there = ~np.isnan(values)
    numbers = np.unique(groups[there], return_inverse=True)[1]
    return values[there], numbers, int((~there).sum())
