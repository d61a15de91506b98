"""What became of the drafts: their likeness to what was published, the agents' votes, and how many were kept.

The platform's similarity (0 to 100) is the only trace of a draft in the export; how it is computed is not published.
A draft without one was proposed and nothing more is known: it is counted, and in no share.
"""

import numpy as np

from eval.stats.studentised import DRAWS, least_half, ratio_of_sums, share
from eval.time.measurement import DESCRIPTIVE, LEAST_RECORDS, Estimate, make
from eval.time.waits.from_export import Waits

AS_IS, DISCARDED = 98, 50  # conventions: from here on kept as it was; below, written anew

KINDS = ("as_is", "edited", "discarded")


def kind_of(similarity: np.ndarray) -> np.ndarray:
    """Index in KINDS of each draft."""
    return np.where(similarity >= AS_IS, 0, np.where(similarity >= DISCARDED, 1, 2))


def drafted(waits: Waits) -> np.ndarray:
    """Mask of the published replies whose likeness to an AI draft is known."""
    return waits.replied & np.isfinite(waits.similarity)


def similarity(waits: Waits, draws: int = DRAWS) -> list[Estimate]:
    """Mean similarity of all, by month, and by structure with LEAST_RECORDS drafts."""
    known = waits.where(drafted(waits))
    if not len(known):
        return []
    rows = [_mean(known, "all", known.structure, draws)]
    month = known.month
    for m in np.unique(month):
        part = known.where(month == m)
        rows.append(_mean(part, f"month: {m // 12}-{m % 12 + 1:02d}", part.structure, draws))
    sizes = np.bincount(known.structure, minlength=len(known.names))
    for i in np.argsort(-sizes, kind="stable"):
        if sizes[i] < LEAST_RECORDS:
            break
        part = known.where(known.structure == i)
        network, structure = known.names[i]
        rows.append(_mean(part, f"structure: {network} / {structure}", np.arange(len(part)), 0))
    return rows


def _mean(waits: Waits, group: str, cluster: np.ndarray, draws: int) -> Estimate:
    numbers = np.unique(cluster, return_inverse=True)[1]
    n, sums, squares = (np.bincount(numbers, weights=waits.similarity**power) for power in (0, 1, 2))
    found = ratio_of_sums(sums, n, draws, least=least_half(n, sums, squares, n, 100.0))
    span = found.interval() if len(waits) >= LEAST_RECORDS else None
    span = (max(0.0, span[0]), min(100.0, span[1])) if span else None
    return make("similarity", group, "level", found.value, span, len(waits), DESCRIPTIVE)


def fates(waits: Waits, draws: int = DRAWS) -> dict:
    """Shares kept as they were, edited and discarded; agents' "utile" votes; and what is behind both. JSON values."""
    known = waits.where(drafted(waits))
    kinds = kind_of(known.similarity)
    offered = int((waits.offered == 1).sum())
    voted = waits.where(waits.agent_vote >= 0)
    return {
        "offered": offered,
        "with_similarity": len(known),
        "as_is_from": AS_IS,
        "discarded_below": DISCARDED,
        "shares": [_share(name, kinds == i, known.structure, draws) for i, name in enumerate(KINDS)],
        "agents_useful": _share("useful", voted.agent_vote == 1, voted.structure, draws),
    }


def _share(name: str, flag: np.ndarray, cluster: np.ndarray, draws: int) -> dict:
    point, span = share(flag.astype(float), cluster, draws)
    low, high = span or (None, None)
    return {"group": name, "estimate": point, "lower": low, "upper": high, "n": len(flag)}
