"""Compares what two French texts say by their words: stems, families of one sense (senses.tsv), how rare they are."""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from plume.checks.case import VOCABULARY
from plume.checks.language import small_words
from plume.checks.stems import rarity, stem
from plume.french.numbers import number_words
from plume.french.text import fold
from plume.french.vocabulary import folded, rows

_WORD = re.compile(r"[^\W\d_]{2,}|\d+")
_ADVERB = 1.5  # nats of an adverb, which says how and not what: "gratuitement", but not "versement"
_HOW = re.compile(
    r"(?:ique|ive|[ai]ble|euse|aire|iate|recte|simple|rapide|libre|claire|(?<!nouv)elle|(?<!sign)(?<!et)ale"
    r"|(?<!tra)ite|(?<!ro)ule)ment$"
)
_SENSE = 0.7  # what a word of the same family is worth of the word itself


class Token(NamedTuple):
    """A word that carries sense: its stem, its families, its place, what it says (nats)."""

    stem: str
    word: str
    start: int
    end: int
    weight: float


@cache
def senses() -> dict[str, frozenset[str]]:
    """Give the families of each stem that has one."""
    found: dict[str, set[str]] = {}
    for row in rows("senses", VOCABULARY):
        for word in _WORD.findall(fold(row["words"])):
            if word not in empty_words():
                found.setdefault(stem(word), set()).add(row["sense"])
    return {root: frozenset(names) for root, names in found.items()}


@cache
def empty_words() -> frozenset[str]:
    """Give the folded words that carry no sense of their own."""
    numbers = frozenset(number_words(0, 1001))
    return small_words() | folded("empty_words", VOCABULARY) | folded("reply_words", VOCABULARY) | numbers


def tokens(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """List the words of a folded text, or of a part of it, that carry sense. Numbers are none."""
    end = len(text) if end is None else end
    return [
        Token(root, match[0], match.start(), match.end(), _ADVERB if _HOW.search(match[0]) else weight(root))
        for match in _WORD.finditer(text, start, end)
        if not match[0].isdigit() and match[0] not in empty_words() and len(root := stem(match[0])) > 1
    ]


_END = re.compile(r"(?<=[.!?…;])(?<!\b[A-Z]\.) +|\n+")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """List the places of the sentences of a text; what a semicolon ends is one."""
    ends = [match.end() for match in _END.finditer(text)]
    return [(a, b) for a, b in zip([0, *ends], [*ends, len(text)], strict=True) if b > a]


@lru_cache(maxsize=1 << 14)
def weight(root: str) -> float:
    """Give how much a stem says: its rarity in reviews, within bounds."""
    return min(max(rarity(root), 1.0), 5.0)


@lru_cache(maxsize=1 << 16)
def likeness(one: str, other: str) -> float:
    """Give how far two stems say the same: 1, a little less for a family, 0."""
    if one == other or (len(one) > 3 < len(other) and (one.startswith(other) or other.startswith(one))):
        return 1.0
    families = senses()
    return _SENSE if not families.get(one, _NONE).isdisjoint(families.get(other, _NONE)) else 0.0


_NONE: frozenset[str] = frozenset()
