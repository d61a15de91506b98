"""Find test items that are near-duplicates of a training item: exactly, by rare word triples first. Pure.

Two texts whose triples are alike by `threshold` or more (Jaccard, `plume.french.similar`) share one of their rarest
triples: of a text with m triples, one of its m - ⌈threshold·m⌉ + 1 rarest (Chaudhuri, Ganti and Kaushik 2006). Only
those are looked up, and what is found is compared in full, so nothing is missed and 700 × 10,000 pairs take seconds.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from plume.french.similar import triples

COLUMNS = ("review", "reply")


def near_duplicates(
    held: Iterable[Mapping[str, Any]], others: Iterable[Mapping[str, Any]], threshold: float
) -> dict[str, str]:
    """Map each held pair whose review or reply is nearly another pair's to the first such pair, id to id.

    Args:
        held, others: pairs; `others` is read once, one at a time.
        threshold: Jaccard similarity of word triples, 0 to 1, from which two texts are near-duplicates.
    """
    held = list(held)
    indexes = [_Index([pair[column] for pair in held], threshold) for column in COLUMNS]
    found: dict[str, str] = {}
    for other in others:
        for column, index in zip(COLUMNS, indexes, strict=True):
            for place in index.near(other[column]):
                found.setdefault(held[place]["id"], other["id"])
                for each in indexes:
                    each.drop(place)
    return found


class _Index:
    """Finds texts by their rarest triples."""

    def __init__(self, texts: list[str], threshold: float) -> None:
        self._threshold = threshold
        self._triples = [triples(text) for text in texts]
        self._frequency = Counter(t for found in self._triples for t in found)
        self._by_triple: dict[str, set[int]] = defaultdict(set)
        for place, found in enumerate(self._triples):
            for triple in self._rarest(found):
                self._by_triple[triple].add(place)

    def near(self, text: str) -> list[int]:
        """List the places of the texts that are near-duplicates of this one."""
        found = triples(text)
        candidates: set[int] = set()
        for triple in self._rarest(found):
            candidates |= self._by_triple.get(triple, set())
        return [place for place in sorted(candidates) if _alike(found, self._triples[place]) >= self._threshold]

    def drop(self, place: int) -> None:
        """Stop looking for this text."""
        for triple in self._rarest(self._triples[place]):
            self._by_triple[triple].discard(place)

    def _rarest(self, found: frozenset[str]) -> list[str]:
        # Triples that no held text has come first: a text that is mostly made of them is settled at once.
        wanted = len(found) - math.ceil(self._threshold * len(found) - 1e-9) + 1
        unknown = [t for t in found if t not in self._frequency]
        if len(unknown) >= wanted:
            return []
        known = sorted((t for t in found if t in self._frequency), key=lambda t: (self._frequency[t], t))
        return known[: wanted - len(unknown)]


def _alike(left: frozenset[str], right: frozenset[str]) -> float:
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)
