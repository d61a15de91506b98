"""Wilson, Tango and the design effect: hand derivations, scipy, published values, coverage."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, norm

from eval.stats.proportions import design_effect, paired_difference, share, tango, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (74, 100), (1, 299)])
def test_wilson_agrees_with_scipy(k, n):
    theirs = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_wilson_of_74_percent_of_500_is_the_published_interval():
    # evaluation brief: 74 % Wilson at n=500 is 70.0 to 77.7 %
    assert wilson(370, 500) == pytest.approx((0.700, 0.777), abs=5e-4)


def test_tango_is_the_published_interval_of_airway_reactivity():
    # Bentur et al. 2009 as used by Fagerland, Lydersen and Laake (2014): b = 1, c = 7 of 21; Tango -0.517 to -0.026
    assert tango(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


def test_tango_without_discordant_pair_has_a_closed_form():
    # b = c = 0: for delta > 0 the most likely q is 0, so z² = n delta / (1 - delta), delta = z² / (n + z²)
    z2 = norm.ppf(0.95) ** 2
    assert tango(0, 0, 20, 0.90) == pytest.approx((-z2 / (20 + z2), z2 / (20 + z2)), abs=1e-9)


@pytest.mark.parametrize(("gained", "lost", "n"), [(40, 20, 160), (3, 0, 30), (7, 5, 14), (1, 90, 700)])
def test_tango_bounds_are_where_the_numerically_maximised_score_test_stops_rejecting(gained, lost, n):
    def statistic(delta):
        # constrained likelihood in q = P(lost), P(gained) = q + delta, maximised by brute search
        low = max(0.0, -delta) + 1e-12
        high = (1 - delta) / 2 - 1e-12

        def minus_log_likelihood(q):
            return -(
                gained * math.log(q + delta) + lost * math.log(q) + (n - gained - lost) * math.log(1 - 2 * q - delta)
            )

        q = minimize_scalar(minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        return (gained - lost - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))

    lower, upper = tango(gained, lost, n)
    z = norm.ppf(0.975)
    assert statistic(lower) == pytest.approx(z, rel=1e-3)
    assert statistic(upper) == pytest.approx(-z, rel=1e-3)


def test_swapping_the_arms_mirrors_tango_for_every_small_table():
    for n in range(1, 13):
        for gained in range(n + 1):
            for lost in range(n + 1 - gained):
                lower, upper = tango(gained, lost, n)
                assert (-upper, -lower) == pytest.approx(tango(lost, gained, n), abs=1e-8)
                assert -1 <= lower <= (gained - lost) / n <= upper <= 1


def test_tango_covers_what_it_says():
    # 2,000 draws at n = 60, true difference 0.1: Monte-Carlo standard error 0.5 points
    rng = np.random.default_rng(1)
    counts = rng.multinomial(60, [0.2, 0.1, 0.7], size=2000)
    bounds = {table: tango(*table, 60) for table in {(int(g), int(lost)) for g, lost, _ in counts}}
    covered = np.mean([bounds[g, lost][0] <= 0.1 <= bounds[g, lost][1] for g, lost in counts[:, :2].tolist()])
    assert 0.93 <= covered <= 0.97


def test_design_effect_of_single_items_is_one_and_of_copies_the_number_of_copies():
    values = np.array([1.0, 0, 0, 1, 1, 0, 0])
    assert design_effect(values, np.arange(7)) == pytest.approx(1)
    # residuals r copied 3 times: clusters sum to 3r, so the ratio is 9 sum r² / 3 sum r² = 3
    assert design_effect(np.repeat(values, 3), np.repeat(np.arange(7), 3)) == pytest.approx(3)
    # no variance to estimate it from: copies are assumed (Kish: sum of squared sizes / n)
    assert design_effect(np.ones(6), np.array([0, 0, 0, 1, 1, 2])) == pytest.approx((9 + 4 + 1) / 6)


def test_rows_written_twice_do_not_narrow_a_clustered_interval():
    rng = np.random.default_rng(2)
    champion, challenger = rng.integers(0, 2, (2, 80)).astype(float)
    ids = np.arange(80)
    once = paired_difference(champion, challenger, clusters=ids)
    twice = paired_difference(*(np.tile(v, 2) for v in (champion, challenger)), clusters=np.tile(ids, 2))
    assert (twice.lower, twice.upper) == pytest.approx((once.lower, once.upper))
    naive = paired_difference(*(np.tile(v, 2) for v in (champion, challenger)))
    assert naive.upper - naive.lower < 0.8 * (once.upper - once.lower)
    same = share(np.tile(champion, 2), clusters=np.tile(ids, 2))
    assert (same.lower, same.upper) == pytest.approx(wilson(champion.sum(), 80))


def test_clustered_differences_are_covered_and_ignoring_clusters_would_not():
    rng = np.random.default_rng(3)
    hits = {"clustered": 0, "naive": 0}
    for _ in range(400):
        # 60 reviews with 4 replies each, mostly the same difference within a review; true mean 0
        common = rng.choice([-1.0, 0, 1], size=60, p=[0.25, 0.5, 0.25])
        own = rng.choice([-1.0, 0, 1], size=(60, 4), p=[0.25, 0.5, 0.25])
        differences = np.where(rng.random((60, 4)) < 0.8, common[:, None], own).ravel()
        champion, challenger = (differences < 0).astype(float), (differences > 0).astype(float)
        for name, clusters in (("clustered", np.repeat(np.arange(60), 4)), ("naive", None)):
            e = paired_difference(champion, challenger, clusters=clusters)
            hits[name] += e.lower <= 0 <= e.upper
    assert 0.92 <= hits["clustered"] / 400 <= 0.98  # Monte-Carlo standard error 1.1 points
    assert hits["naive"] / 400 < 0.85


def test_what_was_not_scored_is_counted_and_never_a_zero():
    nan = float("nan")
    e = paired_difference([1, 0, nan, 1], [1, nan, 1, 0])
    assert (e.estimate, e.n, e.n_error) == (-0.5, 2, 2)
    nothing = paired_difference([nan, nan], [1, 0])
    assert (nothing.estimate, nothing.lower, nothing.upper, nothing.n, nothing.n_error) == (None, None, None, 0, 2)
    assert share([nan]).estimate is None
    with pytest.raises(ValueError, match="2 values for 1 clusters"):
        share([1, 0], clusters=["a"])
