"""Predict adopters' waits without adopting: their own of before, changed as those of the others were."""

import numpy as np

from eval.time.waits.from_export import Waits
from eval.time.waits.periods import Cells, values
from eval.time.waits.survival import HORIZON, reach

FACTOR = 20  # by which all waits may have changed between two periods


def carried(
    waits: Waits, masks: tuple[np.ndarray, np.ndarray], quantity: str, adopted: np.ndarray
) -> tuple[np.ndarray, float]:
    """Give a `quantity`, in the first period as if all waits had changed by the factor of the others'.

    A season or a shock that all share multiplies waits; in days it then moves slow structures more, and in proportion
    of a mean within 30 days less. So the factor is sought by which the others' waits of the first period have the mean
    of the second, and the adopters' are multiplied by it (accelerated failure time), each somewhere within its day.
    Also returned: by how much the adopters' mean then moves where the others' moves by 1, which their error must too.
    """
    others = adopted[waits.structure] == 0
    delay = np.where(waits.reply > 0, np.minimum(waits.reply - waits.start, HORIZON), HORIZON)
    value = values(waits, quantity)
    cells = Cells.of(waits.structure, masks, value, len(waits.names))
    weight = np.divide(cells.weights, cells.n[0], out=np.zeros(len(waits.names)), where=cells.n[0] > 0)
    share = [
        np.bincount(delay[m], weights=weight[waits.structure[m]], minlength=HORIZON + 1)
        for m in (masks[0] & others, masks[0] & (adopted[waits.structure] == 1))
    ]
    of = adopted == 0
    target = (cells.weights * cells.means[1])[of].sum()
    if not (share[0].sum() > 0 and share[1].sum() > 0):
        return value, 1.0
    low, high = np.log(1 / FACTOR), np.log(FACTOR)
    # More days waited by a greater factor; fewer answered.
    sign = 1 if reach(quantity)[1] else -1
    if not sign * share[0] @ _stretched(low, quantity) < sign * target < sign * share[0] @ _stretched(high, quantity):
        return value, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if sign * share[0] @ _stretched(middle, quantity) < sign * target else (low, middle)
    moved = _stretched(low + 0.05, quantity) - _stretched(low - 0.05, quantity)
    slopes = [one @ moved / one.sum() for one in share]
    value = np.where(masks[0], _stretched(low, quantity)[delay], value)
    return value, float(slopes[1] / slopes[0])


def _stretched(log_factor: float, quantity: str) -> np.ndarray:
    """Average waits of 0, 1, 2 … HORIZON whole days, multiplied, each having ended anywhere in its day."""
    days, area = reach(quantity)
    ends = np.arange(1, days + 1) / np.exp(log_factor)
    left = np.clip(np.arange(1, HORIZON + 2)[:, None] - ends, 0, 1)
    left[-1] = 1  # seen for so long and not answered
    return left.sum(axis=1) if area else 1 - left[:, -1]
