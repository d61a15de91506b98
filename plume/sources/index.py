"""Scores the sheets of a sources folder for a review, and weighs whether the nearest is about what the review asks.

The score is a sum of what a sheet shares with a review: BM25 over stems, over kinds and over the kinds of the title,
and the network. Whether it is shown is the product of two likelihoods: that any sheet could help (`wants`), and that
this one does, from what speaks for it or against it. weights.json says what each counts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from plume.french.text import holds_run, words
from plume.passages import Passage
from plume.sources import wants
from plume.sources.terms import Terms, rarity, stem, terms_of

WEIGHTS = Path(__file__).parent / "weights.json"
K1, B = 1.2, 0.75  # of BM25
FEATURES = ("text", "kinds", "title_kinds", "same_network", "other_network")
# Terms of a document of each field, on average: of the sheets that rarity.tsv counts, so that a score is the same in
# every folder.
LENGTHS = {"text": 121.0, "kinds": 37.0, "title_kinds": 3.2, "passage": 25.0}
# Of the nearest sheet: its score; subjects of its title that the review does not name; whether the first subject that
# the review names is its title's; how much of the sides of the case it holds. Of the review: how many subjects its own
# title names that the sheet is not about, in how many ways it tells how a citizen was received, whether it praises and
# asks nothing. No other sheet changes any of these.
EVIDENCE = (
    *("score", "title_unsaid", "first_subject", "sides"),
    *("other_subjects", "service_in_title", "service", "thanks"),
)
WANTED = 2.0  # the power of the likelihood that any sheet could help; 1 tells less apart, 3 shows more wrong sheets
NO_SIDES = 0.3  # added to the sides of a case: one side shared is less than all of three
SUBJECT, SIDE, SERVICE, ASKS = "subject:", "side:", "service:", "asks:"  # roles of kinds, see kinds.tsv
PRAISE = "service:praise"


class Weights(NamedTuple):
    """What each of FEATURES and EVIDENCE counts, and the logarithm of what is likely enough to be shown.

    `within` says how far below the nearest another sheet may score, `passage` what a passage's own words count beside
    its sheet's, `second` what a second passage of one sheet loses.
    """

    features: dict[str, float]
    evidence: dict[str, float]
    bias: float
    threshold: float
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

    `bodies` are the words of the network and of the structure that it is of; `wants` is how much speaks for it that a
    sheet could help, whichever.
    """

    stems: tuple[str, ...]
    kinds: tuple[str, ...]
    title: frozenset[str]
    bodies: tuple[tuple[str, ...], ...]
    asks: bool
    wants: float

    @classmethod
    def of(cls, case: Mapping[str, Any]) -> "Asked":
        """Read a case: a review, and title, network and structure where there are any."""
        title = case.get("title") or ""
        text = joined([title, case["review"]])
        stems, kinds = (tuple(dict.fromkeys(terms)) for terms in terms_of(text))
        asks = "?" in title + case["review"] or any(_of(kinds, ASKS))
        bodies = tuple(_words(case[key]) for key in ("network", "structure") if case.get(key))
        return cls(stems, kinds, frozenset(terms_of(title).kinds), bodies, asks, wants.weigh(text))


class Field:
    """BM25 over the terms of some documents, with the rarity of each term from the table and a mean length given."""

    def __init__(self, documents: Sequence[Sequence[str]], mean: float) -> None:
        self._terms: dict[str, int] = {}
        number, n = self._terms.setdefault, max(len(documents), 1)
        lengths = np.array([len(terms) for terms in documents], np.int64)
        said = np.fromiter(
            (number(term, len(self._terms)) for terms in documents for term in terms), np.int64, int(lengths.sum())
        )
        said *= n
        said += np.repeat(np.arange(len(documents)), lengths)
        pairs, times = np.unique(said, return_counts=True)
        del said
        term, self._holding = (pairs // n).astype(np.int32), (pairs % n).astype(np.int32)
        del pairs
        rarities = np.array([*map(rarity, self._terms)], np.float32)
        long = (K1 * (1 - B + B * lengths / mean)).astype(np.float32)[self._holding]
        self._worth = rarities[term] * times.astype(np.float32)
        self._worth /= times.astype(np.float32) + long
        self._starts = np.searchsorted(term, np.arange(len(self._terms) + 1)).tolist()
        self._documents = len(documents)

    def scores(self, terms: Iterable[str]) -> np.ndarray:
        """Score each document for some different terms."""
        known = [at for at in map(self._terms.get, terms) if at is not None]
        held = [slice(self._starts[at], self._starts[at + 1]) for at in known]
        if not held:
            return np.zeros(self._documents)
        holding, worth = (np.concatenate([of[part] for part in held]) for of in (self._holding, self._worth))
        return np.bincount(holding, worth, self._documents)


class Index:
    """The fields of some sheets, each a list of its passages."""

    def __init__(self, sheets: Sequence[Sequence[Passage]]) -> None:
        titles = [terms_of(passages[0]["title"]) for passages in sheets]
        own = [[terms_of(passage["text"]) for passage in passages] for passages in sheets]
        heads = [[_together(map(terms_of, passage.get("where") or ())) for passage in passages] for passages in sheets]
        each = [_all(_together(both)) for of in zip(heads, own, strict=True) for both in zip(*of, strict=True)]
        self._passages = Field(each, LENGTHS["passage"])
        del each, heads
        wholes = [_whole(*of) for of in zip(sheets, titles, own, strict=True)]
        del own
        self._text = Field([terms.stems for terms in wholes], LENGTHS["text"])
        self._kinds = Field([_things(terms.kinds) for terms in wholes], LENGTHS["kinds"])
        self._title_kinds = Field([_things(terms.kinds) for terms in titles], LENGTHS["title_kinds"])
        networks = [_words(passages[0].get("network") or "") for passages in sheets]
        self._networks = [*dict.fromkeys(networks)]
        self._network = np.array([self._networks.index(network) for network in networks])
        self._sets = [
            tuple(tuple(dict.fromkeys(_things(of.kinds))) for of in both) for both in zip(titles, wholes, strict=True)
        ]

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
        title, whole = map(frozenset, self._sets[at])
        sides = _of(asked.kinds, SIDE)
        return (
            score,
            _said(_of(title, SUBJECT).difference(asked.kinds)),
            float(next((kind for kind in asked.kinds if kind.startswith(SUBJECT)), None) in title),
            _said(sides & whole) / (_said(sides) + NO_SIDES),
            len(_of(asked.title, SUBJECT) - whole),
            len(_of(asked.title, SERVICE)),
            len(_of(asked.kinds, SERVICE)),
            float(PRAISE in asked.kinds and not asked.asks),
        )

    def is_about(self, asked: Asked, at: int, score: float, weights: Weights) -> bool:
        """Say whether the sheet of that number is about what is asked, as far as can be told."""
        evidence = zip(EVIDENCE, self.evidence(asked, at, score), strict=True)
        helps = weights.bias + sum(weights.evidence[name] * value for name, value in evidence)
        return log_likely(helps) + WANTED * log_likely(asked.wants) >= weights.threshold


def log_likely(evidence: Any) -> Any:
    """Give the logarithm of the likelihood that evidence (log-odds) makes."""
    return -np.logaddexp(0.0, -evidence)


def _said(kinds: Iterable[str]) -> float:
    return sum(map(rarity, sorted(kinds)))


def _of(kinds: Iterable[str], role: str) -> set[str]:
    return {kind for kind in kinds if kind.startswith(role)}


def _things(kinds: Iterable[str]) -> tuple[str, ...]:
    """Leave out what tells how somebody was received, or asks."""
    return tuple(kind for kind in kinds if kind.startswith((SUBJECT, SIDE)))


def _whole(passages: Sequence[Passage], title: Terms, own: Sequence[Terms]) -> Terms:
    headings = dict.fromkeys(heading for passage in passages for heading in passage.get("where") or ())
    return _together([title, *map(terms_of, [passages[0].get("theme") or "", *headings]), *own])


def _together(parts: Iterable[Terms]) -> Terms:
    stems, kinds = zip(*parts, strict=True) if (parts := [*parts]) else ((), ())
    return Terms(tuple(chain(*stems)), tuple(chain(*kinds)))


def _all(terms: Terms) -> tuple[str, ...]:
    return terms.stems + _things(terms.kinds)


def _is_of(network: tuple[str, ...], bodies: Iterable[tuple[str, ...]]) -> bool:
    """Say whether the name of a body holds that of a network, or is held in it: "Caf du Tarn", "France Travail"."""
    return any(holds_run(body, network) or holds_run(network, body) for body in bodies)


def _words(name: str) -> tuple[str, ...]:
    return tuple(map(stem, words(name)))


def joined(texts: Iterable[str | None]) -> str:
    return " . ".join(filter(None, texts))
