"""Finds people whom nothing announces, by INSEE's lists of first names and surnames."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise

from plume.checks.case import VOCABULARY
from plume.checks.language import FRENCH, language
from plume.french import insee
from plume.french.insee import communes, spaced
from plume.french.text import is_shouting
from plume.french.vocabulary import any_of, folded
from plume.french.words import ACRONYMS, EVERYDAY, PARTICLES, TERRITORIES, Word

_NAME = r"[A-ZÀ-ÖØ-ÞŒŠŽ](?:[^\W\d_]+|\.)(?:['’-][^\W\d_]+)*"
_WORD = re.compile(_NAME)
_RUN = re.compile(rf"(?<![\w@./'-]){_NAME}(?:[ -](?:(?:{any_of(PARTICLES)} ){{1,2}}|[dD]')?{_NAME}){{1,3}}(?![\w@])")
_ALONE = re.compile(rf"(?<=[a-zà-ÿ,] )({_NAME})(?![\w@'’-]| [A-ZÀ-Þ])")
_SIGNED = re.compile(rf"\n[–—-]? ?({_NAME})[.,]?\Z")
# After these a listed surname in capitals or with one is a person's.
_NEAR_NAME = re.compile(
    r"\b(?:famille|dossier|époux|épouse|consorts|couple|collègue|succession|agente?|conseill[eè]re?|gestionnaire"
    r"|docteure?|nommée?|prénommée?|appelée?|capitaine|lieutenant|commandante?|colonel|adjudante?(?:-chef)?|sergente?|major"
    r"|brigadi(?:er|ère)(?:-chef)?|gendarme|professeure?|maître|juge|notaire|avocate?|médecin|infirmi(?:er|ère)|inspect(?:eur|rice)"
    r"|direct(?:eur|rice)|responsable|technicien(?:ne)?|médiat(?:eur|rice)|assistante? sociale?|fact(?:eur|rice)) $",
    re.IGNORECASE,
)


@cache
def usual_first_names(least: int = 200) -> frozenset[str]:
    """List first names that are neither a place nor a word of replies."""
    frequent = frozenset(map(spaced, insee.first_names(5000)))
    places = folded("first_names_that_are_places", VOCABULARY) | (communes() - frequent)
    return frozenset(map(spaced, insee.first_names(least))) - places - EVERYDAY - ACRONYMS - TERRITORIES


@cache
def _surnames() -> frozenset[str]:
    return frozenset(map(spaced, insee.surnames(30))) - EVERYDAY - ACRONYMS - TERRITORIES


@lru_cache(maxsize=1 << 14)
def _read_word(word: str) -> str:
    """Give a word as the lists are looked up; "" for one that may be no name."""
    return spaced(word) if Word.of(word).may_be_name else ""


def listed_people(text: str) -> Iterator[tuple[int, int]]:
    """Yield a first name with a surname, or alone in mid-sentence or as last line; a surname after "le dossier"."""
    if is_shouting(text):
        return
    for match in _RUN.finditer(text):
        for one, two in pairwise(_WORD.finditer(match.group())):
            a, b = _read_word(one[0]), _read_word(two[0])
            if not (a and b) or f"{a} {b}" in communes():
                continue
            surname_after = _is_first(a) and (b in _surnames() or a in usual_first_names(2000))
            surname_after |= a in usual_first_names(20) and b in _surnames() and b not in communes()
            if surname_after or (a in _surnames() and _is_first(b)):
                yield match.start() + one.start(), match.start() + two.end()
    if (match := _SIGNED.search(text)) and _read_word(match[1]) in usual_first_names():
        yield match.span(1)
    for match in _ALONE.finditer(text) if language(text) == FRENCH else ():  # elsewhere "June" may be a month
        word = _read_word(match[1])
        if not word or (word in communes() and word not in usual_first_names(5000)):
            continue
        announced = _NEAR_NAME.search(text, max(0, match.start() - 24), match.start())
        if word in usual_first_names(500) or (announced and word in _surnames()):
            yield match.span(1)


def _is_first(name: str) -> bool:
    return name in usual_first_names() or (" " in name and all(part in usual_first_names() for part in name.split()))
