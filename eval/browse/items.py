"""Hold all items in memory, and choose and order those that a view shows."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eval.browse.filters import MISSING, Filters
from eval.browse.inputs import Browsed, Failure
from eval.browse.notes import Notes
from eval.measures import COPYING
from eval.slices import DIMENSIONS
from plume.checks.registry import CHECKS, GATING
from plume.command import progress
from plume.french.text import fold

_KEPT = 16  # views whose items are kept in order
_NOTHING, _MISSING = frozenset(), frozenset({MISSING})
_NUMBER = re.compile(r"(\d+)")  # ids are ordered as people count: 9-1, 10-1


@dataclass(frozen=True, slots=True)
class Item:
    """A pair with every system's draft and what fails in it: `wrong` names the checks, MISSING where there is no draft.

    `folded` is all its text, for the search.
    """

    pair: Mapping[str, Any]
    length: str
    drafts: tuple[str | None, ...]
    failed: tuple[Mapping[str, Failure], ...]
    wrong: tuple[frozenset[str], ...]
    folded: str

    @property
    def id(self) -> str:
        return self.pair["id"]

    def lost(self, system: int) -> frozenset[str]:
        """Name the checks that the first system passes and this one fails."""
        return frozenset() if self.drafts[0] is None else self.wrong[system] - self.wrong[0]

    def won(self, system: int) -> frozenset[str]:
        return frozenset() if self.drafts[system] is None else self.wrong[0] - self.wrong[system]


class Items:
    """All items of what is browsed (`index`), and the notes on them."""

    def __init__(self, browsed: Browsed, items: list[Item], notes: Notes) -> None:
        self.browsed, self.all, self.notes = browsed, items, notes
        self.at = {item.id: number for number, item in enumerate(self.all)}
        self.checks = [m for m in (*(CHECKS[name].measure for name in GATING), COPYING) if m not in browsed.off]
        self.networks, self.sentiments = (_counted(browsed.pairs, key) for key in ("network", "sentiment"))
        self._ordered = lru_cache(_KEPT)(self._order)

    def order(self, filters: Filters) -> tuple[list[Item], Mapping[str, int]]:
        """Give the items of a view in its order, and at which place each stands."""
        return self._ordered(filters.chosen, self.notes.version if filters.noted or filters.text else 0)

    def _order(self, filters: Filters, _version: int) -> tuple[list[Item], Mapping[str, int]]:
        tests = [*self._tests(filters)]
        found = [item for item in self.all if all(test(item) for test in tests)]
        if key := self._keys(self._judged(filters, filters.sort)).get(filters.sort):
            found.sort(key=key)
        return found, {item.id: place for place, item in enumerate(found)}

    def _judged(self, filters: Filters, change: str) -> Sequence[int]:
        """Give the systems that are asked: the chosen one, else all; the first one neither loses nor wins."""
        systems = range(len(self.browsed.systems))
        if filters.system:
            return (int(filters.system),)
        return systems[1:] if change in ("lost", "won") else systems

    def _tests(self, filters: Filters) -> list[Callable[[Item], bool]]:
        tests: list[Callable[[Item], bool]] = []
        if filters.network:
            tests.append(lambda item: item.pair.get("network") == filters.network)
        if filters.sentiment:
            tests.append(lambda item: item.pair.get("sentiment") == filters.sentiment)
        if filters.length:
            tests.append(lambda item: item.length == filters.length)
        if filters.noted:
            tests.append(lambda item: bool(self.notes.of(item.id)) == (filters.noted == "yes"))
        if filters.check or filters.change:
            tests.append(self._fares(filters))
        if terms := [searchable(term) for term in filters.terms]:
            tests.append(lambda item: all(t in item.folded or self._noted(item, t) for t in terms))
        return tests

    def _noted(self, item: Item, term: str) -> bool:
        note = self.notes.of(item.id)
        return bool(note) and term in searchable(note)

    def _fares(self, filters: Filters) -> Callable[[Item], bool]:
        """Test how systems fare at one check, or at any: whether one of them fails, loses or wins it; all pass it."""
        change = filters.change or "fails"
        systems = self._judged(filters, change)

        def of(item: Item, system: int) -> frozenset[str]:
            found = (
                item.lost(system) if change == "lost" else item.won(system) if change == "won" else item.wrong[system]
            )
            return found & {filters.check} if filters.check else found

        if change == "passes":
            return lambda item: not any(of(item, s) or item.drafts[s] is None for s in systems)
        return lambda item: any(of(item, s) for s in systems)

    @staticmethod
    def _keys(systems: Sequence[int]) -> dict[str, Callable[[Item], Any]]:
        return {
            "lost": lambda item: -sum(len(item.lost(s)) for s in systems),
            "won": lambda item: -sum(len(item.won(s)) for s in systems),
            "fails": lambda item: -sum(len(item.wrong[s]) for s in systems),
            "longest": lambda item: -len(item.pair["review"]),
            "shortest": lambda item: len(item.pair["review"]),
            "gap": lambda item: min(lengths := [len(draft or "") for draft in item.drafts]) - max(lengths),
            "id": lambda item: [int(part) if part.isdecimal() else part for part in _NUMBER.split(item.id)],
        }


def index(browsed: Browsed) -> list[Item]:
    """Prepare what filters ask of every item."""
    lengths = DIMENSIONS["review_length"].of(browsed.pairs)
    items = []
    with progress() as bar:
        for length, pair in zip(lengths, bar.track(browsed.pairs, description="items"), strict=True):
            drafts = tuple(system.drafts.text(pair["id"]) for system in browsed.systems)
            failed = tuple(system.failed.get(pair["id"], {}) for system in browsed.systems)
            said = [pair.get(key) or "" for key in ("id", "structure", "title", "review", "reply")]
            folded = searchable("\n".join([*said, *(draft or "" for draft in drafts)]))
            wrong = tuple(
                _MISSING if draft is None else frozenset(found) if found else _NOTHING
                for draft, found in zip(drafts, failed, strict=True)
            )
            items.append(Item(pair, length, drafts, failed, wrong, folded))
    return items


def searchable(text: str) -> str:
    """Fold a text for the search, four times as fast as by `plain`: of 50,000 items that is half a minute."""
    return fold(unicodedata.normalize("NFC", " ".join(text.split()).replace("’", "'")))


def _counted(pairs: Sequence[Mapping[str, Any]], key: str) -> list[tuple[str, int]]:
    """List the values of a key, the most frequent first, and how often each stands."""
    return Counter(value for pair in pairs if (value := pair.get(key))).most_common()
