"""Intervals for shares of votes: Wilson for one share, Newcombe for the difference of two. Pure."""

from math import sqrt

Z = 1.959963984540054  # 97.5 % quantile of the normal law: two-sided intervals at 95 %


def wilson(successes: int, n: int, z: float = Z) -> tuple[float, float]:
    """Interval of a share (Wilson 1927). Raises ValueError if n is 0."""
    if n <= 0:
        raise ValueError("a share of no votes has no interval")
    share = successes / n
    centre = share + z * z / (2 * n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def newcombe(before: tuple[int, int], after: tuple[int, int]) -> tuple[float, float]:
    """Interval of share(after) - share(before), each (successes, n): Newcombe 1998, hybrid score (method 10)."""
    share_0, share_1 = before[0] / before[1], after[0] / after[1]
    (low_0, high_0), (low_1, high_1) = wilson(*before), wilson(*after)
    difference = share_1 - share_0
    return (
        difference - sqrt((share_1 - low_1) ** 2 + (high_0 - share_0) ** 2),
        difference + sqrt((high_1 - share_1) ** 2 + (share_0 - low_0) ** 2),
    )
