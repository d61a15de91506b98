"""Win rate of the challenger in pairwise choices, as it would be if both drafts were of one length."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from eval.stats.estimate import Estimate, scored

_RIDGE = 0.05  # a weak prior on the length effect: without it, all wins by the longer draft have no finite fit


def win_rate(
    wins: "np.ndarray | list[float]",
    *,
    extra_words: "np.ndarray | list[float] | None" = None,
    clusters: "np.ndarray | list | None" = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Share of choices won, ties counted as half, with a percentile bootstrap over clusters.

    With `extra_words` the share is controlled for length (after Dubois et al. 2024): a logistic model
    P(win) = sigmoid(a + b · tanh(extra words / their standard deviation)) is fitted, and sigmoid(a) is the rate at
    equal length. Two parameters, nothing fitted elsewhere.

    Args:
        wins: 1 challenger, 0 champion, 0.5 a tie, NaN no choice; shape (n,).
        extra_words: words of the challenger's draft less those of the champion's; shape (n,).
        clusters: what each item belongs to; shape (n,).
    """
    values, groups, missing = scored(wins, clusters)
    if not len(values):
        return Estimate(None, None, None, 0, missing)
    there = ~np.isnan(np.asarray(wins, dtype=float))
    length = np.zeros(len(values))
    if extra_words is not None:
        words = np.asarray(extra_words, dtype=float)[there]
        length = np.tanh(words / words.std()) if words.std() > 0 else np.zeros(len(values))
    rate = _rate(values, length, np.ones(len(values)))
    number = groups.max() + 1
    if number < 2:
        return Estimate(rate, None, None, len(values), missing)
    rng = np.random.default_rng(seed)
    rates = []
    for _ in range(draws):
        weights = np.bincount(rng.integers(number, size=number), minlength=number)[groups]
        rates.append(_rate(values, length, weights.astype(float)))
    lower, upper = np.quantile(rates, ((1 - confidence) / 2, (1 + confidence) / 2))
    return Estimate(rate, float(lower), float(upper), len(values), missing)


def _rate(wins: np.ndarray, length: np.ndarray, weights: np.ndarray) -> float:
    """Win rate at length 0, by weighted logistic regression."""
    if not length.any():
        return float(np.average(wins, weights=weights))

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        level, slope = parameters
        score = level + slope * length
        value = np.sum(weights * (np.logaddexp(0, score) - wins * score)) + _RIDGE * (level**2 + slope**2)
        gap = weights * (expit(score) - wins)
        return value, np.array([gap.sum() + 2 * _RIDGE * level, gap @ length + 2 * _RIDGE * slope])

    return float(expit(minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B").x[0]))
