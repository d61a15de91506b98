"""The paired bootstrap: agreement with scipy, coverage, clusters, mirror under a swap, degenerate inputs."""

import numpy as np
import pytest
from scipy import stats

from eval.stats.bootstrap import mean, paired_difference


def test_bca_agrees_with_scipy_on_skewed_data():
    values = np.random.default_rng(1).lognormal(size=80)
    ours = mean(values, draws=20000, seed=1)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.estimate == pytest.approx(values.mean())
    assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), abs=0.03 * width)
    # right-skewed: BCa reaches further up than down, which a symmetric interval would not
    assert ours.upper - ours.estimate > 1.1 * (ours.estimate - ours.lower)


def test_the_same_seed_gives_the_same_interval_and_another_nearly_so():
    values = np.random.default_rng(3).normal(size=50)
    assert mean(values, seed=5) == mean(values, seed=5)
    assert mean(values, seed=5).lower == pytest.approx(mean(values, seed=6).lower, abs=0.05)


def test_pairing_removes_what_both_arms_share():
    rng = np.random.default_rng(4)
    difficulty = rng.normal(0, 10, 100)
    champion, challenger = difficulty + rng.normal(0, 1, 100), difficulty + 1 + rng.normal(0, 1, 100)
    paired = paired_difference(champion, challenger)
    alone = mean(challenger)
    assert paired.lower > 0
    assert paired.upper - paired.lower < 0.3 * (alone.upper - alone.lower)


def test_swapping_the_arms_mirrors_the_interval():
    champion, challenger = np.random.default_rng(5).integers(0, 4, (2, 40)).astype(float)
    one, other = paired_difference(champion, challenger), paired_difference(challenger, champion)
    assert (one.estimate, one.lower, one.upper) == pytest.approx((-other.estimate, -other.upper, -other.lower))


def test_coverage_is_nominal():
    # 300 samples of 60 from an exponential (true mean 1): Monte-Carlo standard error 1.3 points
    rng = np.random.default_rng(6)
    hits = 0
    for i in range(300):
        e = mean(rng.exponential(size=60), draws=1000, seed=i)
        hits += e.lower <= 1 <= e.upper
    assert 0.915 <= hits / 300 <= 0.98


def test_items_written_twice_do_not_narrow_a_clustered_interval():
    values = np.random.default_rng(7).normal(size=60)
    ids = np.arange(60)
    once, twice = mean(values, clusters=ids), mean(np.tile(values, 2), clusters=np.tile(ids, 2))
    assert (twice.estimate, twice.lower, twice.upper) == pytest.approx((once.estimate, once.lower, once.upper))
    assert (once.n, twice.n) == (60, 120)
    naive = mean(np.tile(values, 2))
    assert naive.upper - naive.lower < 0.8 * (once.upper - once.lower)


def test_clusters_of_unequal_size_weigh_by_their_items():
    # clusters (1, 1, 1) and (5): the mean is over items, (1 + 1 + 1 + 5) / 4 = 2, not (1 + 5) / 2
    e = mean([1, 1, 1, 5], clusters=["a", "a", "a", "b"])
    assert e.estimate == 2
    assert (e.lower, e.upper) == (1, 5)


def test_degenerate_inputs_say_so_instead_of_inventing_an_interval():
    nan = float("nan")
    assert mean([nan, nan]).estimate is None
    assert mean([nan, nan]).n_error == 2
    single = mean([3.0, 4.0], clusters=["a", "a"])
    assert (single.estimate, single.lower, single.upper) == (3.5, None, None)
    constant = mean([2.0] * 10)  # nothing says how far others may lie
    assert (constant.lower, constant.estimate, constant.upper) == (None, 2.0, None)
    e = paired_difference([1.0, nan, 2.0], [2.0, 2.0, nan])
    assert (e.estimate, e.n, e.n_error) == (1.0, 1, 2)


def test_clusters_that_agree_by_chance_leave_the_spread_of_their_items():
    e = mean([1.0, 3, 1, 3, 1, 3, 2, 2], clusters=["a", "a", "a", "a", "b", "b", "b", "b"])
    assert e.lower < 1.5 < e.estimate == 2 < 2.5 < e.upper


def test_memory_stays_bounded_and_chunks_do_not_change_the_result(monkeypatch):
    values = np.random.default_rng(8).normal(size=30)
    whole = mean(values, draws=500)
    monkeypatch.setattr("eval.stats.bootstrap._CHUNK", 30 * 7)
    assert mean(values, draws=500) == whole
