"""Scores the sheets of a sources folder for a review: word by word (BM25), field by field, and by the kinds they name.

Fields are the title, the headings and the text. `weights.json` says what each counts; `benchmarks/sources.py` made it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from plume.french.text import fold
from plume.passages import Passage
from plume.sources.terms import Terms, terms_of

_BM25 = {"method": "lucene", "k1": 1.2, "b": 0.75}
FEATURES = ("title", "title_kinds", "headings", "text", "kinds", "same_network", "other_network")
WEIGHTS = dict(zip(FEATURES, (1.0, 1.0, 0.5, 1.0, 0.5, 2.0, -1.0), strict=True))


class Scores(NamedTuple):
    """What a review makes of an index: a score for each sheet and each passage, in the index's order."""

    sheets: np.ndarray
    passages: np.ndarray


class Field:
    """BM25 over one list of terms a document; a document or a review without any scores nothing."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        from bm25s import BM25

        self._index = BM25(**_BM25)
        self._index.index([list(document) or [""] for document in documents], show_progress=False)

    def scores(self, terms: Sequence[str]) -> np.ndarray:
        """Score each document for some different terms."""
        known = self._index.get_tokens_ids(list(terms))
        return self._index.get_scores_from_ids(known) if known else np.zeros(self._index.scores["num_docs"])


class Index:
    """The fields of some sheets, each a list of its passages."""

    def __init__(self, sheets: Sequence[Sequence[Passage]]) -> None:
        first = [passages[0] for passages in sheets]
        titles = [terms_of(passage["title"]) for passage in first]
        headings = [
            terms_of(_joined({word: 0 for p in passages for word in p.get("where") or ()})) for passages in sheets
        ]
        texts = [
            terms_of(_joined([one.get("theme") or "", *(p["text"] for p in passages)]))
            for one, passages in zip(first, sheets, strict=True)
        ]
        self._title, self._title_kinds = Field([t.stems for t in titles]), Field([t.kinds for t in titles])
        self._headings, self._text = Field([t.stems for t in headings]), Field([t.stems for t in texts])
        self._kinds = Field([(*t.kinds, *h.kinds) for t, h in zip(texts, headings, strict=True)])
        self._networks = np.array([fold(passage.get("network") or "") for passage in first])
        self._passages = Field(
            [
                [*t.stems, *t.kinds]
                for s in sheets
                for p in s
                for t in [terms_of(_joined([*(p.get("where") or ()), p["text"]]))]
            ]
        )

    def score(self, case: Mapping[str, Any]) -> Scores:
        """Score all sheets and passages for a case: its title and its review, and the network that it is of."""

        asked = _asked(case)
        return Scores(
            self.features(case) @ np.array([*WEIGHTS.values()]), self._passages.scores([*asked.stems, *asked.kinds])
        )

    def features(self, case: Mapping[str, Any]) -> np.ndarray:
        """Give a row of FEATURES for each sheet."""

        asked = _asked(case)
        network = fold(case.get("network") or "")
        same = (self._networks == network) & bool(network)
        other = (self._networks != network) & (self._networks != "") & bool(network)
        return np.column_stack(
            [
                self._title.scores(asked.stems),
                self._title_kinds.scores(asked.kinds),
                self._headings.scores(asked.stems),
                self._text.scores(asked.stems),
                self._kinds.scores(asked.kinds),
                same,
                other,
            ]
        )


def _asked(case):
    read = terms_of(_joined([case.get("title") or "", case["review"]]))
    return Terms(tuple(dict.fromkeys(read.stems)), tuple(dict.fromkeys(read.kinds)))


def _joined(texts: Any) -> str:
    return " . ".join(filter(None, texts))
