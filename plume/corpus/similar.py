"""Near-duplicates: texts whose word triples overlap, found by MinHash and verified exactly.

MinHash bands propose candidates, and every candidate is then compared in full: what is called a near-duplicate is one.
Two texts at the threshold are proposed, that is share two bands or more, with a probability of at least RECALL; more
similar ones with a higher one still (at the default of 0.8, 25 bands of 5 rows: 0.9994; at 0.9, 1 - 1e-8). Asking for
two bands instead of one leaves out five in six of the pairs of similarity 0.4 that share a common opening.
"""

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from plume.french.similar import triples

if TYPE_CHECKING:
    from datasketch import MinHash

RECALL = 0.99
PERMUTATIONS = 128
_SHARED = 2


@cache
def scheme(threshold: float) -> tuple[int, int, int]:
    """Choose (bands, rows a band, bands that candidates share): the strictest that reaches RECALL at the threshold.

    With p = threshold ** rows, the chance that one band agrees, candidates are missed with a probability of
    (1 - p) ** bands + bands * p * (1 - p) ** (bands - 1).
    """
    for rows in range(PERMUTATIONS // _SHARED, 0, -1):
        bands, p = PERMUTATIONS // rows, threshold**rows
        if 1 - (1 - p) ** bands - bands * p * (1 - p) ** (bands - 1) >= RECALL:
            return bands, rows, _SHARED
    raise ValueError(f"no bands for a threshold of {threshold}; give 0.3 or more")


def band_keys(text: str, threshold: float) -> list[int]:
    """Give one integer (64 bits, signed) a band."""
    bands, rows, _ = scheme(threshold)
    signature = _empty().copy()
    signature.update_batch([t.encode() for t in triples(text)])
    data = signature.hashvalues[: bands * rows].astype("<u8").tobytes()
    # Every band is hashed with its number, so that one table can hold them all.
    keys = (hashlib.blake2b(bytes([i]) + data[8 * rows * i : 8 * rows * (i + 1)], digest_size=8) for i in range(bands))
    return [int.from_bytes(key.digest(), "little", signed=True) for key in keys]


@cache
def _empty() -> "MinHash":
    from datasketch import MinHash  # brings scipy, which most commands do without

    return MinHash(PERMUTATIONS, seed=1)
