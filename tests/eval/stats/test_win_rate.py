"""The win rate, plain and at equal length."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit

from eval.stats import win_rate as module
from eval.stats.win_rate import win_rate


def test_ties_count_half_and_gaps_are_counted():
    found = win_rate([1, 1, 0, 0.5, np.nan], draws=200)
    assert (found.estimate, found.n, found.n_error) == (0.625, 4, 1)
    assert win_rate([]).estimate is None
    assert win_rate([1.0]).lower is None


@pytest.mark.parametrize("choice", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("length", [False, True])
def test_choices_that_are_all_alike_have_an_interval(choice, length):
    words = np.random.default_rng(4).normal(10, 20, 60) if length else None
    found = win_rate(np.full(60, choice), extra_words=words, clusters=np.arange(60) // 2, draws=200)
    assert found.lower <= found.estimate <= found.upper
    assert found.upper - found.lower > 0.05


def test_longer_but_no_better_is_no_win_at_equal_length():
    rng = np.random.default_rng(0)
    words = rng.normal(40, 30, 600)  # the challenger is longer
    wins = (rng.random(600) < expit(1.5 * np.tanh(words / words.std()))).astype(float)
    plain, controlled = win_rate(wins, draws=200), win_rate(wins, extra_words=words, draws=200)
    assert plain.lower > 0.5
    assert controlled.lower < 0.5 < controlled.upper


def test_better_at_any_length_stays_a_win():
    rng = np.random.default_rng(1)
    words = rng.normal(0, 30, 600)
    wins = (rng.random(600) < expit(0.8 + 0.5 * np.tanh(words / 30))).astype(float)
    assert win_rate(wins, extra_words=words, draws=200).lower > 0.5


def test_fit_is_that_of_statsmodels_without_the_prior(monkeypatch):
    monkeypatch.setattr(module, "_RIDGE", 0.0)
    rng = np.random.default_rng(2)
    words = rng.normal(10, 20, 400)
    length = np.tanh(words / words.std())
    wins = (rng.random(400) < expit(0.3 + 0.7 * length)).astype(float)
    fitted = sm.Logit(wins, sm.add_constant(length)).fit(disp=0).params[0]
    assert win_rate(wins, extra_words=words, draws=2).estimate == pytest.approx(expit(fitted), abs=1e-4)


def test_swapping_the_arms_mirrors_the_rate():
    rng = np.random.default_rng(3)
    words, wins = rng.normal(5, 20, 120), rng.integers(0, 2, 120).astype(float)
    one = win_rate(wins, extra_words=words, draws=300)
    other = win_rate(1 - wins, extra_words=-words, draws=300)
    assert other.estimate == pytest.approx(1 - one.estimate, abs=1e-5)
    assert other.lower == pytest.approx(1 - one.upper, abs=1e-4)


def test_always_the_longer_has_a_finite_fit():
    words = np.array([10.0, 20, 30, -10, -20, -30])
    found = win_rate((words > 0).astype(float), extra_words=words, draws=100)
    assert found.estimate == pytest.approx(0.5, abs=0.01)
