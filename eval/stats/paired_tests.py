"""Tests of "the two systems are alike" on the same items: McNemar's mid-p for shares, sign flips for any measure."""

import numpy as np
from scipy.stats import binom

from eval.stats.estimate import scored

_EXACT = 14  # clusters: up to here every assignment of signs is gone through


def mcnemar_mid_p(gained: int, lost: int) -> float:
    """Give the two-sided mid-p value of McNemar's test (Fagerland, Lydersen and Laake 2013), 1 without discordant pair.

    The exact test is too careful (type I near 3.6 % for 5 %), the asymptotic one too bold; the mid-p is neither.

    Args:
        gained: items in which only the challenger succeeds.
        lost: items in which only the champion succeeds.
    """
    n = gained + lost
    if not n:
        return 1.0
    least = min(gained, lost)
    p = 2 * binom.cdf(least, n, 0.5) - binom.pmf(least, n, 0.5)
    return float(min(1.0, p))


def sign_flip(
    differences: "np.ndarray | list[float]",
    *,
    clusters: "np.ndarray | list | None" = None,
    draws: int = 10_000,
    seed: int = 0,
) -> float:
    """Test "the mean difference is 0", two-sided, by flipping signs, one for all items of a cluster: the p-value.

    Exact up to 14 clusters; with more, drawn at random, the observed signs counted as one of the draws (Phipson and
    Smyth 2010), so that no p-value is 0. NaN is left out; 1 if nothing is left.

    Args:
        differences: challenger - champion per item, shape (n,).
        clusters: what each item belongs to, shape (n,).
    """
    values, groups, _ = scored(differences, clusters)
    if not len(values):
        return 1.0
    sums = np.bincount(groups, weights=values)
    observed = abs(sums.sum())
    tolerance = 1e-9 * max(1.0, float(np.abs(sums).sum()))
    if len(sums) <= _EXACT:
        signs = 1 - 2 * ((np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1)
        return float(np.mean(np.abs(signs @ sums) >= observed - tolerance))
    rng = np.random.default_rng(seed)
    extreme, rows = 0, max(1, 2**22 // len(sums))
    for start in range(0, draws, rows):
        signs = rng.integers(2, size=(min(rows, draws - start), len(sums)), dtype=np.int8) * 2 - 1
        extreme += int(np.sum(np.abs(signs @ sums) >= observed - tolerance))
    return (1 + extreme) / (1 + draws)
