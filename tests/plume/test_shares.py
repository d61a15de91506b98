"""Exact limits of a share, against the literature and scipy."""

import pytest
from scipy.stats import binomtest

from plume.shares import clopper_pearson, upper_bound


@pytest.mark.parametrize(
    ("hits", "n", "bound"), [(0, 300, 0.0099), (0, 604, 0.0049), (1, 600, 0.0079), (3, 600, 0.0129), (2, 1000, 0.0063)]
)
def test_one_sided_bounds_of_the_literature(hits, n, bound):
    # For no event the limit is 1 - 0.05^(1/n): 1 - 0.05^(1/300) = 0.009936.
    assert upper_bound(hits, n) == pytest.approx(bound, abs=6e-5)


def test_two_sided_intervals():
    # 0 of 5: 1 - 0.025^(1/5) = 0.521824; 3 of 10: (0.0667, 0.6525), the textbook example.
    assert clopper_pearson(0, 5) == (0.0, pytest.approx(0.521824, abs=1e-6))
    assert clopper_pearson(3, 10) == (pytest.approx(0.066740, abs=1e-6), pytest.approx(0.652453, abs=1e-6))
    assert clopper_pearson(5, 5) == (pytest.approx(1 - 0.521824, abs=1e-6), 1.0)
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_one_sided_clopper_pearson_without_event_is_the_rule_of_three_made_exact():
    # 0 of n: upper = 1 - 0.05^(1/n). n = 299: 1 - exp(ln 0.05 / 299) = 1 - exp(-0.0100191) = 0.0099691; 298 is over 1 %
    assert clopper_pearson(0, 299, side="upper") == pytest.approx((0.0, 1 - 0.05 ** (1 / 299)))
    assert clopper_pearson(0, 299, side="upper")[1] <= 0.01 < clopper_pearson(0, 298, side="upper")[1]
    theirs = binomtest(2, 50, alternative="less").proportion_ci(0.95, method="exact")
    assert clopper_pearson(2, 50, side="upper")[1] == pytest.approx(theirs.high)
    assert clopper_pearson(50, 50, side="lower") == pytest.approx((0.05 ** (1 / 50), 1.0))
