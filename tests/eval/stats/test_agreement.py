"""Kappa by hand; alpha against the package `krippendorff` and its author's example."""

import krippendorff
import numpy as np
import pytest

from eval.stats.agreement import cohen_kappa, krippendorff_alpha


def test_kappa_by_hand():
    # 45 of 50 agree (0.9); chance: 0.6·0.5 + 0.4·0.5 = 0.5; (0.9 - 0.5) / 0.5 = 0.8
    left = ["a"] * 30 + ["b"] * 20
    right = ["a"] * 25 + ["b"] * 5 + ["b"] * 20
    assert cohen_kappa(left, right) == pytest.approx(0.8)
    assert cohen_kappa(right, left) == pytest.approx(0.8)


def test_kappa_without_evidence():
    assert cohen_kappa([], []) is None
    assert cohen_kappa(["a", "a"], ["a", "a"]) is None
    with pytest.raises(ValueError, match="2 labels against 1"):
        cohen_kappa(["a", "b"], ["a"])


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_that_of_the_package(level):
    rng = np.random.default_rng(4)
    table = rng.integers(1, 6, (4, 25)).astype(float)
    table[1:] = np.where(rng.random((3, 25)) < 0.6, table[0], table[1:])
    table[rng.random((4, 25)) < 0.2] = np.nan
    ratings = {i: [v for v in column if not np.isnan(v)] for i, column in enumerate(table.T)}
    theirs = krippendorff.alpha(reliability_data=table, level_of_measurement=level)
    assert krippendorff_alpha(ratings, level) == pytest.approx(theirs)


def test_alpha_bounds_and_gaps():
    assert krippendorff_alpha({1: [1, 1], 2: [2, 2], 3: [3]}) == 1.0
    assert krippendorff_alpha({1: [1, 1], 2: [1, 1]}) is None
    assert krippendorff_alpha({1: [1, 2]}) is None
    assert krippendorff_alpha({}) is None
