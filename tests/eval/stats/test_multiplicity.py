"""Holm against statsmodels; the max-T critical value: bounds at it hold together, and it never exceeds Bonferroni's."""

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from eval.stats.multiplicity import holm, max_t
from eval.stats.proportions import paired_difference


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


def test_one_slice_needs_the_normal_quantile_and_disjoint_ones_sidaks():
    values = np.random.default_rng(5).normal(0.4, 1, 300)
    assert max_t({"all": values}, clusters={"all": np.arange(300)}) == pytest.approx(norm.ppf(0.975))
    assert max_t({"all": values}, clusters={"all": np.arange(300)}, side="one") == pytest.approx(norm.ppf(0.95))
    parts, clusters = slices_of(values, 5)
    del parts["all"], clusters["all"]
    # independent: P(|T| <= c)^5 = 0.95
    found = max_t(parts, clusters=clusters, draws=40_000)
    assert found == pytest.approx(norm.ppf((1 + 0.95 ** (1 / 5)) / 2), abs=0.03)
    assert found <= norm.ppf(1 - 0.05 / 10)


def test_slices_that_share_items_cost_less_and_copies_of_a_slice_nothing():
    values = np.random.default_rng(6).normal(0, 1, 400)
    ids = np.arange(400)
    same = max_t({f"s{k}": values for k in range(6)}, clusters={f"s{k}": ids for k in range(6)}, draws=40_000)
    assert same == pytest.approx(norm.ppf(0.975), abs=0.03)
    parts, clusters = slices_of(values, 3)
    assert norm.ppf(0.975) < max_t(parts, clusters=clusters) < norm.ppf(1 - 0.05 / 8)


def test_clusters_shared_by_disjoint_slices_are_not_taken_for_independent():
    # every review has one reply in each slice, and both have the same difference: one slice, seen twice
    values = np.random.default_rng(7).normal(0, 1, 200)
    ids = np.arange(200)
    joined = max_t({"a": values, "b": values}, clusters={"a": ids, "b": ids}, draws=40_000)
    apart = max_t({"a": values, "b": values}, clusters={"a": ids, "b": ids + 200}, draws=40_000)
    assert joined == pytest.approx(norm.ppf(0.975), abs=0.03)
    assert apart == pytest.approx(norm.ppf((1 + 0.95**0.5) / 2), abs=0.03)


def test_rows_written_twice_order_and_swap_change_nothing_and_gaps_are_left_out():
    rng = np.random.default_rng(8)
    values, ids = rng.integers(-1, 2, 90).astype(float), np.arange(90)
    parts, clusters = slices_of(values, 3)
    parts["flat"], clusters["flat"] = np.zeros(30), ids[:30]
    once = max_t(parts, clusters=clusters, side="one")
    tiled = {k: np.tile(v, 2) for k, v in parts.items()}, {k: np.tile(v, 2) for k, v in clusters.items()}
    assert max_t(tiled[0], clusters=tiled[1], side="one") == pytest.approx(once)
    assert max_t({k: -v for k, v in parts.items()}, clusters=clusters, side="one") == pytest.approx(once)
    order = {k: rng.permutation(len(v)) for k, v in parts.items()}
    shuffled = {k: v[order[k]] for k, v in parts.items()}, {k: v[order[k]] for k, v in clusters.items()}
    assert max_t(shuffled[0], clusters=shuffled[1], side="one") == pytest.approx(once)
    parts["s0"] = np.append(parts["s0"], np.nan)
    clusters["s0"] = np.append(clusters["s0"], 999)
    assert max_t(parts | {"none": [np.nan]}, clusters=clusters | {"none": [1]}, side="one") == pytest.approx(once)


def test_without_any_difference_it_is_finite_and_bounds_keep_a_width():
    nothing = {f"s{k}": np.zeros(30) for k in range(4)}
    critical = max_t(nothing, clusters=dict.fromkeys(nothing, np.arange(30)), side="one")
    assert norm.ppf(0.95) < critical <= norm.ppf(1 - 0.05 / 4)
    bounds = paired_difference(np.ones(30), np.ones(30), confidence=2 * norm.cdf(critical) - 1)
    assert bounds.lower < -0.1 < 0 < bounds.upper
    assert max_t({}, clusters={}) == pytest.approx(norm.ppf(0.975))
