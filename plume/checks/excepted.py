"""Finds sentences that say to hold even for what a passage excepts, or that make a condition of what it leaves free.

"y compris à l'hôpital" of a cut that is not made for those in hospital, "même avec moins de 1 104 €" of a right that
only more opens. Few ways to say so are known, each of which says nothing else.
"""

import re
from collections.abc import Iterable, Iterator

from plume.checks.meaning import likeness, tokens
from plume.checks.stems import stem

_EVEN = re.compile(
    r"\b(?:y compris|meme) (?:si|s'ils?|s'elles?|pour|en cas d\w*|avec|en|lorsqu\w*|quand|aux?|dans|apres)\b"
    r"([^,;:.()]*)"
)
_STILL = re.compile(
    r"\b(?:ne |n')\w{1,30} (?:pas|rien|aucune?)[^,;:.()]{0,20}\b(?:y deroger|derogation|exception"
    r"|cette regle)\b"
)
_CLAUSE_END = re.compile(r"[,;:.()]")
_IS_NOT = re.compile(r"\bne |\bn'")
_EXCEPTED = re.compile(
    r"\b(?:sauf(?: si| pour| en cas d\w*)?|hormis|hors|excepte\w*|a l'exception d\w*|a l'exclusion d\w*"
    r"|(?:ne |n')[^,;:.()]{1,40}? (?:pas|plus) (?:si|s'ils?|s'elles?|aux?|pour|en cas d\w*|lorsqu\w*|quand))\b"
    r"([^;:.()]*)"
)
_BOUND = re.compile(r"\b(moins|plus) (?:de |d')([\d .,]*\d)")
_MUST_SAME = re.compile(r"\b(?:condition|doi\w+|faut|oblig\w+|exig\w+|impos\w+)\b[^;:.()]{0,40}\bmeme (\w{4,})")
_MAY_OTHER = re.compile(r"\b(?:peu(?:t|vent)|possible|libre)\b[^;:.()]{0,40}\b(?:une? autre|d'autres) (\w{4,})")
_SHORT = 3  # letters of a stem that many words have


def holds_for_the_excepted(mine: str, given: Iterable[str]) -> bool:
    """Say whether a folded sentence holds for what the sentences of a passage except, or binds what they leave free."""
    told, same = [*_told_of(mine)], _MUST_SAME.findall(mine)
    if not told and not same:
        return False
    text = " . ".join(given)
    if any(stem(one) == stem(other) for one in same for other in _MAY_OTHER.findall(text)):
        return True
    excepted = [word for match in _EXCEPTED.finditer(text) for word in tokens(match[1])] if told else []
    if any(_is_one(word.stem, other.stem) for part in told for word in tokens(part) for other in excepted):
        return True
    bounds = set(_BOUND.findall(text)) if told else set()
    return any(
        (_OTHER[way], number) in bounds and (way, number) not in bounds
        for part in told
        for way, number in _BOUND.findall(part)
    )


_OTHER = {"moins": "plus", "plus": "moins"}


def _told_of(mine: str) -> Iterator[str]:
    """Yield what a sentence names as no exception."""
    for match in _EVEN.finditer(mine):
        if not _IS_NOT.search(mine, 0, match.start()):
            yield match[1]
    for match in _STILL.finditer(mine):
        yield _CLAUSE_END.split(mine[: match.start()])[-1]


def _is_one(one: str, other: str) -> bool:
    return len(one) > _SHORT and likeness(one, other) > 0
