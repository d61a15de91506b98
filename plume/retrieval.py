"""Past replies to similar reviews of the same network: what a model can be shown instead of being fine-tuned.

BM25 over the training reviews of each network, built at the first question and kept in memory. Deterministic: equal
scores go by id.
"""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from plume.checks.placeholders import placeholders
from plume.corpus.dataset import Pair, read_manifest, read_split
from plume.corpus.split import experience_of
from plume.french.similar import similarity
from plume.french.text import fold, words
from plume.marks import PSEUDONYM
from plume.prompt import EXAMPLES

NEAR_DUPLICATE = 0.8  # Jaccard similarity of word triples, where the dataset's manifest names no other
_BM25 = {"method": "lucene", "k1": 1.5, "b": 0.75}
_READ = ("id", "network", "structure", "title", "review", "reply")  # what an example is found by and shows


class Retriever:
    """The past pairs that may be shown as examples.

    A pair is left out if its reply holds a placeholder that its own review does not (`[AGENT_1]`, `[TEL]`): it would
    show the model what drafts must not do.
    """

    def __init__(self, pairs: Iterable[Pair], *, near_duplicate: float = NEAR_DUPLICATE) -> None:
        self.near_duplicate = near_duplicate
        self._by_scope: dict[str, list[Pair]] = {}
        for pair in sorted(pairs, key=lambda p: p["id"]):
            if _scope(pair) and not _borrows(pair):
                self._by_scope.setdefault(_scope(pair), []).append(pair)
        self._index = cache(self._make_index)

    @classmethod
    def load(cls, data: str | Path) -> Self:
        """Over the training split of a dataset folder. Raises InputError if the folder is none."""
        manifest = read_manifest(data)
        select = manifest.get("config", {}).get("select", {})
        return cls(read_split(data, "train"), near_duplicate=select.get("near_duplicate", NEAR_DUPLICATE))

    def describe(self) -> dict[str, Any]:
        """What decides which examples are found and how they are shown, for fingerprints."""
        digest = hashlib.sha256()
        for scope in sorted(self._by_scope):
            for pair in self._by_scope[scope]:
                digest.update(json.dumps([pair.get(key) for key in _READ], ensure_ascii=False).encode() + b"\n")
        return {
            "pairs": sum(len(pairs) for pairs in self._by_scope.values()),
            "sha256": digest.hexdigest(),
            "near_duplicate": self.near_duplicate,
            "library": f"bm25s {version('bm25s')}",
            "bm25": dict(_BM25),
            "instruction_sha256": hashlib.sha256(EXAMPLES.encode()).hexdigest(),
        }

    def prepare(self) -> None:
        """Build every index now, for a server whose first question must not wait for it."""
        for scope in self._by_scope:
            self._index(scope)

    def similar(self, pair: Pair, k: int) -> list[Pair]:
        """At most `k` past pairs of the same network (of the same structure where none is named), most similar first.

        Each shares a word with the review or its title. None is of the same experience, nor a near-duplicate of `pair`
        by review or reply (`reply` may be absent), nor of one that is shown before it.
        """
        scope, query = _scope(pair), _tokens(pair)
        if k < 1 or scope not in self._by_scope or not query:
            return []
        scores = self._index(scope).get_scores(query)
        order = np.lexsort((np.arange(len(scores)), -scores))  # candidates are in the order of their ids
        found: list[Pair] = []
        for at in order[: int((scores > 0).sum())]:
            past = self._by_scope[scope][at]
            if not any(self._is_near(past, other) for other in (pair, *found)):
                found.append(past)
                if len(found) == k:
                    break
        return found

    def _is_near(self, past: Pair, other: Pair) -> bool:
        if "id" in other and experience_of(past["id"]) == experience_of(other["id"]):
            return True
        texts = [(past[key], other.get(key)) for key in ("review", "reply")]
        return any(similarity(a, b) >= self.near_duplicate for a, b in texts if a and b)

    def _make_index(self, scope: str) -> Any:
        from bm25s import BM25

        index = BM25(**_BM25)
        index.index([_tokens(pair) for pair in self._by_scope[scope]], show_progress=False)
        return index


def _scope(pair: Pair) -> str:
    return fold(pair.get("network") or pair.get("structure") or "").strip()


def _tokens(pair: Pair) -> list[str]:
    """Words without case and accents. Frequent words weigh little in BM25: no list of them is needed."""
    return words(fold(f"{pair.get('title') or ''} {pair['review']}"))


def _borrows(pair: Pair) -> bool:
    given = f"{pair.get('title') or ''} {pair['review']} {PSEUDONYM}"
    return any(slot not in given for slot in placeholders(pair["reply"]))
