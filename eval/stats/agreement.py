"""How far raters agree: Cohen's kappa for two, Krippendorff's alpha for any number with gaps."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Literal

import numpy as np


def cohen_kappa(left: Sequence[Hashable], right: Sequence[Hashable]) -> float | None:
    """Cohen's kappa (1960) of two raters' labels of the same items; None without items or with one label throughout."""
    if len(left) != len(right):
        raise ValueError(f"{len(left)} labels against {len(right)}")
    if not left:
        return None
    labels = {label: i for i, label in enumerate(dict.fromkeys([*left, *right]))}
    table = np.zeros((len(labels), len(labels)))
    for a, b in zip(left, right, strict=True):
        table[labels[a], labels[b]] += 1
    table /= len(left)
    chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return None if chance == 1 else (float(np.trace(table)) - chance) / (1 - chance)


def krippendorff_alpha(
    ratings: Mapping[Hashable, Sequence[float]], level: Literal["nominal", "ordinal", "interval"] = "nominal"
) -> float | None:
    """Krippendorff's alpha; None if fewer than two items have two ratings, or if every rating is the same.

    Args:
        ratings: item -> its ratings, whoever gave them; items with fewer than two are left out. Nominal labels as
            numbers.
        level: what differences mean.
    """
    units = [list(values) for values in ratings.values() if len(values) > 1]
    values = sorted({value for unit in units for value in unit})
    if len(units) < 2 or len(values) < 2:
        return None
    place = {value: i for i, value in enumerate(values)}
    coincidences = np.zeros((len(values), len(values)))
    for unit in units:
        counts = np.bincount([place[v] for v in unit], minlength=len(values)).astype(float)
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = coincidences.sum(axis=1)
    difference = _differences(np.asarray(values, dtype=float), totals, level)
    observed = float(np.sum(coincidences * difference))
    expected = float(np.sum(np.outer(totals, totals) * difference)) / (totals.sum() - 1)
    return 1 - observed / expected


def _differences(values: np.ndarray, totals: np.ndarray, level: str) -> np.ndarray:
    """Squared differences between values, by level of measurement (Krippendorff 2011)."""
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "interval":
        return (values[:, None] - values[None, :]) ** 2
    between = np.cumsum(totals)
    sums = np.abs(between[:, None] - between[None, :])
    # From the first value to the second, both ends counted by half.
    low = np.minimum.outer(np.arange(len(values)), np.arange(len(values)))
    high = np.maximum.outer(np.arange(len(values)), np.arange(len(values)))
    return np.where(low == high, 0.0, (sums + totals[low] / 2 - totals[high] / 2) ** 2)
