"""Birth dates, in digits and in words, and birthplaces."""

import re
from collections.abc import Iterator

from plume.french.mentions.dates import FULL_DATE
from plume.french.numbers import number_words
from plume.french.phrases import MONTH, NUMBER_WORD
from plume.french.rules import Text, before, find, table
from plume.french.vocabulary import any_of
from plume.french.words import EVERYDAY
from plume.pseudonymise.identifiers.rule import Identifier
from plume.pseudonymise.spans import Span

_BORN = (
    r"\b(?:(?:nee?s?|naitre|venue? au monde|vu le jour|souffle mes bougies)(?: (?:a|au|aux|en) [\w' -]{2,30}?)??"
    r"|date de naissance|naissance(?= ?(?::|le ))|ddn"
)
_NUMBER_IN_WORDS = rf"{NUMBER_WORD}(?:[ -](?:et[ -])?{NUMBER_WORD}){{0,3}}"
_TENS_IN_WORDS = rf"(?={any_of(number_words(20, 100))}|quatre[ -]vingt){_NUMBER_IN_WORDS}"
_YEAR_IN_WORDS = rf"(?:(?:mil(?:le)?|dix)[ -](?:neuf[ -])?cents?|deux[ -]mille)(?:[ -](?:et[ -])?{_NUMBER_IN_WORDS})?"
_DAY_IN_WORDS = rf"(?:(?:[a-z]+ieme jour (?:de|du mois de)|premier|1er|{_NUMBER_IN_WORDS}|\d{{1,2}}) {MONTH}(?!\w))"
_OLD = 2005
_OF_A_LAW = before(
    r"\b(?:loi|decret|ordonnance|arrete|circulaire|directive|depuis|jusqu'au|convention)\b[^.\n]{0,25}", reach=40
)

_OF_A_BODY = before(r"\b(?:association|societe|entreprise|sarl|eurl|sas|commune|agence|structure|reforme|service|loi) ")


def _is_recent(match: re.Match[str], _: Text) -> bool:
    return int(match[1]) > _OLD


# After the word for a birth, with a place after it perhaps.
BORN = table(
    Identifier(
        "birth.date",
        rf"{_BORN}|d\.d\.n\.?)(?: (?:est|etait))?[ :,(]{{0,3}}(?:le |en |vers |du |au |mois de )*"
        rf"({FULL_DATE}|(?:19|20)\d{{2}}|\d{{8}})",
        kind="DATE_NAISSANCE",
        hint=("ne", "naissance", "ddn", "d.d.n", "naitre", "venu", "vu le jour", "bougies"),
        digit=True,
        group=1,
        unless=_OF_A_BODY,
        examples=(
            "née à Nantes le ‹12/03/1961›",
            "date de naissance : ‹12 mars 1961›",
            "ma demande du 12/03/2021",
            "association née le 3 mai 1998",
        ),
    ),
    Identifier(
        "birth.date-in-words",  # "le quinze août mille neuf cent cinquante", "en mil neuf cent quarante"
        rf"{_BORN})(?: (?:est|etait))?[ :,(]{{0,3}}(?:le |la |un |en |vers |du |au |mois de )*"
        rf"({_DAY_IN_WORDS}(?: (?:de l'an(?:nee)? )?(?:{_YEAR_IN_WORDS}|(?:19|20)?\d{{2}}|{_TENS_IN_WORDS}))?"
        rf"|{_YEAR_IN_WORDS})(?!\w)",
        kind="DATE_NAISSANCE",
        words=frozenset(("ne", "nee", "nes", "nees", "naissance", "ddn", "naitre", "venu", "venue", "jour", "bougies")),
        group=1,
        unless=_OF_A_BODY,
        examples=(
            "né le ‹quinze août mille neuf cent cinquante›",
            "née un ‹quinze août soixante-deux›",
            "né le soir",
        ),
    ),
)
# Whoever writes on the platform was born before it opened: a full date this old is a birth date, or as telling as one.
OLD_DATES = table(
    Identifier(
        "birth.worded-date",
        rf"\b{_DAY_IN_WORDS} (?:mil(?:le)?|dix)[ -](?:neuf[ -])?cents?(?:[ -]{_NUMBER_IN_WORDS})?(?!\w)",
        kind="DATE_NAISSANCE",
        hint=(" cent", "-cent"),
        unless=_OF_A_LAW,
        examples=("le ‹trois mai mille neuf cent soixante›", "la loi du trois mai mille neuf cent un"),
    ),
    Identifier(
        "birth.old-date",
        r"(?<!\d)\d{1,2}(?:er)?[ ./\-](?:\d{1,2}|[a-z]{3,9}\.?)[ ./\-](?:de l'an(?:nee)? )?((?:19|20)\d{2})(?!\d)",
        kind="DATE_NAISSANCE",
        digit=4,
        at_digits=True,
        unless=(_is_recent, _OF_A_LAW),
        examples=("le ‹12/03/1961›", "le 12/03/2021", "la loi du 17/07/1978"),
    ),
)
_BORN_AT = re.compile(r",? ?(?:a|au) ((?:(?:la|le|el|saint|sainte)[ -])?[a-z][a-z'-]{2,}(?:-[a-z]+)*)")


def births(text: Text) -> Iterator[Span]:
    """Find birth dates and the places named right after them."""
    for start, end, rule, _ in find(text, BORN):
        yield Span(start, end, rule.kind, rule.source, rule.name)
        if (place := _BORN_AT.match(text.folded, end)) and place[1] not in EVERYDAY:
            yield Span(*place.span(1), "VILLE", "rule", "birth.place")
    for start, end, rule, _ in find(text, OLD_DATES):
        yield Span(start, end, rule.kind, rule.source, rule.name)
