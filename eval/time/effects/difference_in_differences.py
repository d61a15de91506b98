"""Compare the change of one arm of structures with that of another: difference-in-differences.

Each structure is compared with itself (mean after less mean before, equal follow-up), and what remains is compared
between the two arms: whatever differs from the start, or changes for all, cancels out.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb, exp

import numpy as np

from eval.stats.studentised import DRAWS, SEED, Inference, log_ratio_of_sums, ratio_moments, two_arms, welch_quantile
from eval.time.waits.periods import Cells

PERMUTATIONS = 4999


@dataclass(frozen=True)
class Did:
    """Holds the adopters' change less the others', its permutation p-value, and what stands behind it."""

    effect: Inference
    p: float | None
    structures: tuple[int, int]
    n: int
    relative: Inference  # the same in proportion: log(after / before) of the adopters less that of the others

    def interval(self) -> tuple[float, float] | None:
        return self.effect.interval() if min(self.structures) >= 2 else None

    def relative_interval(self) -> tuple[float, float] | None:
        return self.relative.interval(exp) if min(self.structures) >= 2 else None


def did(
    cells: Cells,
    adopted: np.ndarray,
    draws: int = DRAWS,
    *,
    top: float = 1.0,
    lever: float = 1.0,
    permuted: bool = True,
) -> Did | None:
    """Compare the changes of two arms; None if an arm has no structure in both periods. `permuted` shuffles labels.

    `top` is the greatest value there could be, `lever` what an error of the others' mean moves the counterfactual by.
    """
    kept = cells.compared & (adopted >= 0)
    weights, change, treated = cells.weights[kept], cells.differences[kept], adopted[kept] == 1
    sizes = int(treated.sum()), int((~treated).sum())
    if not all(sizes):
        return None
    change = np.where(treated, change, lever * change)
    sums = weights * change
    of_arms = [cells.least((np.where(arm, cells.weights, 0.0),) * 2, top) for arm in (adopted == 1, adopted == 0)]
    least = float(np.hypot(np.hypot(*of_arms[0]), lever * np.hypot(*of_arms[1])))
    effect = two_arms((sums[treated], weights[treated]), (sums[~treated], weights[~treated]), draws, least=least)
    p = permutation_p(change, weights, treated) if permuted else None
    before, after = (weights * side[kept] for side in cells.means)
    relative = _relative(before, after, weights, treated)
    return Did(effect, p, sizes, int(cells.n[:, kept].sum()), relative)


def _relative(before: np.ndarray, after: np.ndarray, weights: np.ndarray, treated: np.ndarray) -> Inference:
    """Subtract the arms' log ratios: jackknife errors, Student's t with Welch and Satterthwaite's degrees."""
    sides = weights[treated], weights[~treated]
    arms = [log_ratio_of_sums(after[arm], before[arm], weights[arm], 0) for arm in (treated, ~treated)]
    value, errors = arms[0].value - arms[1].value, (arms[0].se, arms[1].se)
    se = float(np.hypot(*errors))
    if not (np.isfinite(value) and se > 1e-9):  # below, it is the rounding of arms in which nothing varies
        return Inference(value, np.nan, np.nan, len(weights))
    return Inference(value, se, welch_quantile(errors, sides), len(weights))


def permutation_p(change: np.ndarray, weights: np.ndarray, treated: np.ndarray, seed: int = SEED) -> float | None:
    """Count how often shuffled labels give a statistic as large: all ways if they are few, else PERMUTATIONS of them.

    The statistic is studentised where each arm has two structures, so that arms of unequal spread do not mislead
    (Janssen 1997; Chung and Romano 2013).
    """
    labels = labels_of(len(treated), int(treated.sum()), seed)
    observed, shuffled = (abs(studentised_difference(change, weights, x)) for x in (treated[None], labels))
    if not np.isfinite(observed[0]):
        return None
    as_large = float(np.sum(shuffled >= observed[0] - 1e-12))
    exact = len(labels) == comb(len(treated), int(treated.sum()))
    return as_large / len(labels) if exact else (as_large + 1) / (len(labels) + 1)


@lru_cache(maxsize=2)
def labels_of(n: int, chosen: int, seed: int) -> np.ndarray:
    """List all ways to choose so many of n, or PERMUTATIONS of them drawn: masks, (ways, n)."""
    if comb(n, chosen) <= PERMUTATIONS:
        labels = np.zeros((comb(n, chosen), n), dtype=bool)
        for row, picked in enumerate(combinations(range(n), chosen)):
            labels[row, list(picked)] = True
        return labels
    order = np.random.default_rng(seed).random((PERMUTATIONS, n)).argpartition(chosen - 1, axis=1)[:, :chosen]
    labels = np.zeros((PERMUTATIONS, n), dtype=bool)
    np.put_along_axis(labels, order, values=True, axis=1)
    return labels


def studentised_difference(change: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Divide the difference of the arms' weighted means by its standard error (by 1 if an arm has one structure)."""
    sides = [(arm, arm.sum(axis=1)) for arm in (labels.astype(float), (~labels).astype(float))]
    (mean, spread), (other, others) = (ratio_moments(arm, weights * change, weights) for arm, _ in sides)
    n, m = (size for _, size in sides)
    variance = spread * n / np.maximum(n - 1, 1) + others * m / np.maximum(m - 1, 1)
    error = np.sqrt(variance) if n[0] >= 2 <= m[0] else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num((mean - other) / error, nan=0.0, posinf=np.inf, neginf=-np.inf)
