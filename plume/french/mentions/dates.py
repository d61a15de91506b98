"""Finds dates and times of day with their values: "en mars" is (None, 3, None), "à 9 h 30" (9, 30). Pure."""

import re
from collections.abc import Callable, Iterator

from plume.french.mentions import Mention
from plume.french.numbers import WORDS, number_words, value
from plume.french.phrases import MONTH_OR_SHORT, SIGN
from plume.french.rules import Rule, Text, before, in_turn, table
from plume.french.text import fold
from plume.french.vocabulary import any_of, folded, rows

Moment = tuple[int | None, int | None, int | None]  # day, month, year; None where the text does not say

MONTHS = {fold(row["name"]): int(row["number"]) for row in rows("months")}
_SHORT = {fold(short): int(row["number"]) for row in rows("months") for short in row["short"].split()}
_MONTH = f"({any_of(MONTHS)})\\b"
# As an abbreviation a month is read after its day only.
_SHORT_MONTH = f"({any_of(_SHORT)})\\b\\.?"
# "mars" and "mai" are not read alone: what brings them must say that they are months.
_SURE_MONTH = f"({any_of(month for month in MONTHS if month not in ('mars', 'mai'))})\\b"
_YEAR = r"((?:19|20)\d{2})"
_WEEKDAYS = folded("weekdays")
_DAY = rf"\d{{1,2}}|1er|premier|(?<=le ){WORDS}|(?<=du ){WORDS}|(?<=au ){WORDS}"
_BRINGS = (
    r"\b(?:en|depuis|fin|debut|courant|mi-|des|d'ici|mois de|mois d'|avant|jusqu'en|jusqu'a|annee|pour) ?(?:fin "
    r"|debut |mi-)?"
)

_DAY_NUMBER, _MONTH_NUMBER = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_YEAR_NUMBER = r"(?:(?:19|20)\d{2}|\d{2}(?! ?(?:h|heures?|euros?)\b| ?[€%:]))"
# A date with its day and year, whatever sign is between its parts.
_FULL = (
    r"(?=[\d])(?:"
    rf"(?<![\d./])(?<!\d[ -])(?:{_DAY_NUMBER} ?{SIGN} ?{_MONTH_NUMBER} ?{SIGN} ?{_YEAR_NUMBER}"
    rf"|{_DAY_NUMBER} {_MONTH_NUMBER} {_YEAR_NUMBER})(?![ ./\-]?\d)"
    rf"|(?<!\d){_DAY_NUMBER}(?:er)?[ .\-]{{0,2}}{MONTH_OR_SHORT}\.?[ .\-]{{0,2}}{_YEAR_NUMBER}(?!\d)"
    r"|(?<!\d)(?:19|20)\d{2}[-/]\d{1,2}[-/]\d{1,2}(?!\d))"
)
# What a number that looks like a reference may be.
FULL_DATE = rf"(?:{_FULL}|(?=[djfmason])(?<!\w){MONTH_OR_SHORT} (?:19|20)\d{{2}}(?!\d))"

Read = Callable[[re.Match[str]], Moment | None]


def month(name: str) -> int:
    """Give the number of a month by its folded name or abbreviation."""
    return MONTHS.get(name) or _SHORT[name]


def _day(text: str) -> int:
    return 1 if text in ("1er", "premier") else int(value(text))


def _year(text: str | None) -> int | None:
    return int(text) if text else None


def _full(m: re.Match[str]) -> Moment:
    first, *named, last = (part for part in _PARTS.findall(m[0]) if part != "er")
    if len(first) == 4:
        return int(last), int(named[0]), int(first)
    number = int(named[0]) if named[0].isdigit() else month(named[0])
    return int(first), number, int(last) + (2000 if len(last) == 2 else 0)


def _numeric(m: re.Match[str]) -> Moment | None:
    day, month = int(m[1]), int(m[2])
    return (day, month, None) if 1 <= day <= 31 and 1 <= month <= 12 else None


_PARTS = re.compile(r"\d+|[a-z]+")
# Each rule, and how it is read. What one reads is blanked out for the vaguer ones that follow.
_READERS: dict[Rule, Read] = {
    # Days of a list or a range share the month that is named last: "du 3 au 12 mars", "les 2, 9 et 16 avril".
    Rule(
        "date.days-of-list",
        rf"\b(\d{{1,2}}|1er)(?=(?:(?:, | et | ou | au | - ?|-)(?:le )?(?:\d{{1,2}}|1er)){{1,4}} {_MONTH})",
        words=frozenset(MONTHS),
        digit=True,
        examples=("du ‹3› au 12 mars", "du 3 au 12 du mois"),
    ): lambda m: (_day(m[1]), month(m[2]), None),
    Rule(
        "date.full",
        _FULL,
        digit=2,
        at_digits=True,
        examples=(
            "le ‹12/03/2024›",
            "le ‹12 mars 2024›",
            "le ‹2024-03-12›",
            "le ‹12~03~24›",
            "le 12/03",
            "le 12 mars 10 h",
        ),
    ): _full,
    Rule(
        "date.day-month",
        rf"\b({_DAY})[ -](?:{_MONTH}|{_SHORT_MONTH})(?:[ -]{_YEAR}\b)?",
        words=frozenset((*MONTHS, *_SHORT)),
        examples=("le ‹12 mars 2024›", "le ‹premier avril›", "le ‹3 janv.›", "12 marches"),
    ): lambda m: (_day(m[1]), month(m[2] or m[3]), _year(m[4])),
    Rule(
        "date.numeric",
        r"(\d(?<![\d/]\d)\d)/(\d\d)(?![\d/])",
        digit=4,
        at_digits=True,
        examples=("le ‹12/03›", "1/2"),
    ): _numeric,
    Rule(
        "date.dotted",
        r"\b(?:le|au|du|avant le) (\d{1,2})[.-](0[1-9]|1[0-2])(?!\d|[.,-]\d| ?(?:€|euros?|%))",
        digit=3,
        examples=("‹le 12.03›", "le 01.02.03.04.05", "du 12.05 €"),
    ): _numeric,
    Rule(
        "date.month-year",
        r"([01](?<![\d/][01])(?:(?<=0)[1-9]|(?<=1)[0-2]))/((?:19|20)\d\d)(?![\d/])",
        digit=6,
        at_digits=True,
        examples=("en ‹03/2024›", "13/2024"),
    ): lambda m: (None, int(m[1]), int(m[2])),
    Rule(
        "date.day",
        rf"\b(?:{any_of(_WEEKDAYS)} (\d{{1,2}}|1er)\b(?! ?(?:h|heures)\b)"
        rf"|le ({_DAY})(?= (?:du|de ce|de chaque) mois| (?:prochain|courant)\b))(?: (?:du|de ce|de chaque) mois)?",
        hint=(*_WEEKDAYS, "mois", "prochain", "courant"),
        examples=("‹lundi 12›", "‹le 5 de chaque mois›", "lundi 9 h"),
    ): lambda m: (_day(m[1] or m[2]), None, None),
    Rule(
        "date.day-alone",
        r"\b(?:aux (?:alentours|environs) du|autour du|vers le|avant le|apres le|a partir du|a compter du|jusqu'au"
        r"|d'ici (?:au|le)|au plus tard le) (\d{1,2}|1er)(?= ?[.,;:!?)](?!\d)| (?:du|de chaque|et|pour|au plus)\b|$)",
        hint=("tours du", "environs du", "vers le", "avant le", "apres le", "partir du", "compter du", "jusqu'au"),
        digit=True,
        examples=("payé ‹aux alentours du 10›.", "jusqu'au 39 39", "avant le 12e jour"),
    ): lambda m: (_day(m[1]), None, None) if _day(m[1]) < 32 else None,
    Rule(
        "date.year-in-words",
        rf"\b(?:en(?: l'an)?|depuis|annee|l'an|fin|debut|{any_of(MONTHS)}) (deux mille(?:[- ](?:{WORDS}))?"
        rf"|mille neuf cent(?:[- ](?:{WORDS}))?)\b",
        hint=("mille",),
        examples=("‹en deux mille vingt›", "deux mille euros"),
    ): lambda m: (None, None, int(value(m[1]))),
    Rule(
        "date.month",
        rf"(?:{_BRINGS})?{_MONTH} {_YEAR}\b|(?:{_BRINGS}|\b(?:de|entre|et|ou|apres) ){_MONTH}(?!-| (?:19|20)\d\d)"
        rf"|(?<![\w-]){_SURE_MONTH}",
        words=frozenset(MONTHS),
        examples=("‹en mars›", "‹juin 2023›", "mars est une planète"),
    ): lambda m: (None, month(m[1] or m[3] or m[4]), _year(m[2])),
    Rule(
        "date.year",
        r"\b(?=en |depuis |[12])(?<!n°)(?<!n° )(?<!numero )(?<!formulaire )(?<!imprime )(?<!cerfa )(?<!declaration )"
        # From 2040 on, a number is a tax form's unless a word brings it.
        rf"(?:en |depuis |(?!20[4-9])){_YEAR}\b(?![.,]\d|[-/]\d{{2,4}}\b"
        r"| ?(?:€|%|euros?|personnes|demandes|dossiers|usagers|agents|avis))",
        digit=True,
        examples=("‹en 2023›", "‹2031›", "l'annexe 2047", "le règlement 2016/679", "2000 euros"),
    ): lambda m: (None, None, int(m[1])),
}
table(*_READERS)


# "la rue du 8-Mai-1945", "le lycée du 11-Novembre": names of places, and no dates.
_PLACE_OF_DATE = re.compile(
    r"\b(?:rue|avenue|boulevard|place|square|quai|pont|cours|allees?|esplanade|impasse|lycee|college|ecole|arret|station"
    rf"|stade|salle|gymnase|caserne|residence|victoire) (?:du |de la )?(?:{_DAY_NUMBER}|1er|premier|quatre|huit|onze"
    rf"|quatorze|dix-neuf)[ -]{_MONTH}(?:[ -]{_YEAR})?"
)


def named_after_dates(text: Text) -> list[tuple[int, int]]:
    """List the places that a date is the name of."""
    return [match.span() for match in _PLACE_OF_DATE.finditer(text.folded)]


def dates(text: Text) -> Iterator[Mention]:
    """Yield every date once; its value is (day, month, year), None for what the text does not say."""
    for rule, read in _READERS.items():
        its = [*in_turn(text, [rule])]
        for one in its:
            if (date := read(one.match)) is not None:
                yield Mention("date", one.start, one.end, date, rule.name)
        text = text.blanked((one.start, one.end) for one in its)


_NAMED_MONTH, _ANY_YEAR = re.compile(rf"\b{_MONTH}"), re.compile(rf"(?<!\d){_YEAR}(?!\d)")
_LE_DAY = re.compile(r"\b(?:le|les|du|au|et) (\d{1,2}|1er)\b")


def loose_dates(text: Text) -> set[Moment]:
    """List any month or year that a text so much as names, and any day after "le", with each of the months."""
    named = {(None, month(m[1]), None) for m in _NAMED_MONTH.finditer(text.folded)}
    years = {(None, None, int(year)) for year in _ANY_YEAR.findall(text.folded)}
    days = {_day(day) for day in _LE_DAY.findall(text.folded)}
    return named | years | {(day, month, None) for day in days for month in (None, *(part[1] for part in named))}


_FIRST_HOURS = any_of(word for word in number_words(1, 16) if word != "un")
_HOUR = rf"\d{{1,2}}|{_FIRST_HOURS[3:-1]}|dix-sept|dix-huit|dix-neuf|vingt"
_IN_WORDS = "cinq|dix|quinze|vingt(?:[- ]cinq)?|(?:trente|quarante|cinquante)(?:[- ]cinq)?"
# "neuf heures vingt", "dix heures moins le quart", "3 heures de l'après-midi".
_SPELLED_MINUTES = re.compile(
    rf" (?:(moins )?(?:le |un )?(?:(quart)|({_IN_WORDS}))|et (?:(quart)|(demie?)))\b(?! (?:minutes|d[e']))"
)
_AFTER_NOON = re.compile(r" ?(?:de l'apres-midi|du soir)\b")
# A time of day has minutes, or a word before it that no length of time has. "de 9 h" wants an end: "à 12 h".
# Read with its accents: "il y a une heure" is a length of time, "à une heure" is not.
_CLOCK = table(
    Rule(
        "time.clock",
        rf"(?<![\w,.])(?:(?:(?<!\b[1-5] )(?<!deux )(?<!trois )(?<!quatre )à|(?:dès|jusqu'à|(?:à partir|à compter"
        rf"|au-delà) de|passé|avant|après|vers(?: les)?|sur le coup de|entre|et)) ({_HOUR}) ?(?:h"
        rf"|heures?)(?: ?([0-5]\d))?(?! ?/)\b"
        r"(?! (?:de(?! l'après-midi)|d'|par|sur|plus)\b| d')"
        rf"|de ({_HOUR}) ?(?:h|heures?)?(?: ?([0-5]\d))?(?= ?(?:à|-|jusqu'à) ?(?:midi|(?:(?<=h à )(?:{_HOUR})"
        rf"|(?<=h-)(?:{_HOUR})|(?<=\d\d à )(?:{_HOUR})|[89]|1\d|2[0-3]) ?(?:h|heures?)))"
        r"|([01]?\d|2[0-3]) ?(?:h|heures?|:) ?([0-5]\d)(?![\d:])"
        r"|([01]?\d|2[0-3]) ?h(?: ?([0-5]\d))?(?= ?[-–/à] ?(?:[01]?\d|2[0-3]) ?h)"
        r"|(?<=\dh[-–/])([01]?\d|2[0-3]) ?h\b()"
        rf"|\b({_HOUR}) ?(?:h|heures?) ?([0-5]\d)? (?=(?:pass|sonn)ées?\b|tapantes?\b|précises?\b|pile\b))",
        hint=(":",),
        words=frozenset(("h", "heure", "heures", "midi")),
        reads="lower",
        examples=(
            "‹à 9 h 30›",
            "‹14h15›",
            "‹de 9 h› ‹à 12 h›",
            "‹de 9 ›à midi",
            "une fois ‹vingt heures ›passées",
            "il y a une heure",
            "les dix heures",
        ),
    )
)
# "midi" and "minuit" after what brings a time of day.
_NOON = table(
    Rule(
        "time.noon",
        r"(?<![\w-])(?:a|jusqu'a|des|avant|de|entre|et|vers) (midi|minuit)\b(?! et deux)",
        hint=("midi", "minuit"),
        unless=before(r"\b(?:pause|repas|coupure|service|dejeuner|menu|demon|soleil) ", 14),
        examples=("ouvert ‹à midi›", "la pause de midi", "entre midi et deux"),
    )
)
_RELATIVE_DAY = table(
    Rule(
        "date.weekday",
        rf"\b({any_of(_WEEKDAYS)}) (?:prochain|dernier)\b",
        hint=("prochain", "dernier"),
        examples=("‹lundi prochain›", "le mois prochain"),
    )
)


def times(text: Text) -> Iterator[Mention]:
    """Yield times of day; the value is (hour, minute)."""
    for start, end, rule, m in in_turn(text, _CLOCK):
        hour, minute = next((m[i], m[i + 1]) for i in (1, 3, 5, 7, 9, 11) if m[i])
        if value(hour) < 24:
            end, time = _moment(hour, minute, text.folded, end)
            yield Mention("time", start, end, time, rule.name)


def _moment(hour: str, minute: str | None, folded: str, end: int) -> tuple[int, tuple[float, float]]:
    """Give hour and minute, with what is told of them in the words after `end`, and where those end."""
    hours, minutes = value(hour), value(minute or "0")
    if not minute and (spelled := _SPELLED_MINUTES.match(folded, end)):
        end, less, number = spelled.end(), spelled[1], spelled[3]
        minutes = value(number) if number else 30.0 if spelled[5] else 15.0
        hours, minutes = ((hours - 1) % 24, 60 - minutes) if less else (hours, minutes)
    if hours < 12 and (late := _AFTER_NOON.match(folded, end)):
        return late.end(), (hours + 12, minutes)
    return end, (hours, minutes)


def named_times(text: Text) -> Iterator[Mention]:
    """Yield "midi", "minuit" and "lundi prochain"; the value is the word."""
    for start, end, rule, m in in_turn(text, (*_NOON, *_RELATIVE_DAY)):
        yield Mention("named time", start, end, m[1], rule.name)


_ANY_HOUR = re.compile(rf"(?<![\d\w])({_HOUR}) ?(?:h|heures?|:)(?: ?(\d\d))?(?!\w)")
_FROM_HOUR = re.compile(r"(?:de|entre) (\d{1,2}) (?:a|et) \d{1,2} ?h")
NOON = {"midi": (12.0, 0.0), "minuit": (0.0, 0.0)}


def loose_times(text: Text) -> set[tuple[float, float]]:
    """List any number of hours or with a colon, whatever it counts, as a time of day."""
    said = {_moment(m[1], m[2], text.folded, m.end())[1] for m in _ANY_HOUR.finditer(text.folded)}
    said |= {(value(hour), 0.0) for hour in _FROM_HOUR.findall(text.folded)}
    return said | {time for word, time in NOON.items() if word in text.folded}
