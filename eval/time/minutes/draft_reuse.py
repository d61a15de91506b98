"""Count what became of the drafts: how like them the published replies are, how many were kept, the agents' votes.

The platform's similarity (0 to 100) is the only trace of a draft in the export; how it is computed is not published.
A draft without one was proposed and nothing more is known: it is counted, and in no share.
"""

import numpy as np

from eval.stats.studentised import DRAWS, mean_of, share
from eval.time.measurement import DESCRIPTIVE, LEAST_RECORDS, Measurement, make, values_of
from eval.time.waits.from_export import Waits
from eval.time.waits.levels import months, structures

AS_IS, DISCARDED = 98, 50  # conventions: from here on kept as it was; below, written anew

KINDS = ("as_is", "edited", "discarded")


def kind_of(similarity: np.ndarray) -> np.ndarray:
    """Find the index in KINDS of each draft."""
    return np.where(similarity >= AS_IS, 0, np.where(similarity >= DISCARDED, 1, 2))


def drafted(waits: Waits) -> np.ndarray:
    """Mask the published replies whose likeness to an AI draft is known."""
    return waits.replied & np.isfinite(waits.similarity)


def similarity(waits: Waits, draws: int = DRAWS) -> list[Measurement]:
    """Average similarity of all, by month, and by structure with LEAST_RECORDS drafts."""
    known = waits.where(drafted(waits))
    if not len(known):
        return []
    rows = [_mean(known, "all", known.structure, draws)]
    for name, mask in months(known):
        rows.append(_mean(part := known.where(mask), name, part.structure, draws))
    for name, mask in structures(known):
        rows.append(_mean(part := known.where(mask), name, np.arange(len(part)), 0))
    return rows


def _mean(waits: Waits, group: str, cluster: np.ndarray, draws: int) -> Measurement:
    found = mean_of(waits.similarity, cluster, 100.0, draws)
    span = found.interval() if len(waits) >= LEAST_RECORDS else None
    span = (max(0.0, span[0]), min(100.0, span[1])) if span else None
    return make("similarity", group, "level", found.value, span, len(waits), DESCRIPTIVE)


def fates(waits: Waits, draws: int = DRAWS) -> dict:
    """Count drafts kept, edited and discarded, and agents' "utile" votes, with what is behind both: JSON values."""
    known = waits.where(drafted(waits))
    kinds = kind_of(known.similarity)
    rated = waits.where(waits.agent_vote >= 0)

    def row(name: str, flag: np.ndarray, cluster: np.ndarray) -> dict:
        return {"group": name, **values_of(share(flag.astype(float), cluster, draws)), "n": len(flag)}

    return {
        "offered": int((waits.offered == 1).sum()),
        "with_similarity": len(known),
        "as_is_from": AS_IS,
        "discarded_below": DISCARDED,
        "shares": [row(name, kinds == i, known.structure) for i, name in enumerate(KINDS)],
        "agents_useful": row("useful", rated.agent_vote == 1, rated.structure),
    }
