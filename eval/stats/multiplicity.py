"""Several comparisons at once: Holm's adjusted p-values, and max-T bounds that hold together."""

from collections.abc import Mapping, Sequence

import numpy as np

from eval.stats.bootstrap import DRAWS
from eval.stats.estimate import Estimate, scored


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979), in the order given: those at most alpha are rejected, families-wise at alpha."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted.tolist()


def simultaneous(
    slices: Mapping[str, "np.ndarray | list[float]"],
    *,
    clusters: Mapping[str, "np.ndarray | list"],
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Mean of each slice with bounds that hold for all slices together: studentised max-T bootstrap.

    Slices may share items (a service and a sentiment): clusters are resampled once for all of them, so that their
    dependence is kept and the bounds are narrower than Bonferroni's. A slice whose resampled means do not vary gets the
    bounds of its estimate alone widened by the others' quantile over a floor of 1/n.

    Args:
        slices: name -> one difference per item of the slice; NaN is an item that could not be scored.
        clusters: name -> what each of its items belongs to, the same labels in every slice.
    """
    parts = {name: scored(values, clusters[name]) for name, values in slices.items()}
    labels = {name: np.asarray(clusters[name])[~np.isnan(np.asarray(v, dtype=float))] for name, v in slices.items()}
    everyone = np.unique(np.concatenate([*labels.values(), np.asarray([], dtype=object)]).astype(str))
    place = {label: i for i, label in enumerate(everyone)}
    sums = np.zeros((len(parts), len(everyone)))
    sizes = np.zeros_like(sums)
    for row, (name, (values, _, _)) in enumerate(parts.items()):
        where = np.array([place[str(label)] for label in labels[name]], dtype=int)
        np.add.at(sums[row], where, values)
        np.add.at(sizes[row], where, 1)
    counts = sizes.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = sums.sum(axis=1) / counts
    # Cluster-robust standard errors, with a floor for slices in which nothing differs.
    spread = np.sqrt(np.sum((sums - np.nan_to_num(centre)[:, None] * sizes) ** 2, axis=1)) / np.maximum(counts, 1)
    spread = np.maximum(spread, 1 / np.maximum(counts, 1))
    rng = np.random.default_rng(seed)
    highest = np.zeros(draws)
    usable = (sizes > 0).sum(axis=1) > 1
    for i in range(draws):
        weights = np.bincount(rng.integers(len(everyone), size=len(everyone)), minlength=len(everyone))
        n = sizes[usable] @ weights
        with np.errstate(invalid="ignore", divide="ignore"):
            distance = np.abs(sums[usable] @ weights / n - centre[usable]) / spread[usable]
        highest[i] = np.nanmax(distance, initial=0.0)
    quantile = float(np.quantile(highest, confidence))
    found = {}
    for row, (name, (values, _, missing)) in enumerate(parts.items()):
        if not len(values):
            found[name] = Estimate(None, None, None, 0, missing)
            continue
        half = quantile * spread[row] if usable[row] else None
        lower, upper = (None, None) if half is None else (float(centre[row] - half), float(centre[row] + half))
        found[name] = Estimate(float(centre[row]), lower, upper, len(values), missing)
    return found
