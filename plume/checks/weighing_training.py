"""Learns the weights of `weighing` from the sentences of `datasets/promises`, and writes them. (make weights)

Logistic regression with a penalty on squares; features that one sentence alone holds are left out. No seed is needed:
there is one best solution, and weights are rounded to whole units.
"""

import json
from array import array
from base64 import b64encode
from collections import Counter
from pathlib import Path
from zlib import compress

import numpy as np

from plume.checks import weighing
from plume.files import file_sha256
from plume.french.text import lower
from plume.paths import ROOT

SENTENCES = ROOT / "datasets" / "promises" / "sentences.tsv"
BUCKETS = 1 << 17
FREQUENT = 450  # words that stand for themselves in the row of shapes
PENALTY = 0.1
COMMITS = 5.0  # how much more a sentence that commits the service counts: they are few


def learn(labelled: list[tuple[str, bool]]) -> weighing.Weights:
    """Learn weights from sentences and whether each says something of one file."""
    from scipy.optimize import minimize
    from scipy.sparse import csr_array

    texts = [lower(text) for text, _ in labelled]
    counts = Counter(token for text in texts for token in weighing.tokens(text))
    frequent = frozenset(sorted(counts, key=lambda token: (-counts[token], token))[:FREQUENT])
    held = [weighing.features(text, frequent) for text in texts]
    known = Counter(one for each in held for one in each)
    rows = [[*{*weighing.buckets({one for one in each if known[one] > 1}, BUCKETS)}] for each in held]
    ends = np.cumsum([0, *map(len, rows)])
    ones = np.ones(ends[-1])
    matrix = csr_array((ones, np.concatenate(rows), ends), shape=(len(rows), BUCKETS))
    signs = np.array([1.0 if says else -1.0 for _, says in labelled])
    counted = np.where(signs > 0, COMMITS, 1.0)

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (matrix @ at[:-1] + at[-1])
        pull = -counted * signs / (1 + np.exp(np.clip(margins, -50, 50)))
        grown = np.append(matrix.T @ pull + PENALTY * at[:-1], pull.sum())
        return float(counted @ np.logaddexp(0, -margins) + PENALTY / 2 * at[:-1] @ at[:-1]), grown

    best = minimize(loss, np.zeros(BUCKETS + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    unit = float(np.abs(best[:-1]).max() / 127)
    return weighing.Weights(
        array("b", np.round(best[:-1] / unit).astype(np.int8).tobytes()), unit, float(best[-1]), frequent
    )


def read(path: Path = SENTENCES) -> list[tuple[str, bool]]:
    """Read labelled sentences: "+" says something of one file, "-" does not."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(line[2:], line[0] == "+") for line in lines if line[:2] in ("+\t", "-\t")]


def write(weights: weighing.Weights, path: Path = weighing.WEIGHTS) -> None:
    """Write weights, with a digest of the sentences that they are of."""
    card = {
        "sentences": file_sha256(SENTENCES)[:16],
        "unit": weights.unit,
        "bias": weights.bias,
        "frequent": sorted(weights.frequent),
        "weights": b64encode(compress(weights.of.tobytes(), 9)).decode(),
    }
    path.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(learn(read()))
