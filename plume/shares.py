"""Bound a share of hits exactly: what the gold set, the audit and the verdict's safety rule quote."""

from typing import Literal


def clopper_pearson(
    hits: int, n: int, confidence: float = 0.95, side: Literal["both", "lower", "upper"] = "both"
) -> tuple[float, float]:
    """Give the exact interval of a proportion (Clopper and Pearson 1934); (0, 1) if n is 0.

    With `side` "lower" or "upper" all of the error is put there, and the other bound is 1 or 0.
    """
    from scipy.stats import binomtest  # a second to import, which most commands do without

    if not n:
        return 0.0, 1.0
    alternative = {"both": "two-sided", "lower": "greater", "upper": "less"}[side]
    found = binomtest(hits, n, alternative=alternative).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def upper_bound(hits: int, n: int, confidence: float = 0.95) -> float:
    """Give the exact one-sided upper limit: 0 of 300 gives 0.00994, 1 of 473 gives 0.00999."""
    return clopper_pearson(hits, n, confidence, "upper")[1]
