"""Rank systems by the blind comparisons of their drafts, with intervals that hold for all pairs together."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from eval.stats.estimate import Estimate
from eval.study.analysis.quality import share_won
from eval.study.records import Rating


@dataclass(frozen=True)
class Duel:
    """Holds the share of comparisons that `one` wins over `other`, ties halved, corrected for the number of pairs."""

    one: str
    other: str
    won: Estimate


def ranked(ratings: Iterable[Rating], *, confidence: float = 0.95) -> tuple[list[tuple[str, float, int]], list[Duel]]:
    """Give systems, best first, by their mean share over opponents, with how often each was judged; and the duels."""
    pairs: dict[tuple[str, str], list[Rating]] = defaultdict(list)
    for rating in ratings:
        if rating.kind == "drafts":
            pairs[tuple(sorted((rating.left, rating.right)))].append(rating)
    corrected = 1 - (1 - confidence) / max(1, len(pairs))
    won = {pair: share_won(judged, pair[0], confidence=corrected) for pair, judged in pairs.items()}
    shares: dict[str, list[float]] = defaultdict(list)
    judged: dict[str, int] = defaultdict(int)
    for (one, other), share in won.items():
        for system, value in ((one, share.estimate), (other, 1 - share.estimate)):
            shares[system].append(value)
            judged[system] += share.n
    order = sorted(shares, key=lambda name: (-sum(shares[name]) / len(shares[name]), name))
    duels = [_duel(one, other, won) for one, other in combinations(order, 2) if tuple(sorted((one, other))) in won]
    return [(name, sum(shares[name]) / len(shares[name]), judged[name]) for name in order], duels


def _duel(one: str, other: str, won: dict[tuple[str, str], Estimate]) -> Duel:
    """Tell a pair with the better system first."""
    if (one, other) in won:
        return Duel(one, other, won[one, other])
    found = won[other, one]
    lower, upper = (None if bound is None else 1 - bound for bound in (found.upper, found.lower))
    return Duel(one, other, Estimate(1 - found.estimate, lower, upper, found.n, found.n_error))
