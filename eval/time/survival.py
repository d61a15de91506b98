"""Waiting times of which some are not over: Kaplan-Meier on the day grid, and a bootstrap over structures. Pure numpy.

Delays are whole days, so a group is a table of counts: `tally[s, 0, d]` citizens of structure s answered after d days,
`tally[s, 1, d]` last seen still waiting after d days. Resampling structures is then a product of weights with the
table, and every function works on the last two axes, (2, days), of one table or of thousands of resampled ones at once.
A reply and the end of observation on the same day: the reply counts first (Kaplan & Meier 1958).
"""

from collections.abc import Sequence

import numpy as np

DRAWS = 2000
SEED = 20231005
MOST_UNDEFINED = 0.05  # above this share of draws without a value, no interval is given


def tally(
    days: Sequence[int], answered: Sequence[bool], structure: Sequence[int], shape: tuple[int, int]
) -> np.ndarray:
    """Counts (structures, 2, days) of `shape` = (structures, days). `days` are whole, from 0 to shape[1] - 1."""
    table = np.zeros((shape[0], 2, shape[1]))
    ended = 1 - np.asarray(answered, dtype=int)
    np.add.at(table, (np.asarray(structure, dtype=int), ended, np.asarray(days, dtype=int)), 1)
    return table


def _at_risk(table: np.ndarray) -> np.ndarray:
    leaving = table.sum(axis=-2)
    return np.flip(np.cumsum(np.flip(leaving, -1), -1), -1)


def survival(table: np.ndarray) -> np.ndarray:
    """Share still waiting at the end of day 0, 1, 2 …: Kaplan-Meier, (..., days). Flat once nobody is at risk."""
    answered, at_risk = table[..., 0, :], _at_risk(table)
    hazard = np.divide(answered, at_risk, out=np.zeros_like(answered), where=at_risk > 0)
    return np.cumprod(1 - hazard, axis=-1)


def rmst(table: np.ndarray, tau: int) -> np.ndarray:
    """Mean days waited within the first `tau` (restricted mean survival time); NaN if nobody was followed that long."""
    if tau > table.shape[-1]:
        return np.full(table.shape[:-2], np.nan)
    waiting = survival(table)
    followed = (_at_risk(table)[..., tau - 1] > 0) | (waiting[..., tau - 1] == 0)
    return np.where(followed, waiting[..., :tau].sum(axis=-1), np.nan)


def median(table: np.ndarray) -> np.ndarray:
    """First day at whose end at most half are still waiting; NaN if that day was not seen."""
    reached = survival(table) <= 0.5
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1), np.nan).astype(float)


def mean_of(table: np.ndarray) -> np.ndarray:
    """Total over count, from sums (..., 2): the naive mean over answered reviews, or a share; NaN if the count is 0."""
    total, count = table[..., 0], table[..., 1]
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)


def resample(tables: Sequence[np.ndarray], draws: int = DRAWS, seed: int = SEED) -> list[np.ndarray]:
    """Bootstrap totals (draws, ...) of tables with structures on axis 0; one draw takes the same structures in all."""
    size = len(tables[0])
    weights = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=draws).astype(float)
    return [np.tensordot(weights, table, axes=1) for table in tables]


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of bootstrap values; None if too many draws have no value."""
    defined = values[np.isfinite(values)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(values) or not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
