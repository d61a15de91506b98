"""Model an agent's minutes with and without a draft, from texts: grade D, a model and no measurement.

    without = read(review) + compose(reply) + proof(reply)
    with    = read(review) + read(draft) + verify(facts) + edit(draft -> reply) + proof(reply)

after the keystroke-level model (Card, Moran and Newell 1980): an edit costs a mental preparation and a pointing, its
words are typed, and a share of them composed. Both are linear in what is counted in the texts (FEATURES), so means of
those and draws of the constants are all that Monte Carlo needs. Similarity is not time: a draft that was kept word for
word may have taken as long as writing (Bootsma-Robroeks 2025: 157 against 153 s). Pure.
"""

from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from eval.stats.studentised import SEED, multiplicities
from eval.time.minutes import constants as constants_of
from eval.time.minutes.constants import NAMES, Constants
from eval.time.waits.from_export import facts

COUNTED = (
    "review_words",
    "draft_words",
    "final_words",
    "composed_words",
    "typed_characters",
    "edits",
    "facts",
    "changed_words",  # of which neither the characters nor the edits are known
)
DRAWS = 10_000
P90 = 1.2816  # quantile of a standard normal


def count(draft: str, final: str, *, review_words: float = 0.0, rejected: bool = False) -> np.ndarray:
    """Count FEATURES of a draft and the published text; a rejected draft is read, and the reply composed anew."""
    before, after = draft.split(), final.split()
    if rejected:
        return np.array([review_words, len(before), len(after), len(after), 0, 0, 0, 0], dtype=float)
    typed, edits, inside = 0, 0, False
    for step in Levenshtein.opcodes(before, after):
        changed = step.tag != "equal"
        edits += changed and not inside
        inside = changed
        if changed:
            typed += sum(len(word) + 1 for word in after[step.dest_start : step.dest_end])
    return np.array([review_words, len(before), len(after), 0, typed, edits, facts(draft), 0], dtype=float)


def from_similarity(
    similarity: np.ndarray, reply_words: np.ndarray, review_words: np.ndarray, reply_facts: np.ndarray
) -> np.ndarray:
    """Guess FEATURES (n, 8) from the platform's similarity (0 to 100) of draft and reply, whose rule is not known.

    The reply is taken to be as long as the draft, and as much of its facts to be the draft's as of its words.
    """
    kept = similarity / 100
    zero = np.zeros_like(kept)
    changed = (1 - kept) * reply_words
    return np.stack([review_words, reply_words, reply_words, zero, zero, zero, kept * reply_facts, changed], axis=-1)


def _rates(values: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Price one unit of each of FEATURES in seconds, with a draft and without: (..., 8) each."""
    read, compose = 60 / values["reading_wpm"], 60 / values["composition_wpm"]
    share, zero = values["composed_share"], np.zeros_like(read)
    typing = (1 - share) * values["keystroke_seconds"] + share * compose / values["characters_per_word"]
    edit = values["mental_seconds"] + values["pointing_seconds"]
    proof = values["proof_share"] * read
    change = values["characters_per_word"] * typing + edit / values["words_per_edit"]
    with_draft = [read, read, proof, compose, typing, edit, values["verify_seconds"] + zero, change]
    without = [read, zero, proof + compose, zero, zero, zero, zero, zero]
    return np.stack(with_draft, axis=-1), np.stack(without, axis=-1)


def minutes(features: np.ndarray, values: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Compute minutes with a draft and without, for FEATURES (..., 8) and values of the constants (...)."""
    with_draft, without = _rates(values)
    return (features * with_draft).sum(axis=-1) / 60, (features * without).sum(axis=-1) / 60


@dataclass(frozen=True)
class Prior:
    """Draws the constants: z ~ N(mean, covariance), standard normal unless timed data moved it."""

    constants: Constants
    mean: np.ndarray
    root: np.ndarray  # square root of the covariance

    @property
    def spread(self) -> np.ndarray:
        """Give the standard deviation of each constant's z."""
        return np.sqrt((self.root**2).sum(axis=1))

    @classmethod
    def of(cls, constants: Constants | None = None) -> "Prior":
        return cls(constants or constants_of.load(), np.zeros(len(NAMES)), np.eye(len(NAMES)))

    def draw(self, draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
        """Draw z, (draws, constants)."""
        return self.mean + np.random.default_rng(seed).standard_normal((draws, len(NAMES))) @ self.root.T

    def marginal(self, name: str) -> tuple[float, float, float]:
        """Give P10, P50 and P90 of a constant."""
        i = NAMES.index(name)
        at = getattr(self.constants, name).at
        return tuple(float(at(self.mean[i] + k * self.spread[i])) for k in (-P90, 0, P90))


def means_of(features: np.ndarray, clusters: np.ndarray, draws: int, seed: int = SEED) -> np.ndarray:
    """Resample means of FEATURES (n, 8), clusters drawn whole: (draws, 8); of one cluster, its mean."""
    numbers = np.unique(clusters, return_inverse=True)[1]
    size = int(numbers.max()) + 1
    if size < 2:
        return np.broadcast_to(features.mean(axis=0), (draws, features.shape[1]))
    sums = np.stack([np.bincount(numbers, weights=column) for column in features.T], axis=-1)
    sizes = np.bincount(numbers).astype(float)
    few = min(draws, 1000)  # resamples, each met with several draws of the constants
    counts = multiplicities(size, few, seed)
    return np.resize(counts @ sums / (counts @ sizes)[:, None], (draws, features.shape[1]))


@dataclass(frozen=True)
class Modelled:
    """Holds minutes a reply, as (P2.5, P10, P50, P90, P97.5), their sensitivities, and the break-even edit rate."""

    n: int
    saved: tuple[float, ...]
    with_draft: tuple[float, ...]
    without: tuple[float, ...]
    tornado: tuple[tuple[str, float, float], ...]  # constant, saved at its P10, at its P90; widest first
    break_even: tuple[float, ...]  # share of words changed at which nothing is saved
    gaining: float  # share of draws in which time is saved


QUANTILES = (0.025, 0.10, 0.50, 0.90, 0.975)


def model(features: np.ndarray, clusters: np.ndarray, prior: Prior | None = None, draws: int = DRAWS) -> Modelled:
    """Model replies with FEATURES (n, 8), n > 0, of clusters (n,)."""
    prior = prior or Prior.of()
    values = prior.constants.values(prior.draw(draws))
    with_draft, without = minutes(means_of(features, clusters, draws), values)
    saved = without - with_draft
    centre = features.mean(axis=0)
    # Each constant alone moved to its P10 and its P90: (2, constants, constants).
    moved = prior.mean + np.array([-P90, P90])[:, None, None] * np.diag(prior.spread)
    with_draft_at, without_at = minutes(centre, prior.constants.values(moved))
    tornado = [(name, *map(float, ends)) for name, ends in zip(NAMES, (without_at - with_draft_at).T, strict=True)]
    tornado.sort(key=lambda row: -abs(row[2] - row[1]))
    return Modelled(
        len(features),
        _quantiles(saved),
        _quantiles(with_draft),
        _quantiles(without),
        tuple(row for row in tornado if abs(row[2] - row[1]) > 1e-9),
        _quantiles(break_even(centre, values)),
        float(np.mean(saved > 0)),
    )


def break_even(centre: np.ndarray, values: dict[str, np.ndarray]) -> np.ndarray:
    """Find the share of changed words at which a typical draft saves nothing, by draw; 0 where none ever does."""
    review, draft, final, *_ = centre
    with_draft, without = _rates(values)
    kept = np.array([review, draft, final, 0, 0, 0, centre[6], 0])
    gain = (kept * without).sum(axis=-1) - (kept * with_draft).sum(axis=-1)
    cost = final * with_draft[..., 7]
    return np.maximum(gain / cost, 0) if final else np.zeros_like(gain)


def _quantiles(drawn: np.ndarray) -> tuple[float, ...]:
    return tuple(float(q) for q in np.quantile(drawn, QUANTILES))
