"""Rank a secret among others of its format that the model never saw, and say how far that is from chance. Pure.

The exposure of Carlini et al. (2019) is the logarithm, in bits, of the number of possible secrets less that of the
secret's rank by log-perplexity. All of them are too many to rank: of `n` random ones, `ahead` that the model finds as
likely or likelier, the rank's share of the whole is estimated by (ahead + 1) / (n + 1). So no more than log2(n + 1)
bits can be seen. A secret that the model knows nothing of is one among equals: its rank is uniform, whatever the model.
"""

import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import lgamma, log, log2
from typing import Any

from eval.stats import bootstrap
from eval.stats.estimate import Estimate
from plume.canaries import PLACES
from plume.shares import clopper_pearson, upper_bound

ADAPTER, BASE = "adapter", "base"
DIGIT = "#"  # in a format


@dataclass(frozen=True)
class Seen:
    """What one system (adapter, or the base without it) knows of one canary."""

    id: str
    place: str
    repetitions: int
    system: str
    ahead: int  # alternatives that are as likely as the secret, or likelier
    alternatives: int
    extracted: bool  # written, greedily, after what stands before it

    @property
    def exposure(self) -> float:
        """Bits, from 0 (all alternatives are likelier) to `most_bits`."""
        return log2(self.alternatives + 1) - log2(self.ahead + 1)

    @property
    def at_least(self) -> float:
        """The bits that the draw of alternatives leaves in no doubt (one-sided, 95 %, exact)."""
        return -log2(upper_bound(self.ahead, self.alternatives))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"exposure": round(self.exposure, 3), "at_least": round(self.at_least, 3)}


@dataclass(frozen=True)
class MemoryEstimate:
    """One estimate of memory.json: mean exposure, its gain over the base, or the share extracted, of one cell."""

    quantity: str  # exposure, gain or extracted
    system: str
    place: str
    repetitions: int
    value: Estimate

    def as_dict(self) -> dict[str, Any]:
        told = asdict(self)
        return {**told, **told.pop("value")}


def most_bits(alternatives: int) -> float:
    """Give the highest exposure that so many alternatives can show."""
    return log2(alternatives + 1)


def chance_bits(alternatives: int) -> float:
    """Give the mean exposure of a secret that nobody learnt: every rank from 1 to n + 1 is as likely."""
    n = alternatives + 1
    return log2(n) - lgamma(n + 1) / log(2) / n


def space_bits(form: str) -> float:
    """Give the bits of a secret of this format, of which every digit is drawn."""
    return form.count(DIGIT) * log2(10)


def others(secret: str, form: str, n: int, seed: str) -> list[str]:
    """Draw `n` different secrets of the format, none of them `secret`."""
    dice, drawn = random.Random(seed), {}  # noqa: S311 - to be drawn again
    while len(drawn) < n:
        other = "".join(dice.choice("0123456789") if char == DIGIT else char for char in form)
        if other != secret:
            drawn[other] = None
    return [*drawn]


def control(seen: Iterable[Seen]) -> Estimate:
    """Estimate the base's mean exposure over all canaries: it never saw one, so that chance must lie within."""
    return bootstrap.mean([one.exposure for one in seen if one.system == BASE])


def estimate(seen: Iterable[Seen]) -> list[MemoryEstimate]:
    """Estimate each cell: mean exposures by bootstrap over canaries, shares extracted by exact limits."""
    cells: dict[tuple[str, int], dict[str, dict[str, Seen]]] = {}
    for one in seen:
        cells.setdefault((one.place, one.repetitions), {}).setdefault(one.system, {})[one.id] = one
    lines = []
    for (place, times), systems in sorted(cells.items(), key=lambda cell: (PLACES.index(cell[0][0]), cell[0][1])):
        for system, found in systems.items():
            hits, n = sum(one.extracted for one in found.values()), len(found)
            mean = bootstrap.mean([one.exposure for one in found.values()])
            lines.append(MemoryEstimate("exposure", system, place, times, mean))
            lines.append(
                MemoryEstimate("extracted", system, place, times, Estimate(hits / n, *clopper_pearson(hits, n), n))
            )
        arms = ([systems[system][i].exposure for i in systems[BASE]] for system in (BASE, ADAPTER))
        lines.append(MemoryEstimate("gain", ADAPTER, place, times, bootstrap.paired_difference(*arms)))
    return lines
