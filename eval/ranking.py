"""Several challengers at once: how far apart bounds must lie so that none passes by chance, and who ranks where. Pure.

A challenger that deserves no PASS gets one if the part of the rule that it breaks errs. Two challengers may break
different parts, so that only a split of the error holds for all: each limit and margin is judged at
1 - (1 - confidence) / k (Bonferroni). The primary's intervals hold together by max-T, and are no narrower than that.
Every bound is at least as far as that of a challenger alone, and vetoes by slice are judged as for one: who passes
among several would have passed alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import norm

from eval.stats import proportions
from eval.stats.estimate import Estimate
from eval.stats.multiplicity import max_t
from eval.verdict import Levels


@dataclass(frozen=True)
class Ranked:
    """A system's share on the primary measure, its rank, and the ranks that it may have: all hold together."""

    name: str
    share: Estimate
    rank: int
    best: int
    worst: int


@dataclass(frozen=True)
class Gap:
    """`first` less `second`, with an interval that holds together with those of all other pairs."""

    first: str
    second: str
    value: Estimate

    @property
    def told_apart(self) -> bool:
        """Say whether the interval excludes no difference."""
        return self.value.lower is not None and (self.value.lower > 0 or self.value.upper < 0)


@dataclass(frozen=True)
class Ranking:
    """Systems by rank, the differences of all pairs, and the confidence that makes them hold together."""

    systems: tuple[Ranked, ...]
    gaps: tuple[Gap, ...]
    confidence: float  # of each interval alone


def levels_of(differences: Mapping[str, np.ndarray], clusters: list[str], confidence: float) -> Levels:
    """Give the confidences at which each of several challengers is judged.

    `differences`: challenger less champion on the primary measure, by challenger, shape (items,), NaN where not scored.
    """
    bounds = 1 - (1 - confidence) / len(differences)
    critical = max_t(differences, clusters=dict.fromkeys(differences, clusters), confidence=confidence)
    return Levels(bounds, _two_sided(max(critical, float(norm.ppf(bounds)))))


def rank(values: Mapping[str, np.ndarray], clusters: list[str], confidence: float) -> Ranking:
    """Rank systems by their share (items,) of the primary measure, the best first.

    The ranks that a system may have follow from the pairs that are told apart: certainly better ones stand before it,
    certainly worse ones behind (Klein, Wright and Wieczorek 2020). Where none are told apart, any rank may be anyone's.
    """
    shares = {name: proportions.share(of, clusters=clusters, confidence=confidence) for name, of in values.items()}
    places = {name: 1 + sum(_better(other, share) for other in shares.values()) for name, share in shares.items()}
    pairs = [*combinations(sorted(places, key=lambda name: places[name]), 2)]  # the better one first
    differences = {f"{number}": values[a] - values[b] for number, (a, b) in enumerate(pairs)}
    critical = max_t(differences, clusters=dict.fromkeys(differences, clusters), confidence=confidence)
    alone = _two_sided(critical)
    gaps = []
    for a, b in pairs:
        gap = proportions.paired_difference(values[b], values[a], clusters=clusters, confidence=alone)
        gaps.append(Gap(a, b, gap))
    certain = [(g.first, g.second) if g.value.lower > 0 else (g.second, g.first) for g in gaps if g.told_apart]
    ranked = []
    for name, share in shares.items():
        ahead, behind = (sum(pair[side] == name for pair in certain) for side in (1, 0))
        ranked.append(Ranked(name, share, places[name], 1 + ahead, len(values) - behind))
    return Ranking(tuple(sorted(ranked, key=lambda one: one.rank)), tuple(gaps), alone)


def _better(one: Estimate, other: Estimate) -> bool:
    return one.estimate is not None and (other.estimate is None or one.estimate > other.estimate)


def _two_sided(critical: float) -> float:
    return float(2 * norm.cdf(critical) - 1)
