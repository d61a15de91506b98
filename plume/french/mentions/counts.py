"""Finds numbers that count or name something: "onze vaccins", "cerfa n° 14881", "le 7e mois". Pure.

For a text in which amounts, dates, lengths of time and contacts are blanked out: what is left are counts.
"""

import re
from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.numbers import NUMBER, ROUGH, number_words, value
from plume.french.rules import Rule, Text, in_turn, table
from plume.french.vocabulary import any_of

# "quatrième", "cinquième", "neuvième": what is left of a number before "ième".
_STEMS = {"quatr": 4, "cinqu": 5, "neuv": 9, "onz": 11, "douz": 12, "treiz": 13, "quatorz": 14, "quinz": 15, "seiz": 16}
_STEMS |= {"trent": 30, "quarant": 40, "cinquant": 50, "soixant": 60, "cent": 100, "mill": 1000}
_STEMS |= {word: int(value(word)) for word in number_words(2, 21) if not word.endswith("e")}
_TENS = any_of(number_words(20, 90))
_ORDINAL = Rule(
    "count.ordinal",
    rf"(?<![\w.,])(?:(\d{{1,3}}) ?(?:eme|ieme|e|nde?|er|ere)s?|(?:({_TENS}|dix)[ -](?:et[ -])?)?"
    rf"({any_of(_STEMS)}|un)iemes?)\b",
    examples=("au ‹7e› mois", "pendant le ‹septième› mois", "le ‹vingt et unième› jour", "une personne"),
)
_ROUGHLY = Rule(
    "count.rough",
    rf"\b({any_of(ROUGH)}|douzaine) (?:de |d')",
    hint=(*ROUGH, "douzaine"),
    examples=("une ‹douzaine de ›partenaires", "la quarantaine"),
)
_NUMBER = Rule(
    "count.number",
    rf"(?<![\w,./-])({NUMBER})(?![\w/]|[.,]\d)",
    examples=("les ‹onze› vaccins", "le cerfa n° ‹14881›", "F12006"),
)
table(_ORDINAL, _ROUGHLY, _NUMBER)


def counts(text: Text) -> Iterator[Mention]:
    """Yield every number but "un"; its value is the number. Kinds: "ordinal", "rough count", "count"."""
    for kind, rule, read in (
        ("rough count", _ROUGHLY, lambda m: float(ROUGH.get(m[1], 12))),
        ("ordinal", _ORDINAL, _ordinal),
        ("count", _NUMBER, lambda m: value(m[1])),
    ):
        its = [*in_turn(text, [rule])]
        for one in its:
            if (number := read(one.match)) != 1:
                yield Mention(kind, one.start, one.end, number, rule.name)
        text = text.blanked((one.start, one.end) for one in its)


def _ordinal(m: re.Match[str]) -> float:
    if m[1]:
        return float(m[1])
    return float((value(m[2]) if m[2] else 0) + _STEMS.get(m[3], 1))
