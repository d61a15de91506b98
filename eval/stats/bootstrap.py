"""Bootstrap intervals of a mean and of a paired difference of means (BCa; Efron 1987), clusters resampled whole.

A bootstrap interval of few clusters is too narrow, as a normal one is beside Student's: its levels are expanded by as
much (Hesterberg 2015). Coverage of the 95 % interval (1,500 samples each): 93.0 to 95.3 % from 20 clusters on for
normal, exponential and beta values and for clustered ones; of lognormal values (sigma 1) 88 % at 30, 92 % at 60 and
94 % at 150.
"""

import math

import numpy as np
from scipy.stats import norm, t

from eval.stats.estimate import Estimate, scored

DRAWS = 4000
_CHUNK = 2**22  # resampled indices held at once, to bound memory (32 MB)


def mean(
    values: "np.ndarray | list[float]",
    *,
    clusters: "np.ndarray | list | None" = None,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """Average, with the bias-corrected and accelerated bootstrap interval; percentile interval where BCa is undefined.

    Where all values are equal nothing tells how far others may lie, and there is no interval: never one of no width.

    Args:
        values: one number per item, shape (n,); NaN is an item that could not be scored.
        clusters: what each item belongs to, shape (n,). Items of one cluster are not independent: they are resampled
            together, so an item written twice counts once.
        confidence: of the two-sided interval.
        draws: number of resamples.
        seed: same values and seed, same interval.
    """
    values, groups, missing = scored(values, clusters)
    if not len(values):
        return Estimate(None, None, None, 0, missing)
    sums, sizes = np.bincount(groups, weights=values), np.bincount(groups)
    centre = float(values.mean())
    if len(sums) < 2:
        return Estimate(centre, None, None, len(values), missing)
    means = _resampled(sums, sizes, draws, np.random.default_rng(seed))
    lower, upper = np.quantile(means, _levels(means, centre, sums, sizes, confidence))
    half = _least(values, groups, sums / sizes, confidence)
    lower, upper = min(float(lower), centre - half), max(float(upper), centre + half)
    if not upper - lower > 1e-12 * max(1.0, abs(centre)):
        return Estimate(centre, None, None, len(values), missing)
    return Estimate(centre, lower, upper, len(values), missing)


def _least(values: np.ndarray, groups: np.ndarray, means: np.ndarray, confidence: float) -> float:
    """Give the half-width if all that varies were items within their clusters: clusters may agree by chance."""
    free = len(values) - len(means)
    if not free:
        return 0.0
    inside = float(np.sum((values - means[groups]) ** 2)) / free
    return float(t.ppf((1 + confidence) / 2, free)) * math.sqrt(inside / len(values))


def paired_difference(
    champion: "np.ndarray | list[float]", challenger: "np.ndarray | list[float]", **options: object
) -> Estimate:
    """Average challenger - champion on the same items, shapes (n,). An item that either lacks (NaN) is an error.

    Pairing is what gives power: the difficulty of an item, common to both, cancels out. Options as for `mean`.
    """
    return mean(np.asarray(challenger, dtype=float) - np.asarray(champion, dtype=float), **options)


def _resampled(sums: np.ndarray, sizes: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    n = len(sums)
    rows = max(1, _CHUNK // n)
    means = []
    for start in range(0, draws, rows):
        drawn = rng.integers(n, size=(min(rows, draws - start), n))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    return np.concatenate(means)


def _levels(
    means: np.ndarray, centre: float, sums: np.ndarray, sizes: np.ndarray, confidence: float
) -> tuple[float, float]:
    """Say which quantiles of the resampled means bound the interval."""
    n = len(sums)
    wider = min(float(norm.cdf(math.sqrt(n / (n - 1)) * t.ppf((1 + confidence) / 2, n - 1))), 1 - 1e-9)
    plain = (1 - wider, wider)
    # A resample equal to the estimate counts half on either side, so that swapping the arms mirrors the interval.
    equal = np.isclose(means, centre, rtol=0, atol=1e-12 * max(1.0, abs(centre)))
    below = float(np.mean((means < centre) & ~equal) + np.mean(equal) / 2)
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    deviation = left_out.mean() - left_out
    spread = float(np.sum(deviation**2))
    if below in (0.0, 1.0) or spread < 1e-24 * max(1.0, centre**2):
        return plain
    bias = norm.ppf(below)
    acceleration = float(np.sum(deviation**3)) / (6 * spread**1.5)
    levels = []
    for level in plain:
        z = bias + norm.ppf(level)
        shrink = 1 - acceleration * z
        if shrink <= 0:
            return plain
        levels.append(float(norm.cdf(bias + z / shrink)))
    return levels[0], levels[1]
