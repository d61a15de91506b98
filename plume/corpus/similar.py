"""Near-duplicates: texts whose word triples overlap, found by MinHash and verified exactly.

MinHash with 20 bands of 5 rows proposes candidates: two texts of Jaccard similarity 0.8 share a band with a probability
of 1 − (1 − 0.8⁵)²⁰ = 0.9996 (0.9 and more: 1 − 10⁻⁷), and every candidate is then compared in full.
"""

import hashlib
import re
from functools import cache, lru_cache

from datasketch import MinHash

from plume.corpus.pseudonymise.lexicon import fold

BANDS, ROWS = 20, 5
_WORD = re.compile(r"\w+")


@lru_cache(maxsize=4096)
def triples(text: str) -> frozenset[str]:
    """The text's runs of three words, without case and accents; of a shorter text, all its words as one."""
    words = _WORD.findall(fold(text))
    return frozenset(" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2)))


def similarity(a: str, b: str) -> float:
    """Jaccard similarity of two texts' word triples, 0 to 1."""
    left, right = triples(a), triples(b)
    return len(left & right) / len(left | right)


def bands(text: str) -> list[int]:
    """One integer (64 bits, signed) a band: near-duplicates share at least one."""
    signature = _empty().copy()
    signature.update_batch([t.encode() for t in triples(text)])
    rows = signature.hashvalues.astype("<u8").reshape(BANDS, ROWS)
    # Every band is hashed with its number, so that one table can hold them all.
    keys = (hashlib.blake2b(bytes([i]) + row.tobytes(), digest_size=8).digest() for i, row in enumerate(rows))
    return [int.from_bytes(key, "little", signed=True) for key in keys]


@cache
def _empty() -> MinHash:
    return MinHash(BANDS * ROWS, seed=1)
