"""Scores the sheets of a sources folder for a review, and weighs whether the nearest is about what the review asks.

Both are sums: of what a sheet shares with a review (BM25 over stems, over kinds and over the kinds of the title, and
the network), and of what speaks for the nearest sheet or against it. weights.json says what each counts.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from plume.french.text import holds_run, words
from plume.passages import Passage
from plume.sources.terms import Terms, stem, terms_of

WEIGHTS = Path(__file__).parent / "weights.json"
BM25 = {"method": "lucene", "k1": 1.2, "b": 0.75}
FEATURES = ("text", "kinds", "title_kinds", "same_network", "other_network")
# Of the nearest sheet: its score, and what it shares with the review (subjects that are not its title's, sides of the
# case). Of the review: how many subjects its own title names that the sheet is not about, in how many ways it tells how
# a citizen was received, and whether it asks anything.
EVIDENCE = ("score", "subjects_of_text", "sides", "other_subjects", "service_in_title", "service", "asks")
SUBJECT, SIDE, SERVICE, ASKS = "subject:", "side:", "service:", "asks:"  # roles of kinds, see kinds.tsv


class Weights(NamedTuple):
    """What each of FEATURES and EVIDENCE counts. Below zero, the evidence of the nearest sheet is too weak to show it.

    `within` says how far below the nearest another sheet may score, `passage` what a passage's own words count beside
    its sheet's, `second` what a second passage of one sheet loses.
    """

    features: dict[str, float]
    evidence: dict[str, float]
    bias: float
    within: float
    passage: float
    second: float


@cache
def shipped() -> Weights:
    """Read the weights of this repository."""
    held = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return Weights(**{key: held[key] for key in Weights._fields})


class Asked(NamedTuple):
    """What a review names: each stem and kind once, the kinds of its own title, and whether it asks anything.

    `bodies` are the words of the network and of the structure that it is of.
    """

    stems: tuple[str, ...]
    kinds: tuple[str, ...]
    title: frozenset[str]
    bodies: tuple[tuple[str, ...], ...]
    asks: bool

    @classmethod
    def of(cls, case: Mapping[str, Any]) -> "Asked":
        """Read a case: a review, and title, network and structure where there are any."""
        title = case.get("title") or ""
        stems, kinds = (tuple(dict.fromkeys(terms)) for terms in terms_of(_joined([title, case["review"]])))
        asks = "?" in title + case["review"] or any(_of(kinds, ASKS))
        bodies = tuple(_words(case[key]) for key in ("network", "structure") if case.get(key))
        return cls(stems, kinds, frozenset(terms_of(title).kinds), bodies, asks)


class Field:
    """BM25 over the terms of some documents, as shares of the score of a term that one document alone holds."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        import bm25s

        self._index = bm25s.BM25(**BM25)
        self._index.index([list(terms) or [""] for terms in documents], show_progress=False)
        self._most = rarity(1, len(documents))
        self._nothing = np.zeros(len(documents))

    def scores(self, terms: Iterable[str]) -> np.ndarray:
        """Score each document for some different terms."""
        known = self._index.get_tokens_ids([term for term in terms if term])
        return self._index.get_scores_from_ids(known) / self._most if known else self._nothing


def rarity(holding: int, of: int) -> float:
    """Give how much a term says that so many documents hold, as BM25 counts it."""
    return math.log(1 + (of - holding + 0.5) / (holding + 0.5))


class Index:
    """The fields of some sheets, each a list of its passages."""

    def __init__(self, sheets: Sequence[Sequence[Passage]]) -> None:
        titles = [terms_of(passages[0]["title"]) for passages in sheets]
        wholes = [terms_of(_whole(passages)) for passages in sheets]
        self._text = Field([terms.stems for terms in wholes])
        self._kinds = Field([_things(terms.kinds) for terms in wholes])
        self._title_kinds = Field([_things(terms.kinds) for terms in titles])
        networks = [_words(passages[0].get("network") or "") for passages in sheets]
        self._networks = [*dict.fromkeys(networks)]
        self._network = np.array([self._networks.index(network) for network in networks])
        self._passages = Field([_all(terms_of(_own(passage))) for passages in sheets for passage in passages])
        self._sets = [
            (frozenset(_things(t.kinds)), frozenset(_things(w.kinds))) for t, w in zip(titles, wholes, strict=True)
        ]
        self._holding = Counter(kind for _, whole in self._sets for kind in whole)

    def features(self, asked: Asked) -> np.ndarray:
        """Give a row of FEATURES for each sheet."""
        same = np.array([_is_of(network, asked.bodies) for network in self._networks])[self._network]
        other = np.array([bool(asked.bodies and network) for network in self._networks])[self._network] & ~same
        scores = self._text.scores(asked.stems), self._kinds.scores(asked.kinds), self._title_kinds.scores(asked.kinds)
        return np.column_stack([*scores, same, other])

    def scores(self, asked: Asked, weights: Weights) -> np.ndarray:
        """Score each sheet."""
        return self.features(asked) @ [weights.features[name] for name in FEATURES]

    def passage_scores(self, asked: Asked) -> np.ndarray:
        """Score each passage by its own words alone."""
        return self._passages.scores((*asked.stems, *asked.kinds))

    def evidence(self, asked: Asked, at: int, score: float) -> tuple[float, ...]:
        """Give what speaks for the sheet of that number and against it: the values of EVIDENCE."""
        title, whole = self._sets[at]
        return (
            score,
            self._said(_of(asked.kinds, SUBJECT) & (whole - title)),
            self._said(_of(asked.kinds, SIDE) & whole),
            len(_of(asked.title, SUBJECT) - whole),
            len(_of(asked.title, SERVICE)),
            len(_of(asked.kinds, SERVICE)),
            float(asked.asks),
        )

    def is_about(self, asked: Asked, at: int, score: float, weights: Weights) -> bool:
        """Say whether the sheet of that number is about what is asked, as far as can be told."""
        evidence = zip(EVIDENCE, self.evidence(asked, at, score), strict=True)
        return weights.bias + sum(weights.evidence[name] * value for name, value in evidence) >= 0

    def _said(self, kinds: Iterable[str]) -> float:
        n = len(self._sets)
        return sum(rarity(self._holding[kind], n) for kind in sorted(kinds)) / rarity(1, n)


def _of(kinds: Iterable[str], role: str) -> set[str]:
    return {kind for kind in kinds if kind.startswith(role)}


def _things(kinds: Iterable[str]) -> tuple[str, ...]:
    """Leave out what tells how somebody was received, or asks."""
    return tuple(kind for kind in kinds if kind.startswith((SUBJECT, SIDE)))


def _whole(passages: Sequence[Passage]) -> str:
    headings = dict.fromkeys(heading for passage in passages for heading in passage.get("where") or ())
    first = passages[0]
    return _joined([first["title"], first.get("theme"), *headings, *(passage["text"] for passage in passages)])


def _own(passage: Passage) -> str:
    return _joined([*(passage.get("where") or ()), passage["text"]])


def _all(terms: Terms) -> tuple[str, ...]:
    return terms.stems + _things(terms.kinds)


def _is_of(network: tuple[str, ...], bodies: Iterable[tuple[str, ...]]) -> bool:
    """Say whether the name of a body holds that of a network, or is held in it: "Caf du Tarn", "France Travail"."""
    return any(holds_run(body, network) or holds_run(network, body) for body in bodies)


def _words(name: str) -> tuple[str, ...]:
    return tuple(map(stem, words(name)))


def _joined(texts: Iterable[str | None]) -> str:
    return " . ".join(filter(None, texts))
