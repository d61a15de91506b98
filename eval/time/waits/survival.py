"""Estimate waiting times of which some are not over: Kaplan-Meier on the day grid, with clusters resampled.

Delays are whole days, so a group is a table of counts: `tally[s, 0, d]` citizens of cluster s answered after d days,
`tally[s, 1, d]` last seen still waiting after d days. Resampling clusters is then a product of multiplicities with the
table, and every function works on the last two axes, (2, days), of one table or of thousands of resampled ones at once.
A reply and the end of observation on the same day: the reply counts first (Kaplan & Meier 1958). Pure numpy.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from eval.stats.studentised import (
    DRAWS,
    SEED,
    Inference,
    clustered_score_interval,
    infer,
    jackknife_error,
    kish,
    student_quantile,
    unvaried,
)

HORIZON = 121  # days kept apart; who waits longer is last seen on the last of them


def tally(days: Sequence[int], answered: Sequence[bool], cluster: Sequence[int], clusters: int) -> np.ndarray:
    """Count waits by cluster, answered or not, and whole days waited: (clusters, 2, HORIZON)."""
    days, ended = np.asarray(days, dtype=np.int64), 1 - np.asarray(answered, dtype=np.int64)
    ended = np.where(days >= HORIZON, 1, ended)
    flat = (np.asarray(cluster, dtype=np.int64) * 2 + ended) * HORIZON + np.minimum(days, HORIZON - 1)
    return np.bincount(flat, minlength=clusters * 2 * HORIZON).reshape(clusters, 2, HORIZON).astype(float)


def at_risk(table: np.ndarray) -> np.ndarray:
    """Count who is still waiting at the start of each day."""
    leaving = table.sum(axis=-2)
    return np.flip(np.cumsum(np.flip(leaving, -1), -1), -1)


def _hazard(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    answered, waiting = table[..., 0, :], at_risk(table)
    return np.divide(answered, waiting, out=np.zeros_like(answered), where=waiting > 0), waiting


def survival(table: np.ndarray) -> np.ndarray:
    """Estimate who still waits at the end of day 0, 1, 2 … (Kaplan-Meier, (..., days)); flat once nobody is at risk."""
    return np.cumprod(1 - _hazard(table)[0], axis=-1)


def followed(table: np.ndarray, days: int) -> np.ndarray:
    """Say whether someone was seen for so many days, or all were answered before."""
    if days > table.shape[-1]:
        return np.zeros(table.shape[:-2], dtype=bool)
    return (at_risk(table)[..., days - 1] > 0) | (survival(table)[..., days - 1] == 0)


def median(table: np.ndarray) -> np.ndarray:
    """Find the first day at whose end at most half are still waiting; NaN if that day was not seen."""
    reached = survival(table) <= 0.5 + 1e-12
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1), np.nan).astype(float)


# --- intervals -------------------------------------------------------------------------------------------------------


def reach(quantity: str) -> tuple[int, bool]:
    """Say how many days a measure looks at, and whether it is the area of the curve there, or a point."""
    kind, _, days = quantity.partition("_")
    return (int(days), True) if kind == "rmst" else (int(days.rstrip("d")) + 1, False)


def of_curve(curve: np.ndarray, quantity: str) -> np.ndarray:
    """Read `rmst_<tau>` or `answered_<d>d` off survival curves (..., days), whatever the follow-up."""
    days, area = reach(quantity)
    return curve[..., :days].sum(axis=-1) if area else 1 - curve[..., days - 1]


def shorten(tables: np.ndarray, days: int) -> np.ndarray:
    """Keep the first `days` days, and one more on which all who waited longer are last seen: (..., 2, days + 1)."""
    rest = np.zeros((*tables.shape[:-1], 1))
    rest[..., 1, 0] = tables[..., days:].sum(axis=(-1, -2))
    return np.concatenate([tables[..., :days], rest], axis=-1)


def influence(tables: np.ndarray, clusters: np.ndarray, quantity: str) -> np.ndarray:
    """Compute how much each cluster moves a measure of pooled tables: (draws, clusters), to first order.

    Args:
        tables: pooled counts, (draws, 2, days).
        clusters: counts of each cluster, (clusters, 2, days).
        quantity: `rmst_<tau>` or `answered_<d>d`.
    """
    days, area = reach(quantity)
    hazard, waiting = (part[..., :days] for part in _hazard(tables))
    curve = np.cumprod(1 - hazard, axis=-1)
    ahead = np.flip(np.cumsum(np.flip(curve, -1), -1), -1) if area else np.broadcast_to(-curve[..., -1:], curve.shape)
    scale = waiting * (1 - hazard)
    answer = -np.divide(ahead, scale, out=np.zeros_like(scale), where=scale > 0)
    small = np.float32  # enough for a standard error, and half the time
    risk = at_risk(clusters)[:, :days]
    return answer.astype(small) @ clusters[:, 0, :days].T.astype(small) - (answer * hazard).astype(
        small
    ) @ risk.T.astype(small)


def measure(tables: np.ndarray, quantity: str, draws: int = DRAWS, seed: int = SEED) -> Inference | None:
    """Estimate a measure of all clusters (clusters, 2, HORIZON) pooled; None if nobody was followed that long."""
    tables = tables[tables.sum(axis=(1, 2)) > 0]
    days = reach(quantity)[0]
    if not len(tables) or not followed(tables.sum(axis=0), days):
        return None
    tables = shorten(tables, days)
    total = tables.sum(axis=0)

    def resampled(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        drawn = (counts @ tables.reshape(len(tables), -1).astype(np.float32)).reshape(-1, 2, days + 1).astype(float)
        moved = influence(drawn, tables, quantity)
        return of_curve(survival(drawn), quantity), np.sqrt(np.einsum("ij,ij->i", counts, moved**2))

    value, sizes = float(of_curve(survival(total), quantity)), tables.sum(axis=(1, 2))
    least = _least(total, quantity, kish(sizes))
    return infer(value, of_curve(survival(total - tables), quantity), resampled, sizes, draws, seed, least)


def _least(table: np.ndarray, quantity: str, clusters: float) -> float:
    """Compute the half-width by Greenwood's error of independent waits, at 95 %; `unvaried` where all are alike."""
    days, area = reach(quantity)
    hazard, waiting = (part[:days] for part in _hazard(table))
    curve = np.cumprod(1 - hazard)
    scale = waiting * (1 - hazard)
    terms = np.divide(hazard, scale, out=np.zeros_like(scale), where=scale > 0)
    if not area:  # 0 at either end, where a share has an interval of its own
        return float(norm.ppf(0.975) * curve[-1] * np.sqrt(terms.sum()))
    if not ((hazard > 0) & (hazard < 1)).any():
        return unvaried(float(curve.sum()), float(days), clusters)
    ahead = np.flip(np.cumsum(np.flip(curve)))
    return float(norm.ppf(0.975) * np.sqrt(np.sum(ahead**2 * terms)))


def median_interval(tables: np.ndarray) -> tuple[float, float] | None:
    """Find the days that the median may be: on those, the share still waiting cannot be told from a half.

    Brookmeyer and Crowley 1982, with Wilson intervals and jackknife errors over clusters; None if it has no upper end.
    Where it is one day, half a day to either side, as dates say no more.
    """
    tables = tables[tables.sum(axis=(1, 2)) > 0]
    if len(tables) < 2:
        return None
    total = tables.sum(axis=0)
    curve, left_out = survival(total), survival(total - tables)
    errors = jackknife_error(left_out)
    effective = kish(tables.sum(axis=(1, 2)))
    quantile = student_quantile(effective - 1)
    bounds = np.array([clustered_score_interval(s, e, quantile, effective) for s, e in zip(curve, errors, strict=True)])
    below, surely = bounds[:, 0] <= 0.5, bounds[:, 1] <= 0.5
    if not surely.any():
        return None
    low, high = float(below.argmax()), float(surely.argmax())
    return (max(0.0, low - 0.5), high + 0.5) if low == high else (low, high)  # a whole day: no median is known better
