"""Read agents' timed decisions: measure their active minutes, and move the model's constants by them.

`decisions.jsonl` holds what agents did with drafts: accepted, edited or rejected, with seconds of active time or null.
Nothing in it was drafted without help, so it measures how long the work takes and not what the help saves.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from eval.stats.studentised import DRAWS, mean_of, share
from eval.time.measurement import DESCRIPTIVE, make, values_of
from eval.time.minutes.constants import NAMES
from eval.time.minutes.model import COUNTED, Prior, count, minutes
from plume.files import read_jsonl
from plume.judgements import OUTCOMES, read_decisions

LEAST_TIMED = 10  # decisions from which the constants are moved
_NU = 4.0  # degrees of freedom of the errors of log seconds: long breaks that the timer missed weigh little
_SPREAD = 0.5  # of those errors, before any data


@dataclass(frozen=True)
class Decisions:
    """Holds what agents did with n drafts: `features` (n, 8) as `model.COUNTED`, `seconds` NaN where not timed."""

    ids: tuple[str, ...]
    outcome: np.ndarray
    seconds: np.ndarray
    features: np.ndarray
    review_known: np.ndarray

    @property
    def experience(self) -> np.ndarray:
        """Name the review that each is about: its drafts for several structures are not independent."""
        return np.array([name.rpartition("-")[0] or name for name in self.ids])

    @property
    def timed(self) -> np.ndarray:
        return np.isfinite(self.seconds)


def ids_of(path: str | Path) -> frozenset[str]:
    """List the pairs that a file of decisions is about."""
    return frozenset(str(row["id"]) for row in read_jsonl(Path(path), needs=("id",)))


def read(path: str | Path, review_words: dict[str, int], typical: float) -> Decisions:
    """Read decisions; reviews that the export does not hold have the `typical` number of words. Raises InputError."""
    rows = read_decisions(path)
    features, seconds, known = [], [], []
    for row in rows:
        words = review_words.get(str(row["id"]))
        known.append(words is not None)
        time = row.get("seconds")
        seconds.append(float("nan") if time is None else float(time))
        draft, final = row["draft"] or "", row["final"] or ""
        rejected = row["outcome"] == "rejected"
        features.append(count(draft, final, review_words=typical if words is None else words, rejected=rejected))
    return Decisions(
        tuple(str(row["id"]) for row in rows),
        np.array([row["outcome"] for row in rows]),
        np.array(seconds),
        np.array(features, dtype=float).reshape(len(rows), len(COUNTED)),
        np.array(known, dtype=bool),
    )


def measured(decisions: Decisions, draws: int = DRAWS) -> list[dict]:
    """Average active minutes by outcome: rows like time.json's, of the quantity `active_minutes`."""
    rows = []
    for group in ("all", *OUTCOMES):
        mask = decisions.timed & ((decisions.outcome == group) | (group == "all"))
        spent, median, mean, interval = decisions.seconds[mask] / 60, None, None, None
        if len(spent):
            found = mean_of(spent, decisions.experience[mask], float(spent.max()), draws)
            median, mean, interval = float(np.median(spent)), found.value, found.interval()
        if interval:
            interval = max(0.0, interval[0]), interval[1]
        row = make("active_minutes", group, "level", mean, interval, len(spent), DESCRIPTIVE).row()
        del row["censored"]
        rows.append({**row, "median": median})
    return rows


def outcomes(decisions: Decisions, draws: int = DRAWS) -> list[dict]:
    """Estimate the shares of drafts accepted, edited and rejected, with Wilson's intervals."""
    found = {name: share((decisions.outcome == name).astype(float), decisions.experience, draws) for name in OUTCOMES}
    return [{"group": name, **values_of(one), "n": one.n} for name, one in found.items()]


def recalibrate(decisions: Decisions, prior: Prior) -> Prior | None:
    """Move the constants by the timed decisions; None with fewer than LEAST_TIMED.

    log(seconds) is the model's plus a Student error; the posterior of the constants' z and of the error's spread is
    taken as normal at its mode (Laplace). What the decisions do not tell keeps its prior.
    """
    timed = decisions.timed
    if timed.sum() < LEAST_TIMED:
        return None
    features, seen = decisions.features[timed], np.log(decisions.seconds[timed])

    def loss(x: np.ndarray) -> float:
        z, spread = x[:-1], _SPREAD * np.exp(x[-1])
        values = prior.constants.values(np.broadcast_to(z, (len(seen), len(z))))
        error = (seen - np.log(60 * np.maximum(minutes(features, values)[0], 1e-6))) / spread
        fit = (_NU + 1) / 2 * np.log1p(error**2 / _NU).sum() + len(seen) * np.log(spread)
        return float(fit + (z @ z) / 2 + 2 * x[-1] ** 2)

    start = np.zeros(len(NAMES) + 1)
    mode = minimize(loss, start, method="BFGS", options={"gtol": 1e-4 * max(1, len(seen))}).x
    mode = minimize(loss, mode, method="Nelder-Mead", options={"maxiter": 0}).x if not np.isfinite(mode).all() else mode
    values, vectors = np.linalg.eigh(_hessian(loss, mode))
    covariance = (vectors / np.maximum(values, 1.0)) @ vectors.T  # never wider than the prior
    size = len(NAMES)
    root = np.linalg.cholesky(covariance[:size, :size] + 1e-12 * np.eye(size))
    return Prior(prior.constants, mode[:size], root)


def _hessian(f, x: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Compute second derivatives by central differences, symmetric."""
    n = len(x)
    eye, out = np.eye(n) * step, np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            out[i, j] = out[j, i] = (
                f(x + eye[i] + eye[j]) - f(x + eye[i] - eye[j]) - f(x - eye[i] + eye[j]) + f(x - eye[i] - eye[j])
            ) / (4 * step**2)
    return out
