"""Lay out one item: every system's draft, its differing words and its findings marked in the text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from eval import measures
from eval.browse.filters import Filters
from eval.browse.inputs import Browsed, Failure
from eval.browse.items import Item
from eval.browse.passages import grounded
from plume.checks.quoted import locate
from plume.french.text import count_words
from plume.page.marked_text import Passage, mark
from plume.page.word_differences import differing_words

REPLY, NONE = "reply", "none"  # what words are compared with, beside a system


@dataclass(frozen=True)
class Found:
    """A check that a draft fails: its label, what was found, by which rules, and whether the other one passes it."""

    label: str
    detail: str
    rules: tuple[str, ...]
    lost: bool


@dataclass(frozen=True)
class Side:
    """One system's draft of an item, marked; `facts` say how far its facts are grounded.

    `alike` is False where words differ too much to be marked, else None.
    """

    name: str
    text: Markup | None
    error: str
    words: int
    found: list[Found]
    facts: list[tuple[str, str]]
    alike: bool | None


def against(filters: Filters, systems: int) -> str:
    """Say what words are compared with: by default the first of several systems, the published reply of one."""
    usual = "0" if systems > 1 else REPLY
    return filters.against if filters.against in (REPLY, NONE) or _within(filters.against, systems) else usual


def _within(place: str, systems: int) -> bool:
    return place.isdigit() and int(place) < systems


def sides(item: Item, browsed: Browsed, filters: Filters) -> tuple[Markup, list[Side]]:
    """Give the published reply and each system's side; what only one of two texts says is marked in both."""
    systems = len(browsed.systems)
    other = against(filters, systems)
    reference = {REPLY: item.pair["reply"], NONE: None}.get(other) or None
    if other.isdigit():
        reference = item.drafts[int(other)]
    compared = [n for n in range(systems) if str(n) != other and reference and item.drafts[n]]
    differing = {n: differing_words(reference, item.drafts[n]) for n in compared}
    left = next(iter(differing.values()), None) if len(compared) == 1 else None  # of several, whose words are gone?
    gone = left[0] if left else []
    made = []
    for n in range(systems):
        here = gone if str(n) == other else differing[n][1] if differing.get(n) else []
        tag = "del" if str(n) == other else "ins"
        draft = item.drafts[n]
        text = None if draft is None else mark(draft, passages(draft, item.failed[n]), here, tag)
        alike = False if n in differing and differing[n] is None else None
        made.append(_side(item, browsed, n, text, alike))
    return mark(item.pair["reply"] or "", words=gone if other == REPLY else [], tag="del"), made


def _side(item: Item, browsed: Browsed, n: int, text: Markup | None, alike: bool | None) -> Side:
    lost = item.lost(n) if n else frozenset()
    found = [Found(measures.find(m).label, f.detail, f.rules, m in lost) for m, f in item.failed[n].items()]
    error = browsed.systems[n].drafts.rows.get(item.id, {}).get("error", "")
    facts = [*grounded(item, browsed, n)]
    return Side(browsed.systems[n].name, text, error, count_words(item.drafts[n] or ""), found, facts, alike)


def passages(draft: str, failed: Mapping[str, Failure]) -> Iterator[Passage]:
    """Find in a draft what its findings quote, with the rule's name."""
    for failure in failed.values():
        for text, names in failure.passages:
            yield from locate(draft, text, names)
