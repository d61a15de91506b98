"""Finds the passages of official sources that may help to answer a review; none where no sheet is about it.

Sheets are ranked first, then the passages of the nearest. Deterministic: equal scores go by id.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np

from plume.files import file_sha256, json_sha256
from plume.french.similar import contained, similarity
from plume.passages import REPLY, Passage
from plume.sources import folder as sources_folder
from plume.sources.cut import number
from plume.sources.index import Asked, Index, Weights, shipped
from plume.sources.terms import VOCABULARY

OF_A_SHEET = 2  # passages at most
NEAR_DUPLICATE = 0.8  # Jaccard similarity of word triples


def by_sheet(passages: Iterable[Passage]) -> list[list[Passage]]:
    """Group passages by their sheets, both in the order of their ids."""
    sheets: dict[str, list[Passage]] = {}
    for passage in sorted(passages, key=lambda passage: (passage["sheet"], number(passage["id"]))):
        sheets.setdefault(passage["sheet"], []).append(passage)
    return [*sheets.values()]


class Finder:
    """The passages of a sources folder, indexed at the first question and kept in memory."""

    def __init__(self, passages: Iterable[Passage], weights: Weights | None = None) -> None:
        self._weights = weights or shipped()
        self._sheets = by_sheet(passages)
        self._by_id = {passage["id"]: passage for sheet in self._sheets for passage in sheet}

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a sources folder. Raises InputError if it is none, or was changed."""
        return cls(sources_folder.read(folder))

    def prepare(self) -> None:
        """Build the index now, for a server whose first question must not wait for it."""
        self.find({"review": "permis"})

    def describe(self) -> dict[str, Any]:
        """Say what decides which passages are found, for fingerprints."""
        return {
            "passages": len(self._by_id),
            "sha256": json_sha256([*self._by_id.values()]),
            "libraries": [f"{name} {version(name)}" for name in ("bm25s", "PyStemmer")],
            "weights_sha256": json_sha256(self._weights._asdict()),
            **{f"{name}_sha256": file_sha256(VOCABULARY / f"{name}.tsv") for name in ("kinds", "rarity", "wants")},
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
        if len(found) < k and self._sheets:
            for passage in self._ranked(case, dropped, 10 * k):
                if _may_join(passage, found):
                    found.append(passage)
                    if len(found) == k:
                        break
        return found

    @cached_property
    def _index(self) -> Index:
        return Index(self._sheets)

    @cached_property
    def _starts(self) -> list[int]:
        """Give the number of each sheet's first passage."""
        return [0, *np.cumsum([len(passages) for passages in self._sheets]).tolist()]

    def _ranked(self, case: Mapping[str, Any], dropped: frozenset[str], most: int) -> Iterator[Passage]:
        """Give the passages of the nearest sheets, the best first, then those of published replies: they only fill up.

        Of each, at most so many are looked at; none comes if the nearest is not about the case.
        """
        asked = Asked.of(case)
        scores, own = self._index.scores(asked, self._weights), self._index.passage_scores(asked)
        order = np.argsort(-scores, kind="stable").tolist()
        for replies in (False, True):
            of_kind = (at for at in order if (self._sheets[at][0].get("kind") == REPLY) is replies)
            near = [*islice(self._usable(case, dropped, of_kind), most)]
            if near and self._index.is_about(asked, near[0][0], float(scores[near[0][0]]), self._weights):
                yield from self._of_nearest(near, scores, own)

    def _of_nearest(self, near: list[tuple[int, list[int]]], scores: np.ndarray, own: np.ndarray) -> Iterator[Passage]:
        """Give the passages of the sheets that score nearly as well as the first, by their sheet's score and theirs."""
        weights, ranked = self._weights, []
        for at, usable in near:
            if scores[at] >= scores[near[0][0]] - weights.within:
                likeness = sorted((-float(own[self._starts[at] + n]), n) for n in usable)
                ranked += [
                    (weights.passage * unlike + weights.second * (place > 0) - float(scores[at]), at, n)
                    for place, (unlike, n) in enumerate(likeness)
                ]
        for _, at, n in sorted(ranked):
            yield self._sheets[at][n]

    def _usable(
        self, case: Mapping[str, Any], dropped: frozenset[str], order: Iterable[int]
    ) -> Iterator[tuple[int, list[int]]]:
        """Give the numbers of sheets in an order, each with those of its passages that may be shown, if one may."""
        for at in order:
            usable = [
                n
                for n, passage in enumerate(self._sheets[at])
                if passage["id"] not in dropped and not _is_own(passage, case)
            ]
            if usable:
                yield at, usable


def _may_join(passage: Passage, found: list[Passage]) -> bool:
    if sum(other["sheet"] == passage["sheet"] for other in found) >= OF_A_SHEET:
        return False
    return not any(similarity(passage["text"], other["text"]) >= NEAR_DUPLICATE for other in found)


def _is_own(passage: Passage, case: Mapping[str, Any]) -> bool:
    """Say whether a passage is a reply to the case's own experience, or nearly stands in its review or its reply.

    Replies are published more than once, and a passage is only a part of one.
    """
    if passage.get("kind") != REPLY:
        return False
    if case.get("id") and _experience(passage["sheet"]) == _experience(str(case["id"])):
        return True
    texts = (case.get(key) for key in ("review", "reply"))
    return any(contained(passage["text"], text) >= NEAR_DUPLICATE for text in texts if text)


def _experience(pair_id: str) -> str:
    return pair_id.rpartition("-")[0]
