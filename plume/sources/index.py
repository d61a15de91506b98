"""Scores the sheets of a sources folder for a review: word by word (BM25), field by field, and by the kinds they name.

Fields are the title, the headings and the text. What all reviews hold tells little: a term weighs less, the more
reviews hold it.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from plume.french.text import fold
from plume.passages import Passage
from plume.sources.terms import Terms, terms_of

_BM25 = {"method": "lucene", "k1": 1.2, "b": 0.75}
FEATURES = ("title", "title_kinds", "headings", "text", "kinds", "same_network", "other_network","asked_title","asked_title_kinds","all","all_title")
WEIGHTS = dict(zip(FEATURES, (1.0, 1.0, 0.5, 1.0, 0.5, 2.0, -1.0,0,0,0,0), strict=True))
POWER=1
FLOOR=0.002
@cache
def shares():
    return json.load(open("/work/scratch/find/bg.json"))
@cache
def weight(term):
    return (math.log(max(shares().get(term,0),FLOOR))/math.log(FLOOR))**POWER

class Field:
    """BM25 over one list of terms a document; a document or a review without any scores nothing."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        from bm25s import BM25
        from scipy.sparse import csc_array

        index = BM25(**_BM25)
        index.index([list(document) or [""] for document in documents], show_progress=False)
        held = index.scores
        shape = (len(documents), len(held["indptr"]) - 1)
        self._scores = csc_array((held["data"], held["indices"], held["indptr"]), shape=shape)
        self._known = {k:v for k,v in index.vocab_dict.items() if v<shape[1]}

    def scores(self, terms: Sequence[str]) -> np.ndarray:
        """Score each document for some different terms."""
        known = [self._known[term] for term in terms if term in self._known]
        if not known: return np.zeros(self._scores.shape[0])
        return self._scores[:, known].sum(1)


class Index:
    """The fields of some sheets, each a list of its passages."""

    def __init__(self, sheets: Sequence[Sequence[Passage]]) -> None:
        first = [passages[0] for passages in sheets]
        titles = [terms_of(passage["title"]) for passage in first]
        headings = [terms_of(_joined({word: 0 for p in ps for word in p.get("where") or ()})) for ps in sheets]
        texts = [
            terms_of(_joined([ps[0].get("theme") or "", *(p["text"] for p in ps)])) for ps in sheets
        ]
        self._title, self._title_kinds = Field([t.stems for t in titles]), Field([t.kinds for t in titles])
        self._headings, self._text = Field([t.stems for t in headings]), Field([t.stems for t in texts])
        self._kinds = Field([(*t.kinds, *h.kinds, *i.kinds) for t, h,i in zip(texts, headings,titles, strict=True)])
        self._all=Field([(*t.stems,*h.stems,*i.stems) for t,h,i in zip(texts,headings,titles)])
        self._networks = np.array([fold(passage.get("network") or "") for passage in first])
        self._passages = Field([(*t.stems, *t.kinds) for ps in sheets for p in ps for t in [terms_of(_joined([*(p.get("where") or ()), p["text"]]))]])

    def score(self, case: Mapping[str, Any]):
        asked = _asked(case)
        return self.features(case) @ np.array([*WEIGHTS.values()]), self._passages.scores([*asked.stems, *asked.kinds])

    def features(self, case: Mapping[str, Any]) -> np.ndarray:
        """Give a row of FEATURES for each sheet."""
        asked = _asked(case)
        title = terms_of(case.get("title") or "")
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
                self._text.scores(list(dict.fromkeys(title.stems))),
                self._kinds.scores(list(dict.fromkeys(title.kinds))),
                self._all.scores(asked.stems),
                self._all.scores(list(dict.fromkeys(title.stems))),
            ]
        )


def _asked(case: Mapping[str, Any]) -> Terms:
    read = terms_of(_joined([case.get("title") or "", case["review"]]))
    return Terms(tuple(dict.fromkeys(read.stems)), tuple(dict.fromkeys(read.kinds)))


def _joined(texts: Iterable[str]) -> str:
    return " . ".join(filter(None, texts))
