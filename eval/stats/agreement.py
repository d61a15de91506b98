"""How far raters agree: Krippendorff's alpha, with a bootstrap over what they rated.

alpha = 1 - observed / expected disagreement: 1 is full agreement, 0 what chance gives, below 0 less than that
(Krippendorff 2004, Content Analysis, chapter 11). Any number of raters, any of them missing anywhere.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from eval.stats.estimate import Estimate

DRAWS = 2000
Scale = Literal["nominal", "ordinal", "interval"]


def alpha(
    units: Iterable[Sequence[Any]],
    levels: Sequence[Any],
    *,
    scale: Scale = "nominal",
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """Give Krippendorff's alpha with the percentile interval of resampled units.

    `n` counts the units that two raters or more rated, `n_error` those that only one did: they say nothing here. There
    is no alpha where all ratings are of one level, and no interval where no unit holds a disagreement: nothing then
    tells how far off others may be.

    Args:
        units: the ratings of each thing that was rated, in any order.
        levels: what a rating may be, from the least to the most; numbers for the scale `interval`.
        scale: whether levels are names, ranks, or numbers with a distance.
    """
    place = {level: i for i, level in enumerate(levels)}
    counted = [np.bincount([place[value] for value in unit], minlength=len(levels)) for unit in units]
    counts = np.array([one for one in counted if one.sum() > 1], dtype=float).reshape(-1, len(levels))
    n, alone = len(counts), sum(one.sum() == 1 for one in counted)
    kinds, times = np.unique(counts, axis=0, return_counts=True)  # units that were rated alike are drawn together
    pairs = _pairs(kinds)
    found = float(_alphas(pairs, times[None].astype(float), levels, scale)[0]) if n else np.nan
    if not np.isfinite(found):
        return Estimate(None, None, None, n, int(alone))
    drawn = np.random.default_rng(seed).multinomial(n, times / n, size=draws).astype(float)
    alphas = _alphas(pairs, drawn, levels, scale)
    alphas = alphas[np.isfinite(alphas)]
    if n < 2 or found == 1 or not len(alphas):
        return Estimate(found, None, None, n, int(alone))
    lower, upper = np.quantile(alphas, ((1 - confidence) / 2, (1 + confidence) / 2))
    return Estimate(found, min(float(lower), found), max(float(upper), found), n, int(alone))


def _pairs(counts: np.ndarray) -> np.ndarray:
    """Count each unit's pairs of ratings by their two levels, over its ratings less one: (units, levels, levels)."""
    both = counts[:, :, None] * counts[:, None, :]
    both[:, range(counts.shape[1]), range(counts.shape[1])] -= counts
    return both / (counts.sum(axis=1) - 1)[:, None, None]


def _alphas(pairs: np.ndarray, weights: np.ndarray, levels: Sequence[Any], scale: Scale) -> np.ndarray:
    """Compute alpha for each row of `weights` (draws, units); NaN where all ratings are of one level."""
    together = np.tensordot(weights, pairs, axes=1)  # (draws, levels, levels)
    marginal = together.sum(axis=2)
    total = marginal.sum(axis=1)
    apart = _distances(marginal, levels, scale)
    observed = (together * apart).sum(axis=(1, 2)) * (total - 1)
    expected = (marginal[:, :, None] * marginal[:, None, :] * apart).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - observed / expected, np.nan)


def _distances(marginal: np.ndarray, levels: Sequence[Any], scale: Scale) -> np.ndarray:
    """Square the distance of any two levels: (draws, levels, levels), ranks by how often each level occurs."""
    if scale == "nominal":
        return np.broadcast_to(1.0 - np.eye(len(levels)), (len(marginal), len(levels), len(levels)))
    if scale == "ordinal":
        middle = np.cumsum(marginal, axis=1) - marginal / 2
    else:
        middle = np.broadcast_to(np.asarray(levels, dtype=float), marginal.shape)
    return (middle[:, :, None] - middle[:, None, :]) ** 2
