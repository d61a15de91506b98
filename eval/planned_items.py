"""Run `plume eval plan`: how many reviews a decision by a rule needs, before anyone drafts one.

Each part of the rule is asked apart, then all that must hold at once: the product of the parts' powers, as if they were
independent (parts that win together make it higher). Counts are of independent reviews, by `eval.stats.sample_size`.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval import measures
from eval.probes import read_probes
from eval.rule import GateRule, Judged, rule_sha256
from eval.score import by_measure
from eval.slices import slices_of
from eval.stats import sample_size
from eval.verdict import Levels
from plume.command import say
from plume.corpus.dataset import Pair, read_manifest, read_split
from plume.corpus.split import experience_of
from plume.errors import InputError
from plume.files import read_jsonl

# Of 1,059 faulty gold drafts that no zero tolerance stops, 22 % break promises, the most frequent of their faults; the
# others are rarer (mean 10 %). A single check is expected to differ on this share of the reviews where any does, and to
# gain this share of the gain: in the trials of tests/eval/test_gate_simulated.py that foretells how often all holds.
OF_ONE_CHECK = 0.2
_MOST = 10**7


@dataclass(frozen=True)
class Part:
    """One part of the rule: what must be told apart, and how many independent reviews that takes.

    Attributes:
        discordance: expected share of reviews on which the two systems fare differently; None where it has no say.
        reviews: that the part needs at the wanted power.
        decides: whether a PASS needs it.
        power: to conclude with the split that is there; None without one.
    """

    part: str
    measure: str
    wanted: str
    discordance: float | None
    reviews: int
    decides: bool = True
    power: float | None = None


@dataclass(frozen=True)
class Asked:
    """A paired question of the rule, as `sample_size` takes it."""

    part: str
    measure: str
    wanted: str
    discordance: float
    gap: float
    difference: float
    confidence: float
    decides: bool = True

    def reviews(self, power: float) -> int:
        """Count the reviews for a power."""
        return sample_size.paired_proportions(
            self.discordance, self.gap, self.difference, confidence=self.confidence, power=power
        )

    def power(self, n: float) -> float:
        """Give the power of `n` reviews."""
        return sample_size.power_of(n, self.discordance, self.gap, self.difference, confidence=self.confidence)


@dataclass(frozen=True)
class Split:
    """A test split: pairs, independent reviews, and what the pairs are worth where replies to one review are alike."""

    pairs: int
    independent: int
    effective: float
    slices: Mapping[str, int]

    @classmethod
    def of(cls, pairs: list[Pair], by: Iterable[str]) -> "Split":
        sizes = Counter(experience_of(pair["id"]) for pair in pairs)
        groups: dict[str, set[str]] = {}
        for pair, found in zip(pairs, slices_of(pairs) if pairs else [], strict=True):
            for key in by:
                if key in found:
                    groups.setdefault(f"{key}={found[key]}", set()).add(experience_of(pair["id"]))
        effective = len(pairs) ** 2 / sum(n * n for n in sizes.values()) if pairs else 0.0
        return cls(len(pairs), len(sizes), effective, {name: len(ids) for name, ids in sorted(groups.items())})


def plan(
    gate: Path,
    gain: float,
    *,
    data: Path | None = None,
    discordance: float | None = None,
    check_discordance: float | None = None,
    like: Path | None = None,
    power: float | None = None,
    challengers: int = 1,
) -> dict[str, Any]:
    """Count the reviews that a challenger better by `gain` needs to pass with probability `power`.

    Args:
        gate: the rule.
        gain: the true gain on the primary measure, a difference of shares.
        data: a dataset folder whose test split is held against the count.
        discordance: share of reviews on which the two systems are expected to fare differently on the primary measure.
        check_discordance: the same of any single guardrail; by default `OF_ONE_CHECK` of the former.
        like: the folder of an earlier verdict, whose systems differed as much on each measure.
        power: by default the rule's.
        challengers: how many are judged in one comparison; the primary then is counted by Bonferroni, above max-T.

    Raises InputError for an option that cannot be, or a folder that holds no scores.
    """
    rule = GateRule.load(gate)
    bounds = 1 - (1 - rule.confidence) / challengers
    levels = Levels(bounds, bounds if challengers > 1 else rule.confidence)
    power = power or rule.power
    if not 0 < gain < 1:
        raise InputError(f"--gain {gain}: give a difference of shares above 0 and under 1, such as 0.05 for 5 points")
    seen = _discordances(like) if like else {}
    of_checks = max(sample_size.DISCORDANCE, gain)
    by_people = rule.primary.measure == measures.PREFERRED
    expected = max(sample_size.CHOSEN, gain) if by_people else of_checks
    primary = discordance or seen.get(rule.primary.measure) or expected
    if primary < gain:
        raise InputError(
            f"--discordance {primary:g}: a gain of {gain:g} needs at least {gain:g} of the reviews to differ"
        )
    single = check_discordance or OF_ONE_CHECK * (of_checks if by_people else primary)
    told = {measures.PREFERRED: sample_size.CHOSEN} | {g.measure: single for g in rule.guardrails if _is_check(g)}
    told |= seen | {rule.primary.measure: primary}
    asked = [*_asked(rule, levels, gain, told)]
    split = None
    if data:
        read_manifest(data)
        split = Split.of(read_split(data, "test"), rule.slices.by)
    least = [*_counted(rule, levels.bounds, split)]
    needed = max([part.reviews for part in least if part.decides and part.part != "probes"])
    needed = together([one for one in asked if one.decides], power, needed)
    parts = [*(_part(one, power, split) for one in asked), *least, *_slices(rule, primary, power, split)]
    return {
        "reviews": needed,
        "power": power,
        "gain": gain,
        "confidence": rule.confidence,
        "challengers": challengers,
        "parts": [asdict(part) for part in parts],
        "split": _held(split, [one for one in asked if one.decides], least, needed) if split else None,
        "inputs": {"gate_sha256": rule_sha256(gate)},
    }


def _is_check(one: Judged) -> bool:
    return one.measure != measures.PREFERRED


def _discordances(folder: Path) -> dict[str, float]:
    """Read from an earlier verdict's scores on which share of items its two systems fared differently."""
    files = [folder / f"{arm}.scores.jsonl" for arm in ("champion", "challenger")]
    if not all(file.is_file() for file in files):
        raise InputError(f"--like {folder}: holds no scores of a verdict; name the --out of a plume eval compare")
    before, after = (by_measure(read_jsonl(file, needs=("id", "measure"))) for file in files)
    found = {}
    for measure in before.keys() & after.keys():
        both = [(value, after[measure].get(i, math.nan)) for i, value in before[measure].items()]
        both = [pair for pair in both if not any(map(math.isnan, pair))]
        found[measure] = sample_size.expected_discordance(sum(a != b for a, b in both), len(both))
    return found


def _asked(rule: GateRule, levels: Levels, gain: float, discordance: Mapping[str, float]) -> Iterable[Asked]:
    """Give the paired questions: the gain, no loss on each guardrail, and the gain that could be excluded."""
    measure, two_sided = rule.primary.measure, (1 + levels.primary) / 2
    wanted = f"a gain of {_points(gain)} is told from none"
    yield Asked("primary", measure, wanted, discordance[measure], gain, gain, two_sided)
    for one in rule.guardrails:
        differs = discordance[one.measure]
        own = min(OF_ONE_CHECK, differs / discordance[measure]) * gain
        wanted = f"a loss of {_points(one.margin)} is excluded"
        yield Asked("guardrail", one.measure, wanted, differs, one.margin + own, own, levels.bounds)
    worth = rule.primary.worthwhile
    wanted = f"no gain: one of {_points(worth)} is excluded"
    yield Asked("no gain", measure, wanted, discordance[measure], -worth, 0.0, two_sided, decides=False)


def together(asked: Iterable[Asked], power: float, least: int = 1) -> int:
    """Count the reviews, `least` or more, with which all questions are concluded at once with this power."""
    asked = [*asked]
    low, high = max(1, least), max(1, least)
    while math.prod(one.power(high) for one in asked) < power and high < _MOST:
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        if math.prod(one.power(middle) for one in asked) < power:
            low = middle + 1
        else:
            high = middle
    return high


def _part(one: Asked, power: float, split: Split | None) -> Part:
    there = one.power(split.effective) if split and split.pairs else None if split is None else 0.0
    return Part(one.part, one.measure, one.wanted, one.discordance, one.reviews(power), one.decides, there)


def _counted(rule: GateRule, confidence: float, split: Split | None) -> Iterable[Part]:
    """Give the parts that only count: integrity, safety without a failure, probes without one obeyed."""

    def there(needed: int) -> float | None:
        return None if split is None else float(split.independent >= needed)

    least = rule.integrity.minimum
    yield Part("integrity", "", "fewest reviews to judge by", None, least, power=there(least))
    if rule.asks_people:
        least = rule.heard.minimum
        wanted = f"fewest reviews that {rule.heard.raters} people or more compare"
        yield Part("people", measures.PREFERRED, wanted, None, least, power=there(least))
    for one in rule.safety:
        needed = sample_size.without_event(one.limit, confidence=confidence)
        wanted = f"without one failure, {one.limit:.2%} is excluded"
        yield Part("safety", one.measure, wanted, None, needed, power=there(needed))
    for measure in rule.probed:
        needed, probes = sample_size.without_event(rule.probes.limit, confidence=confidence), rule.probes.file
        wanted = f"probes, none obeyed: {rule.probes.limit:.2%} is excluded"
        enough = float(len(read_probes(probes)) >= needed)
        yield Part("probes", f"probes:{measure.removeprefix('check:')}", wanted, None, needed, power=enough)


def _slices(rule: GateRule, discordance: float, power: float, split: Split | None) -> Iterable[Part]:
    """Say from how many reviews on a slice is judged, and how many see a loss of twice the margin. No PASS needs it."""
    least, margin = rule.slices.minimum, rule.slices.margin
    judged = [n for n in (split.slices.values() if split else ()) if n >= least]
    if not rule.slices.by:
        return
    reached = f", {len(judged)} of {len(split.slices)} are" if split else ""
    yield Part("slice", rule.primary.measure, f"a slice is judged{reached}", None, least, decides=False)
    level = 1 - (1 - rule.confidence) / max(1, len(judged))
    asked = Asked("slice", rule.primary.measure, "", max(discordance, 2 * margin), -margin, -2 * margin, level)
    needed = asked.reviews(power)
    reached = f", {sum(n >= needed for n in judged)} of {len(judged)} can" if split else ""
    wanted = f"a slice that loses {_points(2 * margin)} is vetoed{reached}"
    yield Part("slice", rule.primary.measure, wanted, asked.discordance, needed, decides=False)


def _held(split: Split, asked: list[Asked], least: list[Part], needed: int) -> dict[str, Any]:
    """Hold the split against the count."""
    chance = math.prod(one.power(split.effective) for one in asked) if split.pairs else 0.0
    if any(part.power == 0 for part in least):
        chance = 0.0
    enough = split.effective >= needed and chance > 0
    return {**asdict(split), "power": chance, "enough": enough, "lacking": max(0, math.ceil(needed - split.effective))}


def _points(share: float) -> str:
    return f"{100 * share:g} points"


def tell(planned: dict[str, Any]) -> None:
    """Print the plan as one small table; parts that need the same are one line."""
    split = planned["split"]
    say(f"{'part':<11}{'reviews':>8}{'differ':>8}{'here':>7}  what must be told apart")
    groups: dict[tuple[Any, ...], list[str]] = {}
    for part in planned["parts"]:
        key = (part["part"], part["reviews"], part["discordance"], part["power"], part["wanted"], part["decides"])
        groups.setdefault(key, []).append(part["measure"])
    for (name, reviews, differ, power, wanted, decides), names in groups.items():
        label = measures.find(names[0]).name if names[0] else ""
        label += f" and {len(names) - 1} more" if len(names) > 1 else ""
        shown = f"{wanted}{f' ({label})' if label else ''}{'' if decides else '; no PASS needs it'}"
        cells = "–" if differ is None else f"{differ:.1%}", "–" if power is None else f"{power:.0%}"
        say(f"{name:<11}{reviews:>8}{cells[0]:>8}{cells[1]:>7}  {shown}")
    here = "–" if split is None else f"{split['power']:.0%}"
    say(f"{'together':<11}{planned['reviews']:>8}{'':>8}{here:>7}  for a PASS with probability {planned['power']:.0%}")
    say(
        f"reviews: independent ones; assumed: the challenger gains {_points(planned['gain'])}, each check its share of "
        "that, and no draft fails safety"
    )
    if split:
        told = "enough" if split["enough"] else f"about {split['lacking']} too few"
        say(
            f"test split: {split['pairs']} pairs of {split['independent']} reviews, worth {split['effective']:.0f} "
            f"independent ones: {told}"
        )
    if any(part["part"] == "probes" and part["power"] == 0 for part in planned["parts"]):
        say("probes: the rule's file holds too few of them; nothing can pass")


def to_json(planned: dict[str, Any]) -> str:
    """Write the plan for machines."""
    return json.dumps(planned, ensure_ascii=False, indent=1, allow_nan=False)
