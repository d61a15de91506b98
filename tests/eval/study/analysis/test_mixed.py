"""The mixed model beside statsmodels' MixedLM and closed forms."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from eval.study.analysis.confirm import confirm
from eval.study.analysis.crossover import by_sequence
from eval.study.analysis.mixed import Mixed, NotConvergedError, Term
from eval.study.analysis.times import time_ratio
from eval.study.simulate import Truth, simulate


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("truth", [Truth(agents=6, drop_out=0.2), Truth(agents=12, effect_between_agents=0.3)])
def test_estimates_are_those_of_statsmodels(truth, seed):
    writings = simulate(truth, seed).writings
    ours, theirs = time_ratio(writings), confirm(writings, time_ratio(writings))
    assert theirs.converged
    assert theirs.agrees
    assert theirs.ratio == pytest.approx(ours.estimate, rel=2e-3)
    assert theirs.spreads == pytest.approx(ours.spreads, abs=0.02)


def test_balanced_groups_are_the_t_test_of_their_means():
    # Means of 5 clusters a group, all of one size: the mixed model is the t test of the means, with 8 degrees.
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(10), 6)
    group = (cluster < 5).astype(float)
    y = rng.normal(0, 1, 10)[cluster] + rng.normal(0, 1, 60) + group
    found = Mixed(y, np.column_stack([np.ones(60), group]), [Term(cluster)]).contrast([0, 1])
    means = np.array([y[cluster == c].mean() for c in range(10)])
    known = ttest_ind(means[:5], means[5:])
    assert found.degrees == pytest.approx(8, rel=0.01)
    assert found.value == pytest.approx(means[:5].mean() - means[5:].mean())
    assert found.p == pytest.approx(known.pvalue, rel=0.01)


def test_what_has_no_fit_is_told():
    level = np.ones((6, 1))
    with pytest.raises(NotConvergedError, match="no maximum"):
        Mixed(np.ones(6), level, [Term(np.arange(6) // 2)])
    with pytest.raises(NotConvergedError, match="too few"):
        Mixed(np.arange(6.0), np.column_stack([level, level]), [Term(np.arange(6) // 2)])


def test_sequences_count_alike():
    # Means 1 and 5 of two and one agents: 3, not 7/3. Spread 0.5 of the first alone: free 1, variance 2 * 0.5**2.
    found = by_sequence(np.array([0.5, 1.5, 5.0]), np.array([True, True, False]))
    assert found.value == 3
    assert found.degrees == 1
    assert found.error == pytest.approx(np.sqrt(0.5 * (1 / 2 + 1)) / 2)
