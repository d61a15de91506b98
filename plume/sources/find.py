"""Finds the passages of official sources that may help to answer a review; none where no sheet is about it.

Sheets are ranked first, then the passages of the nearest. Deterministic: equal scores go by id.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from plume.files import json_sha256
from plume.french.similar import similarity
from plume.passages import Passage
from plume.sources import folder as sources_folder
from plume.sources.cut import number
from plume.sources.index import Asked, Index, Weights, shipped
from plume.sources.terms import VOCABULARY

OF_A_SHEET = 2  # passages at most
NEAR_DUPLICATE = 0.8  # Jaccard similarity of word triples
REPLY = "reply"  # kind of a passage that is a published reply; its sheet is the id of the pair: `<experience>-<n>`


class Finder:
    """The passages of a sources folder, indexed at the first question and kept in memory."""

    def __init__(self, passages: Iterable[Passage], weights: Weights | None = None) -> None:
        self._weights = weights or shipped()
        ordered = sorted(passages, key=lambda passage: (passage["sheet"], number(passage["id"])))
        self._sheets: dict[str, list[Passage]] = {}
        for passage in ordered:
            self._sheets.setdefault(passage["sheet"], []).append(passage)
        self._by_id = {passage["id"]: passage for passage in ordered}

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a sources folder. Raises InputError if it is none, or was changed."""
        return cls(sources_folder.read(folder))

    def prepare(self) -> None:
        """Build the index now, for a server whose first question must not wait for it."""
        self.find({"review": "permis"})

    def describe(self) -> dict[str, Any]:
        """Say what decides which passages are found, for fingerprints."""
        digest = hashlib.sha256()
        for passage in self._by_id.values():
            digest.update(json.dumps(passage, ensure_ascii=False, sort_keys=True).encode() + b"\n")
        return {
            "passages": len(self._by_id),
            "sha256": digest.hexdigest(),
            "libraries": [f"{name} {version(name)}" for name in ("bm25s", "PyStemmer")],
            "weights": json_sha256(self._weights._asdict()),
            "kinds": hashlib.sha256((VOCABULARY / "kinds.tsv").read_bytes()).hexdigest(),
        }

    def find(
        self, case: Mapping[str, Any], k: int = 3, *, drop: Collection[str] = (), keep: Collection[str] = ()
    ) -> list[Passage]:
        """Give at most `k` passages: those to keep in their order, whatever they say, then the best of the rest.

        `case` holds the pseudonymised review, and its title and network where there are any. `drop` and `keep` are ids
        of passages. A published reply never comes for its own experience, nor if it is nearly the review or its reply.
        """
        dropped = frozenset(drop)
        found = [self._by_id[one] for one in dict.fromkeys(keep) if one in self._by_id and one not in dropped][:k]
        for passage in self._ranked(case, dropped) if len(found) < k and self._sheets else ():
            if _may_join(passage, found):
                found.append(passage)
                if len(found) >= k:
                    break
        return found

    @cached_property
    def _index(self) -> Index:
        return Index(list(self._sheets.values()))

    @cached_property
    def _starts(self) -> list[int]:
        """Give the number of each sheet's first passage."""
        return [0, *np.cumsum([len(passages) for passages in self._sheets.values()])]

    def _ranked(self, case: Mapping[str, Any], dropped: frozenset[str]) -> list[Passage]:
        """List the passages of the nearest sheets, the best first; none if the nearest is not about the case."""
        asked, weights = Asked.of(case), self._weights
        scores, own = self._index.scores(asked, weights), self._index.passage_scores(asked)
        ranked: list[tuple[float, str, int, Passage]] = []
        nearest = None
        for at, usable in self._usable(case, dropped, np.argsort(-scores, kind="stable")):
            if nearest is None:
                if not self._index.is_about(asked, at, float(scores[at]), weights):
                    return []
                nearest = scores[at]
            if scores[at] < nearest - weights.within:
                break
            likeness = sorted(((-own[self._starts[at] + n], n, passage) for n, passage in usable), key=lambda x: x[:2])
            for place, (less, n, passage) in enumerate(likeness):
                score = scores[at] - weights.passage * less - weights.second * min(place, 1)
                ranked.append((-float(score), passage["sheet"], n, passage))
        return [passage for *_, passage in sorted(ranked, key=lambda one: one[:3])]

    def _usable(
        self, case: Mapping[str, Any], dropped: frozenset[str], order: Iterable[int]
    ) -> Iterator[tuple[int, list[tuple[int, Passage]]]]:
        """Give sheets in an order, each with the passages that may be shown; those that have one."""
        sheets = list(self._sheets.values())
        for at in order:
            usable = [
                (n, passage)
                for n, passage in enumerate(sheets[at])
                if passage["id"] not in dropped and not _is_own(passage, case)
            ]
            if usable:
                yield int(at), usable


def _may_join(passage: Passage, found: list[Passage]) -> bool:
    if sum(other["sheet"] == passage["sheet"] for other in found) >= OF_A_SHEET:
        return False
    return not any(similarity(passage["text"], other["text"]) >= NEAR_DUPLICATE for other in found)


def _is_own(passage: Passage, case: Mapping[str, Any]) -> bool:
    """Say whether a passage is a reply to the case's own experience, or nearly its review or its reply."""
    if passage["kind"] != REPLY:
        return False
    if case.get("id") and _experience(passage["sheet"]) == _experience(str(case["id"])):
        return True
    texts = (case.get(key) for key in ("review", "reply"))
    return any(similarity(passage["text"], text) >= NEAR_DUPLICATE for text in texts if text)


def _experience(pair_id: str) -> str:
    return pair_id.rpartition("-")[0]
