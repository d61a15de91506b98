"""Finds sentences that say to hold even for what a passage excepts or restricts, or that bind what it leaves free.

"y compris à l'hôpital" of a cut that is not made for those in hospital, "même avec moins de 1 104 €" of a right that
only more opens, "quel que soit son taux" where the passage asks for a rate. Few ways to say so are known, each of which
says nothing else.
"""

import re
from collections.abc import Iterator, Sequence

from plume.checks.meaning import likeness, tokens
from plume.checks.stems import stem
from plume.french.vocabulary import word_set

_EVEN = re.compile(
    r"\b(?:(?:y compris|meme) (?:si|s'ils?|s'elles?|pour|en cas d\w*|avec|sans|en|lorsqu\w*|quand|aux?|dans|apres"
    r"|avant)"
    r"|quel(?:le)?s? que soi\w*|peu importe\w*|independamment d\w*|n'importe quel\w*"
    r"|sans (?:aucune )?conditions? d\w*|sans (?:tenir compte|egard))\b([^,;:.()]*)"
)
# What a passage says where it makes a case of something, and where it makes none.
_RESTRICTS = re.compile(
    r"\b(?:si|s'ils?|s'elles?|sauf|hors|hormis|excepte\w*|exception|exclu\w*|au (?:moins|plus)|moins d\w*|plus d\w*"
    r"|minimum|maximum|a partir|avant|jusqu\w*|dont|condition\w*|doi\w+|faut|reserv\w+|seule?s?|uniquement|seulement"
    r"|exig\w+|necessaires?|pas|plafond\w*|depass\w*|limit\w+)\b"
)
_OPENS = re.compile(
    r"\b(?:quel(?:le)?s? que|peu importe\w*|meme|compris\w*|n'importe|inclu\w*|tous|toutes|toute personne)\b"
)
_OF_TIME = word_set("an ans annee annees mois jour jours semaine semaines heure heures")
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


def holds_for_the_excepted(mine: str, given: Sequence[str]) -> bool:
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
    return any(_is_beyond(part, bounds) or _is_a_case(part, given) for part in told)


def _is_beyond(part: str, bounds: set[tuple[str, str]]) -> bool:
    """Say whether "moins de 1 104 €" is told of what only more opens."""
    found = _BOUND.findall(part)
    return any((_OTHER[way], number) in bounds and (way, number) not in bounds for way, number in found)


def _is_a_case(part: str, given: Sequence[str]) -> bool:
    """Say whether sentences make a case of what is told to make none, and none of them says the same of it."""
    roots = {word.stem for word in tokens(part) if word.word not in _OF_TIME}
    near = [one for one in given if any(_is_word(root, word.stem) for root in roots for word in tokens(one))]
    return any(map(_RESTRICTS.search, near)) and not any(map(_OPENS.search, near))


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


def _is_word(one: str, other: str) -> bool:
    return len(one) > _SHORT and likeness(one, other) == 1
