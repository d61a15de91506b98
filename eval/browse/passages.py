"""Lay out what the systems were shown beside an item's review: passages of sources, and which drafts cite them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from eval.browse.inputs import Browsed
from eval.browse.items import Item
from eval.grounding import ground
from eval.measures import MEASURES, OF_SOME
from plume.contacts import Directory
from plume.passages import citations
from plume.prompt import load_prompt


@dataclass(frozen=True)
class SourceShown:
    """A passage, and to which systems it was shown: the name, the number there, whether the draft cites it."""

    passage: Mapping[str, Any]
    shown: tuple[tuple[str, int, bool], ...]


def sources_shown(item: Item, browsed: Browsed) -> list[SourceShown]:
    """List the passages of the pair, then those that only a system was shown, each once."""
    passages = {p["id"]: p for p in item.pair.get("sources") or ()}
    places: dict[str, list[tuple[str, int, bool]]] = {}
    for system in browsed.systems:
        row = system.drafts.rows.get(item.id, {})
        cited = {number for _, _, numbers in citations(row.get("draft") or "") for number in numbers}
        for number, passage in enumerate(row.get("sources") or (), 1):
            passages.setdefault(passage["id"], passage)
            places.setdefault(passage["id"], []).append((system.name, number, number in cited))
    return [SourceShown(passage, tuple(places.get(key, ()))) for key, passage in passages.items()]


def grounded(item: Item, browsed: Browsed, n: int) -> Iterator[tuple[str, str]]:
    """Say how far the facts of a system's draft are grounded: labels and what was counted; none without facts."""
    drafts, draft = browsed.systems[n].drafts, item.drafts[n]
    if draft is None:
        return
    found = ground(
        draft, item.pair, load_prompt(drafts.meta["system"]["prompt"]), _directory(), drafts.shown(item.pair)
    )
    for measure in (MEASURES[name] for name in OF_SOME):
        if value := measure.read(found):
            yield measure.label, value.detail or ""


@cache
def _directory() -> Directory:
    return Directory.load()
