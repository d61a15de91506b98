"""Reduces words to stems and topics, and says how rare each is in reviews: for `relevance` and `repetition`.

A topic (topics.tsv) holds words that stand for each other: "versement" and "rien reçu" are both of `@pay`.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache

from plume.checks.case import VOCABULARY
from plume.french.numbers import WORDS, value
from plume.french.text import fold, words
from plume.french.vocabulary import rows

FLOOR = 0.002  # share of reviews that hold a word of which the table knows nothing
_TABLE, _OF_TABLE = 60, 0.98  # see `Network`
_LETTERS, _MORE = 5, 8  # of a stem: "délais" meets "délai"; more of "internet" and "interlocuteur"
_PREFIX = ("inter", "trans", "contr", "entre")
# What inflection and derivation add to a short stem: "payé" meets "payer", "mutée" "mutation", "livré" "livraison".
_PLURAL, _ENDING = (
    re.compile(r"(?<=\w{3})(?:e{0,2}(?<![ui])[sx]|e{0,2})$"),
    re.compile(r"(?<=\w{3})(?:[ai]tion|aison|ement|er|ir)$"),
)
_ORDINAL = re.compile(r"(\d+)(?:er?|eme|ème|h|nd)?$")
_IN_WORDS = re.compile(rf"\b(?!une?\b(?![ -](?:cent|mille)))(?>{WORDS})\b", re.IGNORECASE)


@lru_cache(maxsize=1 << 10)
def content(text: str) -> dict[str, str]:
    """Give the stems and the topics of a text, with the word that each was seen by."""
    found = {}
    for word in words(in_digits(text)):
        if len(word) > 1 or word.isdigit():
            root = stem(word)
            found.setdefault(root, word)
            for topic in topics().get(root, ()):
                found.setdefault(topic, word)
    return found


@lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """Give what a word shares with those of its family: "mutée" and "mutation", "14e" and "14"."""
    if number := _ORDINAL.match(word):
        return number[1]
    root = _ENDING.sub("", _PLURAL.sub("", fold(word), count=1))
    return root[: _MORE if root.startswith(_PREFIX) else _LETTERS]


def in_digits(text: str) -> str:
    """Write the numbers of a text in digits: "vingt-deux ans" is "22 ans"."""
    return _IN_WORDS.sub(lambda number: str(round(value(number[0]))), text)


def stems(text: str) -> frozenset[str]:
    """Give the stems and topics of a text: what stems.tsv counts."""
    return frozenset(content(text))


@cache
def topics() -> dict[str, tuple[str, ...]]:
    """Give the topics of each stem that has one."""
    found: dict[str, tuple[str, ...]] = {}
    for row in rows("topics", VOCABULARY):
        for root in {stem(word) for word in row["words"].split()}:
            found[root] = (*found.get(root, ()), f"@{row['topic']}")
    return found


@cache
def shares() -> dict[str, float]:
    """Give in which share of reviews a stem or a topic stands."""
    return {row["stem"]: float(row["share"]) for row in rows("stems", VOCABULARY)}


def rarity(name: str) -> float:
    """Give how much a stem or a topic says, in nats: the log of how few reviews hold it."""
    return -math.log(max(shares().get(name, 0), FLOOR))


class Network:
    """Counts the stems of the reviews of one network: what all of them hold names no problem there.

    Reviews that differ in numbers alone are one. The table counts as `_TABLE` reviews beside a network's, and for
    `_OF_TABLE` at least: at four fifths, all sound drafts failed in a network whose reviews tell of six things.
    """

    def __init__(self, reviews: Iterable[str]) -> None:
        each = {frozenset(name for name in stems(review) if not name.isdigit()) for review in reviews}
        self._counts, self._n = Counter(name for found in each for name in found), len(each)

    def share(self, name: str, own: Iterable[str]) -> float:
        """Give in which share of the network's other reviews a stem stands; `own` are the stems of this one."""
        others = self._n - 1
        mine = min(others / (others + _TABLE), 1 - _OF_TABLE) if others > 0 else 0
        counted = max(0, self._counts[name] - (name in own)) / others if mine else 0
        return mine * counted + (1 - mine) * shares().get(name, 0)
