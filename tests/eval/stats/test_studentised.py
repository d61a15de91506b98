import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from eval.stats.studentised import TRUSTED, kish, log_ratio_of_sums, multiplicities, ratio_of_sums, two_arms


def test_jackknife_error_of_a_mean_of_independent_items_is_the_textbook_one():
    values = np.random.default_rng(1).gamma(2, 3, 60)
    found = ratio_of_sums(values, np.ones(60))
    assert found.value == pytest.approx(values.mean())
    assert found.se == pytest.approx(values.std(ddof=1) / np.sqrt(60))


def test_few_clusters_get_students_quantile():
    values = np.arange(6.0)
    found = ratio_of_sums(values, np.ones(6))
    low, high = found.interval()
    expected = stats.t.interval(0.95, 5, loc=2.5, scale=values.std(ddof=1) / np.sqrt(6))
    assert (low, high) == pytest.approx(expected)


def test_error_is_close_to_statsmodels_cluster_robust_one():
    random = np.random.default_rng(2)
    cluster = random.integers(0, 40, 2000)
    y = random.normal(0, 1, 40)[cluster] + random.normal(0, 2, 2000)
    fit = sm.OLS(y, np.ones(2000)).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    found = ratio_of_sums(np.bincount(cluster, weights=y), np.bincount(cluster).astype(float))
    assert found.value == pytest.approx(fit.params[0])
    assert found.se == pytest.approx(fit.bse[0], rel=0.05)  # theirs is CV1, ours CV3


def test_two_arms_of_few_clusters_are_welchs_test():
    random = np.random.default_rng(3)
    first, second = random.normal(0, 1, 7), random.normal(1, 3, 5)
    found = two_arms((first, np.ones(7)), (second, np.ones(5)))
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    assert found.interval() == pytest.approx(tuple(expected))


def test_log_ratio_swaps_its_sign_when_the_periods_are_swapped():
    random = np.random.default_rng(4)
    a, b, w = random.gamma(3, 2, 30), random.gamma(3, 1, 30), np.ones(30)
    forth, back = log_ratio_of_sums(a, b, w), log_ratio_of_sums(b, a, w)
    assert forth.value == pytest.approx(-back.value)
    assert forth.interval() == pytest.approx(tuple(-x for x in reversed(back.interval())))


def test_every_cluster_twice_halves_no_interval_when_weights_are_doubled():
    random = np.random.default_rng(5)
    num, den = random.gamma(2, 1, 25), random.gamma(5, 1, 25)
    assert ratio_of_sums(num, den).interval() == pytest.approx(ratio_of_sums(10 * num, 10 * den).interval())


def test_draws_take_as_many_clusters_as_there_are_and_follow_the_seed():
    drawn = multiplicities(17, 50, 1)
    assert (drawn.sum(axis=1) == 17).all()
    assert (drawn == multiplicities(17, 50, 1)).all()
    assert (drawn != multiplicities(17, 50, 2)).any()


def test_clusters_without_weight_change_nothing():
    random = np.random.default_rng(6)
    num, den = random.gamma(2, 1, 25), random.gamma(5, 1, 25)
    padded = ratio_of_sums(np.r_[num, 0, 0], np.r_[den, 0, 0])
    assert padded == ratio_of_sums(num, den)


@pytest.mark.parametrize("clusters", [0, 1])
def test_no_interval_without_two_clusters(clusters):
    found = ratio_of_sums(np.ones(clusters), np.ones(clusters))
    assert found.interval() is None
    assert np.isnan(found.se)


def test_one_heavy_cluster_widens_the_interval_beyond_what_its_number_says():
    weights = np.r_[100.0, np.ones(19)]
    assert kish(np.ones(20)) == pytest.approx(20)
    assert kish(weights) < TRUSTED
    values = np.random.default_rng(7).normal(5, 1, 20)
    found = ratio_of_sums(values * weights, weights)
    assert found.quantile > 10  # Student's with about one degree of freedom, not the 2.09 of 19
