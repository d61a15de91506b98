"""McNemar's mid-p and the sign-flip test: hand derivations, statsmodels, scipy, and their error under the null."""

import numpy as np
import pytest
from scipy.stats import permutation_test
from statsmodels.stats.contingency_tables import mcnemar

from eval.stats.paired_tests import mcnemar_mid_p, sign_flip


def test_mid_p_of_one_against_seven_by_hand():
    # 2 P(X <= 1) - P(X = 1), X ~ B(8, 1/2): 2 · 9/256 - 8/256 = 10/256
    assert mcnemar_mid_p(1, 7) == mcnemar_mid_p(7, 1) == pytest.approx(10 / 256)
    assert mcnemar_mid_p(0, 0) == mcnemar_mid_p(5, 5) == 1.0


@pytest.mark.parametrize(("gained", "lost"), [(3, 11), (0, 6), (20, 41)])
def test_mid_p_is_the_exact_test_less_half_the_probability_of_what_was_seen(gained, lost):
    exact = mcnemar([[0, gained], [lost, 0]], exact=True).pvalue
    seen = 2 * (exact / 2 - mcnemar_mid_p(gained, lost) / 2)
    assert 0 < seen < exact
    assert mcnemar_mid_p(gained, lost) < exact


def test_sign_flip_by_hand_and_as_scipy():
    # all of +1, +1, +1, +1: two of the 16 assignments are as extreme
    assert sign_flip([1.0] * 4) == 2 / 16
    values = np.array([0.4, -0.1, 0.9, 0.3, -0.6, 1.1, 0.2, 0.7, -0.3, 0.5])
    scipys = permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(values) == pytest.approx(scipys)


def test_drawn_and_exact_p_values_agree():
    rng = np.random.default_rng(3)
    values = rng.normal(0.3, 1, 14)
    doubled = np.repeat(values, 2)  # the same clusters: still exact
    assert sign_flip(doubled, clusters=np.repeat(np.arange(14), 2)) == sign_flip(values)
    more = np.concatenate([values, [0.0] * 10])  # 24 clusters: drawn; zeros change nothing
    assert sign_flip(more) == pytest.approx(sign_flip(values), abs=0.015)


def test_what_cannot_be_told_is_no_evidence():
    assert sign_flip([]) == sign_flip([np.nan]) == sign_flip([0.0, 0.0]) == 1.0
    assert sign_flip([1.0, np.nan, 1.0]) == sign_flip([1.0, 1.0])


def test_swapping_the_arms_and_the_order_change_nothing():
    values = np.random.default_rng(0).normal(0.2, 1, 40)
    assert sign_flip(-values) == sign_flip(values)
    assert mcnemar_mid_p(4, 9) == mcnemar_mid_p(9, 4)


def test_mid_p_rejects_about_one_true_null_in_twenty():
    # no simulation: the probability that p <= 5 % is summed over all outcomes of B(n, 1/2)
    from scipy.stats import binom

    for n in (20, 35, 60, 120):
        outcomes = np.arange(n + 1)
        rejected = np.array([mcnemar_mid_p(int(k), int(n - k)) <= 0.05 for k in outcomes])
        assert 0.03 <= float(np.sum(binom.pmf(outcomes, n, 0.5)[rejected])) <= 0.055


def test_clusters_keep_the_error_of_the_sign_flip_test():
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(20), 3)
    rejected = [
        sign_flip(np.repeat(rng.normal(size=20), 3) + 0.1 * rng.normal(size=60), clusters=clusters, draws=400, seed=i)
        <= 0.05
        for i in range(300)
    ]
    assert np.mean(rejected) <= 0.085  # 5 % and three standard errors of 300 runs
