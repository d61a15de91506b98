"""Finds the passages of official sources that may help to answer a review; none where nothing is near enough.

Sheets are scored first (`index`), then the passages of the best. Deterministic: equal scores go by id.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from plume.french.similar import similarity
from plume.passages import Passage
from plume.sources.index import Index

OF_A_SHEET = 2  # passages at most
NEAR_DUPLICATE = 0.8  # Jaccard similarity of word triples
THRESHOLD = 6.0
REPLY = "reply"  # kind of a passage that is a published reply


class Finder:
    """The passages of a sources folder, indexed at the first question."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._sheets: dict[str, list[Passage]] = {}
        for passage in sorted(passages, key=_place):
            self._sheets.setdefault(passage["sheet"], []).append(passage)
        self._passages = [passage for of_sheet in self._sheets.values() for passage in of_sheet]
        self._by_id = {passage["id"]: passage for passage in self._passages}

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a sources folder. Raises InputError if it is none, or was changed."""
        from plume.sources.folder import read

        return cls(read(folder))

    def prepare(self) -> None:
        """Build the index now, for a server whose first question must not wait for it."""
        if self._passages:
            _ = self._index

    def describe(self) -> dict[str, Any]:
        """Say what decides which passages are found, for fingerprints."""
        digest = hashlib.sha256()
        for passage in self._passages:
            digest.update(json.dumps(passage, ensure_ascii=False, sort_keys=True).encode() + b"\n")
        return {
            "passages": len(self._passages),
            "sha256": digest.hexdigest(),
            "libraries": [f"{name} {version(name)}" for name in ("bm25s", "PyStemmer")],
            "threshold": THRESHOLD,
        }

    def find(
        self, case: Mapping[str, Any], k: int = 3, *, drop: Collection[str] = (), keep: Collection[str] = ()
    ) -> list[Passage]:
        """Give at most `k` passages: those to keep, in their order, then the best of the nearest sheets."""
        found = [self._by_id[one] for one in dict.fromkeys(keep) if one in self._by_id and one not in drop][:k]
        for passage in self._ranked(case):
            if len(found) >= k:
                break
            if passage["id"] not in drop and _may_join(passage, found) and not _is_own(passage, case):
                found.append(passage)
        return found

    @cached_property
    def _index(self) -> Index:
        return Index(list(self._sheets.values()))

    def _ranked(self, case: Mapping[str, Any]) -> Iterator[Passage]:
        if not self._passages:
            return
        scores = self._index.score(case)
        of_sheet = np.repeat(scores.sheets, [len(passages) for passages in self._sheets.values()])
        whole = of_sheet + 0.1 * scores.passages
        for at in np.argsort(-whole, kind="stable"):
            if of_sheet[at] < THRESHOLD:
                return
            yield self._passages[at]


def _place(passage: Passage) -> tuple[str, int, str]:
    number = passage["id"].rpartition("#")[2]
    return passage["sheet"], int(number) if number.isdecimal() else 0, passage["id"]


def _may_join(passage: Passage, found: list[Passage]) -> bool:
    if sum(other["sheet"] == passage["sheet"] for other in found) >= OF_A_SHEET:
        return False
    return not any(similarity(passage["text"], other["text"]) >= NEAR_DUPLICATE for other in found)


def _is_own(passage: Passage, case: Mapping[str, Any]) -> bool:
    """Say whether a passage is a reply to the case's own experience, or says nearly what its review or reply does."""
    if passage["kind"] != REPLY:
        return False
    if case.get("id") and passage["sheet"].rpartition("-")[0] == str(case["id"]).rpartition("-")[0]:
        return True
    texts = (case.get(key) for key in ("review", "reply"))
    return any(similarity(passage["text"], text) >= NEAR_DUPLICATE for text in texts if text)
