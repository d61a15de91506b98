"""Holm against statsmodels; simultaneous bounds: they hold together, and are no wider than Bonferroni's."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from eval.stats.bootstrap import mean
from eval.stats.multiplicity import holm, simultaneous


def test_holm_by_hand_and_as_statsmodels():
    # 0.01·3, 0.02·2, 0.03·1, then made monotone
    assert holm([0.02, 0.01, 0.03]) == pytest.approx([0.04, 0.03, 0.04])
    values = np.random.default_rng(0).uniform(0, 0.2, 12)
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1].tolist())
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def slices_of(values: np.ndarray, parts: int) -> tuple[dict, dict]:
    names = np.arange(len(values)) % parts
    return (
        {f"s{k}": values[names == k] for k in range(parts)} | {"all": values},
        {f"s{k}": np.arange(len(values))[names == k] for k in range(parts)} | {"all": np.arange(len(values))},
    )


def test_one_slice_is_close_to_its_bootstrap_interval():
    values = np.random.default_rng(5).normal(0.4, 1, 300)
    [found] = simultaneous({"all": values}, clusters={"all": np.arange(300)}).values()
    alone = mean(values)
    assert found.estimate == pytest.approx(alone.estimate)
    assert found.upper - found.lower == pytest.approx(alone.upper - alone.lower, rel=0.08)


def test_bounds_widen_with_slices_but_less_than_bonferroni():
    values = np.random.default_rng(6).normal(0, 1, 400)
    parts, clusters = slices_of(values, 8)
    found = simultaneous(parts, clusters=clusters)
    for name, part in parts.items():
        alone, bonferroni = mean(part), mean(part, confidence=1 - 0.05 / 9)
        width = found[name].upper - found[name].lower
        assert alone.upper - alone.lower < width < 1.12 * (bonferroni.upper - bonferroni.lower)


def test_bounds_hold_together():
    rng = np.random.default_rng(7)
    held = 0
    for i in range(120):
        values = rng.normal(0, 1, 240)
        parts, clusters = slices_of(values, 6)
        found = simultaneous(parts, clusters=clusters, draws=400, seed=i)
        held += all(e.lower <= 0 <= e.upper for e in found.values())
    assert held >= 0.88 * 120  # 95 %, less three standard errors and what 40 items a slice cost


def test_duplicated_rows_do_not_narrow_and_gaps_are_counted():
    values = np.random.default_rng(8).normal(0.2, 1, 60)
    once = simultaneous({"a": values}, clusters={"a": np.arange(60)})["a"]
    twice = simultaneous({"a": np.tile(values, 2)}, clusters={"a": np.tile(np.arange(60), 2)})["a"]
    assert twice.upper - twice.lower == pytest.approx(once.upper - once.lower, rel=1e-6)
    gaps = simultaneous({"a": [1.0, np.nan, 0.0], "b": [np.nan]}, clusters={"a": [1, 2, 3], "b": [2]}, draws=50)
    assert (gaps["a"].n, gaps["a"].n_error) == (2, 1)
    assert (gaps["b"].estimate, gaps["b"].n, gaps["b"].n_error) == (None, 0, 1)


def test_a_slice_in_which_nothing_differs_still_has_a_width():
    found = simultaneous(
        {"same": np.zeros(30), "other": np.random.default_rng(2).normal(size=30)},
        clusters={"same": np.arange(30), "other": np.arange(30)},
    )["same"]
    assert found.lower < 0 < found.upper
