"""Several comparisons at once: Holm's adjusted p-values, and the level at which intervals hold together (max-T)."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.stats import norm

from eval.stats.bootstrap import DRAWS
from eval.stats.estimate import scored


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values (Holm 1979), in the order given: those at most alpha are rejected, families-wise at alpha."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted.tolist()


def max_t(
    slices: Mapping[str, "np.ndarray | list[float]"],
    *,
    clusters: Mapping[str, "np.ndarray | list"],
    confidence: float = 0.95,
    side: Literal["both", "one"] = "both",
    draws: int = DRAWS,
    seed: int = 0,
) -> float:
    """Compute how many standard errors the bounds of all slices must lie away to hold together: 1.96 and more for 95 %.

    The quantile of the largest studentised mean, by the multiplier bootstrap over clusters (Chernozhukov, Chetverikov
    and Kato 2013): slices that share items or clusters (a service and a sentiment) keep their dependence, and the
    result is smaller than Bonferroni's, which it never exceeds. It is a critical value and no interval, so that each
    slice can be given one that suits it: a slice in which nothing differs has no standard error, but Tango's interval
    at this level has a width. Such a slice counts as independent of the others, which is the careful side.

    Args:
        slices: name -> one difference per item of the slice; NaN is an item that could not be scored.
        clusters: name -> what each of its items belongs to, the same labels in every slice.
        confidence: that all hold.
        side: whether both bounds of each slice are read, or one.
    """
    parts = {name: scored(values, clusters[name]) for name, values in slices.items()}
    labels = {name: np.asarray(clusters[name])[~np.isnan(np.asarray(v, dtype=float))] for name, v in slices.items()}
    parts = {name: part for name, part in parts.items() if len(part[0])}
    tails = 2 if side == "both" else 1
    bonferroni = float(norm.ppf(1 - (1 - confidence) / (tails * max(1, len(parts)))))
    if len(parts) < 2:
        return bonferroni
    everyone = sorted({str(label) for name in parts for label in labels[name]})
    place = {label: i for i, label in enumerate(everyone)}
    residuals = np.zeros((len(everyone), len(parts)))
    for column, (name, (values, _, _)) in enumerate(parts.items()):
        where = [place[str(label)] for label in labels[name]]
        np.add.at(residuals[:, column], where, values - values.mean())
    spread = np.sqrt((residuals**2).sum(axis=0))
    flat = spread < 1e-12
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((draws, len(everyone))) @ (residuals / np.where(flat, 1.0, spread))[:, ~flat]
    alone = rng.standard_normal((draws, int(flat.sum())))
    if side == "both":
        largest = np.abs(np.hstack([drawn, alone])).max(axis=1)
    else:  # both signs of every draw, so that swapping the arms changes nothing
        largest = np.concatenate([np.hstack([sign * drawn, alone]).max(axis=1) for sign in (1, -1)])
    return min(float(np.quantile(largest, confidence)), bonferroni)
