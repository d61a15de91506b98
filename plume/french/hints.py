"""Says which rules of all need be tried on a text: those of whose hints it holds one."""

import re
from collections.abc import Iterable
from typing import Protocol

LETTERS = re.compile(r"[^\W\d_]+")
MOST_DIGITS = 20  # that a rule may ask for
_MOST_WORDS = 1 << 16  # that are remembered


class Hinted(Protocol):
    """What is asked of a rule; see `plume.french.rules.Rule`."""

    hint: tuple[str, ...]
    words: frozenset[str]
    digit: int


Hint = tuple[str, tuple[Hinted, ...]]


class Hints:
    """The hints of all registered rules, by the word of a text that may hold them."""

    def __init__(self, rules: Iterable[Hinted]) -> None:
        rules = tuple(rules)
        self._without_hint = frozenset(rule for rule in rules if not (rule.hint or rule.words))
        # By the digits that a text has together: the rules that want more.
        self._wanting = [frozenset(r for r in rules if r.digit > digits) for digits in range(MOST_DIGITS + 1)]
        self._whole: dict[str, list[Hinted]] = {}
        self._parts: dict[str, list[tuple[str, Hint]]] = {}  # by three letters of the hint that stand together
        self._short: list[Hint] = []  # hints of few letters, which are looked for at once
        of: dict[str, list[Hinted]] = {}
        for rule in rules:
            for word in rule.words:
                self._whole.setdefault(word, []).append(rule)
            for hint in rule.hint:
                of.setdefault(hint, []).append(rule)
        for hint, found in of.items():
            letters = max(LETTERS.findall(hint), key=len, default="")
            if len(letters) > 2:
                self._parts.setdefault(letters[-3:], []).append((letters, (hint, tuple(found))))
            else:
                self._short.append((hint, tuple(found)))
        self._known: dict[str, tuple[tuple[Hinted, ...], tuple[Hint, ...]]] = {}

    def live(self, folded: str, words: Iterable[str], digits: int) -> set[Hinted]:
        """Give the rules whose hint a folded text holds, and no more digits than it has: one pass for all of them."""
        live, hints = {*self._without_hint}, {*self._short}
        for word in words:
            if known := self._known.get(word) or self._learn(word):
                live.update(known[0])
                hints.update(known[1])
        for hint, rules in hints:
            if hint in folded:
                live.update(rules)
        return live - self._wanting[digits]

    def _learn(self, word: str) -> tuple[tuple[Hinted, ...], tuple[Hint, ...]]:
        """Note the rules that a word is hint enough for, and the longer hints of which it may be a part."""
        if len(self._known) >= _MOST_WORDS:
            self._known.clear()
        parts = (self._parts.get(word[at : at + 3], ()) for at in range(len(word) - 2))
        hints = {hint for part in parts for letters, hint in part if letters in word}
        live = {*self._whole.get(word, ()), *(rule for hint, rules in hints if hint in word for rule in rules)}
        self._known[word] = tuple(live), tuple(hint for hint in hints if hint[0] not in word)
        return self._known[word]
