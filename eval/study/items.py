"""Draw the reviews of a study from a split of a dataset folder, with the drafts that agents would have been shown."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.drafts import Drafts, read_drafts, read_pairs
from eval.integrity import near_learnt
from eval.study.config import StudyConfig
from eval.study.records import Item
from plume.checks.withhold import withhold
from plume.contacts import Directory
from plume.corpus.dataset import Pair, read_manifest
from plume.errors import InputError
from plume.french.similar import similarity
from plume.prompt import load_prompt


@dataclass
class Drawn:
    """Holds the reviews that were drawn, why others were not (reason -> count), and what was withheld from drafts."""

    items: list[Item] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    withheld: int = 0  # drafts in which serving would have put a mark in a passage's place


@dataclass(frozen=True)
class Candidates:
    """Holds the reviews that a study may show: every system drafted them; no training item is like a test review."""

    systems: dict[str, Drafts]
    pairs: list[Pair]
    left_out: Counter[str]


def candidates(config: StudyConfig) -> Candidates:
    """Read dataset and drafts. Raises InputError where they do not belong together."""
    systems: dict[str, Drafts] = {}
    pairs: list[Pair] = []
    for path in config.drafts:
        drafts = read_drafts(path)
        pairs = read_pairs(config.data, drafts, split=config.split)
        if drafts.name in systems:
            raise InputError(
                f"{path}: by {drafts.name}, as {systems[drafts.name].path} is; name one file of drafts for each system"
            )
        systems[drafts.name] = drafts
    left_out: Counter[str] = Counter()
    drafted = [pair for pair in pairs if all(drafts.text(pair["id"]) for drafts in systems.values())]
    left_out["a system has no draft"] = len(pairs) - len(drafted)
    near = set()
    if config.split == "test":
        near = set(near_learnt(drafted, [config.data], [read_manifest(config.data)], config.near_duplicate))
    left_out["near a training item"] = len(near)
    return Candidates(systems, [pair for pair in drafted if pair["id"] not in near], +left_out)


def draw(found: Candidates, n: int, config: StudyConfig) -> Drawn:
    """Draw n reviews, in proportion of networks and sentiments; none is nearly another. Raises InputError."""
    drawn = Drawn(left_out=Counter(found.left_out))
    ordered = _by_stratum(found.pairs, random.Random(config.seed))  # noqa: S311 - a draw that can be repeated
    chosen: list[Pair] = []
    looked_at: set[str] = set()
    for place in range(n):
        at = int(place * len(ordered) / n)
        for pair in (*ordered[at:], *ordered[:at]):  # where a stratum has no more, the next one goes on
            if pair["id"] in looked_at:
                continue
            looked_at.add(pair["id"])
            if _is_new(pair, chosen, config.near_duplicate):
                chosen.append(pair)
                break
            drawn.left_out["near another review"] += 1
        else:
            raise InputError(
                f"{config.data}: {len(chosen)} of its {len(found.pairs)} {config.split} reviews that have drafts can "
                f"be shown, {n} are wanted; give items={len(chosen) // 2 * 2}, or a larger dataset"
            )
    directory = Directory.load()
    for pair in sorted(chosen, key=lambda pair: pair["id"]):
        item, withheld = _item(pair, found.systems, directory)
        drawn.items.append(item)
        drawn.withheld += withheld
    return drawn


def by(items: Iterable[Item], name: str) -> dict[str, int]:
    """Count items by network or sentiment."""
    return dict(sorted(Counter(str(getattr(item, name)) for item in items).items()))


def _by_stratum(pairs: Sequence[Pair], draw: random.Random) -> list[Pair]:
    """Order pairs by network, then sentiment, then a drawn number: every k-th is a draw in proportion."""
    drawn = {pair["id"]: draw.random() for pair in sorted(pairs, key=lambda pair: pair["id"])}
    return sorted(pairs, key=lambda p: (str(p.get("network")), str(p.get("sentiment")), drawn[p["id"]]))


def _is_new(pair: Pair, chosen: Iterable[Pair], threshold: float) -> bool:
    return all(similarity(pair["review"], other["review"]) < threshold for other in chosen)


def _item(pair: Mapping[str, Any], systems: Mapping[str, Drafts], directory: Directory) -> tuple[Item, int]:
    """Give a pair as an item, its drafts as serving would have shown them, and in how many something was withheld."""
    shown, marked = {}, 0
    for name, drafts in systems.items():
        prompt = load_prompt(drafts.meta["system"]["prompt"]).text(drafts.shown(pair))
        shown[name], withheld = withhold(
            str(drafts.text(pair["id"])), review=pair["review"], prompt=prompt, directory=directory
        )
        marked += bool(withheld)
    told = {key: pair.get(key) for key in ("network", "structure", "sentiment", "title")}
    return Item(id=pair["id"], review=pair["review"], drafts=shown, **told), marked
