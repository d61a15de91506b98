"""Shares and their differences: Wilson, Tango for pairs, clustered items. The exact interval: `plume.shares`.

Items of one cluster (the replies of several structures to one review) are not independent. Intervals then work with
the effective number of items, n divided by the design effect (Rao and Scott 1992), which never narrows them.
"""

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from eval.stats.estimate import Estimate, scored


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Give the two-sided score interval of a proportion (Wilson 1927). `n` may be an effective number of items."""
    return score_interval(successes / n, n, norm.ppf((1 + confidence) / 2))


def score_interval(share: float, n: float, quantile: float) -> tuple[float, float]:
    """Give Wilson's interval of a share of `n` items, or of as many as would tell the same, at any quantile."""
    centre = (share + quantile**2 / (2 * n)) / (1 + quantile**2 / n)
    half = quantile / (1 + quantile**2 / n) * math.sqrt(share * (1 - share) / n + quantile**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


@lru_cache(maxsize=4096)  # most checks are passed by both arms on every item: the same table again and again
def tango(gained: float, lost: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Give the two-sided score interval of a paired difference of proportions, (gained - lost) / n.

    The values of delta that the score test does not reject (Tango 1998, Statistics in Medicine 17:891-908). Sound where
    no pair differs: the interval then is not [0, 0] but shrinks as 1/n.

    Args:
        gained: pairs in which only the challenger succeeds; with an effective `n`, scaled as it is.
        lost: pairs in which only the champion succeeds.
        n: all pairs.
    """
    z = norm.ppf((1 + confidence) / 2)
    difference = (gained - lost) / n

    def score(delta: float) -> float:
        variance, gap = tango_variance(gained, lost, n, delta), n * (difference - delta)
        if variance <= 0:
            return math.copysign(math.inf, gap) if gap else 0.0
        return gap / math.sqrt(variance)

    def bound(edge: float, target: float) -> float:
        # The score falls from +infinity at -1 to -infinity at 1, and is 0 at the difference itself.
        return float(brentq(lambda delta: max(-1e6, min(1e6, score(delta))) - target, edge, difference))

    return -1.0 if difference <= -1 else bound(-1.0, z), 1.0 if difference >= 1 else bound(1.0, -z)


def tango_variance(gained: float, lost: float, n: float, delta: float) -> float:
    """Give the variance of gained - lost under a true difference of `delta`, at the discordance most likely there."""
    # Probability of "lost" that is most likely given delta, from Tango's quadratic.
    b = -gained - lost + (2 * n - gained + lost) * delta
    q = (math.sqrt(max(0.0, b**2 + 8 * n * lost * delta * (1 - delta))) - b) / (4 * n)
    return n * (2 * q + delta * (1 - delta))


def design_effect(values: np.ndarray, clusters: np.ndarray) -> float:
    """Compute by how much clustering inflates the variance of the mean, at least 1.

    The cluster-robust variance over the one for independent items. Where all values agree it cannot be estimated, and
    the worst is assumed: items of one cluster are copies of each other.

    Args:
        values: shape (n,).
        clusters: number of each item's cluster, shape (n,).
    """
    residuals = values - values.mean()
    independent = float(np.sum(residuals**2))
    if independent < 1e-12:
        return float(np.sum(np.bincount(clusters) ** 2.0) / len(values))
    return max(1.0, float(np.sum(np.bincount(clusters, weights=residuals) ** 2)) / independent)


def share(
    values: "np.ndarray | list[float]", *, clusters: "np.ndarray | list | None" = None, confidence: float = 0.95
) -> Estimate:
    """Give the share of ones among 0/1 values, with Wilson's interval. NaN is an item that could not be scored.

    Coverage of the 95 % interval, summed over all outcomes: 92.7 to 97 % from 30 items on where 5 successes and 5
    failures are expected; with fewer expected it falls to 86 % at places (Brown, Cai and DasGupta 2001): for rare
    events read `plume.shares`. Raises ValueError for a value that is neither 0 nor 1.
    """
    values, groups, missing = scored(values, clusters)
    _binary(values)
    n = len(values)
    if not n:
        return Estimate(None, None, None, 0, missing)
    inflation = design_effect(values, groups)
    lower, upper = wilson(float(values.sum()) / inflation, n / inflation, confidence)
    return Estimate(float(values.mean()), lower, upper, n, missing)


def paired_difference(
    champion: "np.ndarray | list[float]",
    challenger: "np.ndarray | list[float]",
    *,
    clusters: "np.ndarray | list | None" = None,
    confidence: float = 0.95,
) -> Estimate:
    """Give the share of the challenger minus share of the champion on the same items, with Tango's interval.

    Args:
        champion: 0/1 values, shape (n,); NaN is an item that could not be scored, in either arm.
        challenger: the same items' values, in the same order.
        clusters: what each item belongs to, shape (n,).
        confidence: of the two-sided interval; 0.90 gives one-sided bounds at 95 %.

    Coverage of the 95 % interval, summed over all outcomes: 94.7 to 97 % from 300 pairs on; with fewer and few that
    differ it is wider than it need be (60 pairs, 1 % each way: 99.9 %). Non-inferiority by 3 or 5 points is concluded
    wrongly, at the margin itself, in at most 5.1 % of samples of 299 to 900 pairs, 5.53 % where the challenger alone
    never succeeds. Raises ValueError for a value that is neither 0 nor 1.
    """
    for values in (champion, challenger):
        _binary(scored(values, None)[0])
    differences, groups, missing = scored(
        np.asarray(challenger, dtype=float) - np.asarray(champion, dtype=float), clusters
    )
    n = len(differences)
    if not n:
        return Estimate(None, None, None, 0, missing)
    inflation = design_effect(differences, groups)
    gained, lost = float(np.sum(differences > 0)), float(np.sum(differences < 0))
    lower, upper = tango(gained / inflation, lost / inflation, n / inflation, confidence)
    return Estimate(float(differences.mean()), lower, upper, n, missing)


def _binary(values: np.ndarray) -> None:
    if not np.isin(values, (0.0, 1.0)).all():
        raise ValueError("shares are of values that are 0 or 1; for others use eval.stats.bootstrap")
