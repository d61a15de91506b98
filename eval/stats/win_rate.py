"""People's or checks' choices between two drafts: their difference, and the win rate if both were of one length."""

import numpy as np
from scipy.special import expit

from eval.stats.estimate import Estimate, scored
from eval.stats.proportions import design_effect, tango, wilson

_RIDGE = 0.05  # a weak prior on the length effect: without it, all wins by the longer draft have no finite fit
_STEPS, _LONGEST = 100, 2.0


def difference_of_choices(
    balance: "np.ndarray | list[float]",
    raters: "np.ndarray | list[int]",
    *,
    clusters: "np.ndarray | list | None" = None,
    confidence: float = 0.95,
) -> Estimate:
    """Give the share of choices for the challenger less the champion's, several raters an item averaged.

    Tango's interval with as many items as would tell the same: averaging raters makes an item tell more, at most as
    much as its raters would alone, and items of one cluster tell less. With one rater an item it is that of
    `proportions.paired_difference`, and it keeps a width where all choose alike.

    Args:
        balance: mean over an item's raters of 1 (challenger), -1 (champion) and 0 (neither); shape (n,).
        raters: how many chose on each item; shape (n,).
        clusters: what each item belongs to; shape (n,).
    """
    values, groups, missing = scored(balance, clusters)
    n = len(values)
    if not n:
        return Estimate(None, None, None, 0, missing)
    gained, lost = float(values[values > 0].sum()), float(-values[values < 0].sum())
    mean, spread = float(values.mean()), float(values.var())
    told = ((gained + lost) / n - mean**2) / spread if spread > 1e-12 else 1.0  # 1 where every value is -1, 0 or 1
    scale = min(max(told, 1.0), float(np.mean(raters))) / design_effect(values, groups)
    lower, upper = tango(gained * scale, lost * scale, n * scale, confidence)
    return Estimate(mean, lower, upper, n, missing)


def win_rate(
    wins: "np.ndarray | list[float]",
    *,
    extra_words: "np.ndarray | list[float] | None" = None,
    clusters: "np.ndarray | list | None" = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Give the share of choices won, ties counted as half, with a percentile bootstrap over clusters.

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
    rate = float(_rates(values, length, np.ones((1, len(values))))[0])
    number = groups.max() + 1
    if number < 2:
        return Estimate(rate, None, None, len(values), missing)
    rng = np.random.default_rng(seed)
    drawn = np.stack([np.bincount(rng.integers(number, size=number), minlength=number) for _ in range(draws)])
    rates = _rates(values, length, drawn[:, groups].astype(float))
    lower, upper = np.quantile(rates, ((1 - confidence) / 2, (1 + confidence) / 2))
    if (spread := np.bincount(groups, weights=values) / np.bincount(groups)).max() - spread.min() < 1e-12:
        # Every cluster says the same: resamples agree, and tell nothing. Wilson's with an effective number of choices.
        n = len(values) / design_effect(values, groups)
        low, high = wilson(float(values.mean()) * n, n, confidence)
        lower, upper = min(lower, low, rate), max(upper, high, rate)
    return Estimate(rate, float(lower), float(upper), len(values), missing)


def _rates(wins: np.ndarray, length: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fit win rates at length 0 by logistic regression, one for each row of `weights`: Newton's method, all at once."""
    if not length.any():
        return weights @ wins / weights.sum(axis=1)
    level, slope = np.zeros((2, len(weights)))
    for _ in range(_STEPS):
        chance = expit(level[:, None] + slope[:, None] * length)
        gap = weights * (chance - wins)
        curve = weights * chance * (1 - chance)
        down = gap.sum(axis=1) + 2 * _RIDGE * level, gap @ length + 2 * _RIDGE * slope
        a, b, c = curve.sum(axis=1) + 2 * _RIDGE, curve @ length, curve @ length**2 + 2 * _RIDGE
        scale = a * c - b * b
        step = (c * down[0] - b * down[1]) / scale, (a * down[1] - b * down[0]) / scale
        largest = np.maximum(np.abs(step[0]), np.abs(step[1]))
        held = np.minimum(1.0, _LONGEST / np.maximum(largest, 1e-300))  # a long step may overshoot
        level, slope = level - held * step[0], slope - held * step[1]
        if largest.max() < 1e-9:
            break
    return expit(level)
