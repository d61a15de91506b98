"""Says whether a text that was given holds a fact that a draft tells: by its value, rounded where told so."""

import re
from collections.abc import Hashable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from plume.checks import derived
from plume.checks.stems import stem
from plume.contacts import national
from plume.french.mentions import Mention
from plume.french.mentions.amounts import amounts, loose_amounts
from plume.french.mentions.contacts import contacts, is_doubtful, without_contacts
from plume.french.mentions.counts import counts
from plume.french.mentions.dates import Moment, dates, loose_dates, loose_times, times
from plume.french.mentions.durations import durations, without_always_open
from plume.french.mentions.laws import laws
from plume.french.mentions.web import address
from plume.french.numbers import NUMBER, value
from plume.french.rules import Text, reading
from plume.passages import Shown


class Known(NamedTuple):
    """What a text holds: the values of each kind, every number, the text folded, runs of digits as phones have them.

    "dans le mois" is among the lengths of time, as one of its unit. `updated` is known only with its year.
    """

    values: dict[str, frozenset[Hashable]]
    numbers: frozenset[float]
    text: str
    digits: frozenset[str]
    nouns: frozenset[str]
    link: str = ""
    updated: Moment | None = None


def whole(one: Shown) -> str:
    """Write all that a passage shows, a line each."""
    return "\n".join(filter(None, (one.title, one.text, one.url)))


def of_passage(one: Shown) -> Known:
    """What a passage holds: its title, its text, its date and its link."""
    told = known(whole(one))
    updated = next((each.value for each in dates(reading(one.updated_on))), None) if one.updated_on else None
    return told._replace(link=address(one.url) if one.url else "", updated=updated)


@lru_cache(maxsize=32)
def loosely_known(text: str) -> Known:
    """`known` of what a citizen wrote: a bare number may be a sum, "le 3" a day, what follows from dates a length."""
    told, left = known(text), without_contacts(reading(text))
    loose = {
        "amount": loose_amounts(left) | derived.sums(text),
        "date": loose_dates(left),
        "time": loose_times(left),
        "duration": {(length,) for length in derived.lengths(text)},
    }
    return told._replace(
        values=told.values | {kind: told.values.get(kind, frozenset()) | loose[kind] for kind in loose}
    )


@lru_cache(maxsize=1 << 10)
def known(text: str) -> Known:
    """List the facts of a text that was given, and what may be meant by one."""
    whole = reading(text)
    values: dict[str, set[Hashable]] = {}
    found = mentions(whole)
    for one in found:
        values.setdefault(one.kind, set()).add(one.value)
    values.setdefault("duration", set()).update((float(_HOURS[m[1]]),) for m in _THAT_UNIT.finditer(whole.folded))
    values["duration"].update((_PERIODS[m[1]],) for m in _EVERY.finditer(whole.folded))
    numbers = frozenset(value(m[0]) for m in _ANY_NUMBER.finditer(without_contacts(whole).folded))
    numbers |= values.get("count", set()) | {_number_of(one, whole) for one in found if one.rule == "duration.nth"}
    digits = frozenset(national(match[0]) for match in CLUMP.finditer(whole.folded))
    nouns = frozenset(noun for one in found if one.kind == "count" and (noun := noun_after(whole.folded, one.end)))
    return Known({kind: frozenset(its) for kind, its in values.items()}, numbers, whole.folded, digits, nouns)


def noun_after(folded: str, at: int) -> str:
    """Give the stem of what a number counts: the word after it, or the one after that."""
    match = _NOUN.match(folded, at)
    return stem(match[1]) if match else ""


CLUMP = re.compile(r"\+?\d(?:[ .\-/()]{0,3}\d)*")
_NOUN = re.compile(
    r" ?(?:(?:premiers?|premieres?|derniers?|dernieres?|autres?|nouveaux|nouvelles?|grandes?|memes?) )?([a-z]{3,})"
)
_ANY_NUMBER = re.compile(NUMBER)
# "les 60 derniers mois", "12 mensualités": lengths that no bare number before a unit tells; "au dixième jour".
_LAST = re.compile(
    rf"({NUMBER}) (?:(?:derniere?s|premiere?s|prochaine?s|precedente?s|suivante?s) (jours|semaines|mois|annees)"
    r"|(?:mensualites|echeances mensuelles|loyers))\b"
)
_OF_LAST = ("dernier", "premier", "prochain", "precedent", "suivant", "mensu", "loyers")
_NTH = re.compile(r" (jour)\b")
_PERIODS = {"bimestriel": 1460.0, "trimestriel": 2190.0, "semestriel": 4380.0}
_PERIODS["avant-derniere annee"] = 2 * 8760.0
_EVERY = re.compile(rf"\b({'|'.join(_PERIODS)})")  # are told as "tous les trois mois", "d'il y a deux ans"
# "dans le mois qui suit" is a month, "le lendemain" a day; "neuf mois dans l'année" is how often.
_THAT_UNIT = re.compile(
    r"(?<!fois )(?<!jours )(?<!semaines )(?<!mois )"
    r"\b(?:(?:dans|sous|durant|pendant) (?:le |la |l')|au cours (?:du |de la |de l')|(?=lendemain))"
    r"(mois|annee|semaine|journee|trimestre|lendemain)\b"
)


def mentions(text: Text) -> list[Mention]:
    """List what a text tells of every kind, in order."""
    return text.once(_mentions)


def _mentions(text: Text) -> list[Mention]:
    return mentions_of(contacts(text), without_contacts(text), text)


def mentions_of(found: Iterable[Mention], left: Text, text: Text) -> list[Mention]:
    """List the contacts that were found, and what is left of each other kind. What one reads is none for the next."""
    found = [one for one in found if not is_doubtful(one, text)]
    left = without_always_open(left)
    for kind, finder in _FINDERS:
        its = [one._replace(kind=kind) for one in finder(left)]
        left = left.blanked((one.start, one.end) for one in its)
        found += its if kind != "count" else [_nth(one, text) for one in its]
    return sorted(found, key=lambda one: one.start)


def _number_of(one: Mention, text: Text) -> float:
    """Give the number of an ordinal that is read as a length."""
    return round(one.value[0] / _HOURS[_NTH.match(text.folded, one.end)[1]])


def _nth(one: Mention, text: Text) -> Mention:
    """Read "au dixième jour" as ten days."""
    unit = _NTH.match(text.folded, one.end) if one.rule == "count.ordinal" else None
    return one._replace(kind="duration", value=(one.value * _HOURS[unit[1]],), rule="duration.nth") if unit else one


def _lengths(text: Text) -> Iterator[Mention]:
    """Yield the lengths of time, and "dans le mois" as one of its unit."""
    its = [*durations(text, unsure=True)]
    yield from its
    for match in _LAST.finditer(text.folded) if any(hint in text.folded for hint in _OF_LAST) else ():
        hours = _HOURS[match[2].rstrip("s")] if match[2] and match[2] != "mois" else _HOURS["mois"]
        number = value(match[1])
        number = {8: 7, 15: 14}.get(number, number) if hours == _HOURS["jour"] else number
        yield Mention("duration", *match.span(), (float(number * hours),), "duration.last")
    for match in _THAT_UNIT.finditer(text.folded):
        if match[1] in _LONG and not any(one.start <= match.start() < one.end for one in its):
            yield Mention("duration", *match.span(), (float(_HOURS[match[1]]),), "duration.that-unit")


_LONG = ("mois", "annee", "trimestre")
_FINDERS = (
    ("law", laws),
    ("amount", amounts),
    ("date", dates),
    ("time", times),
    ("duration", _lengths),
    ("count", counts),
)


def holds(told: Known, one: Mention, text: Text) -> bool:
    """Say whether a text holds a fact of a draft, by its value, or rounded where the draft says so."""
    values = told.values.get(one.kind, frozenset())
    match one.kind:
        case "amount":
            number, unit = one.value
            return one.value in values or _is_rounded(number, (n for n, u in values if u == unit), one, text)
        case "date":
            dates = values | {
                (None, (m - 2) % 12 + 1, y) for d, m, y in values if d == 1 and m
            }  # "avant le 1er juillet"
            if told.updated and one.value[2] and agrees(one.value, told.updated):
                return True
            return any(agrees(one.value, date) for date in dates) or _is_day_of(told, one.value)
        case "duration":
            return all(_holds_length(told, length, one, text) for length in one.value)
        case "time":
            return one.value in values or one.value in loose_times(reading(told.text))
        case "count":
            return one.value in told.numbers or _is_rounded(one.value, told.numbers, one, text)
        case "phone":
            number = national(one.value)
            return any(number == national(value) for value in values) or (number.isdigit() and number in told.digits)
        case "url":
            return one.value in values or any(one.value == value.partition("/")[0] for value in values)
        case "law":
            return one.value in values or any(str(value).startswith(f"{one.value}du") for value in values)
    return one.value in values


def agrees(said: tuple, given: tuple) -> bool:
    """Say whether a date is one that was given, told as exactly or less."""
    return all(part is None or part == known for part, known in zip(said, given, strict=True))


def _is_day_of(told: Known, date: tuple) -> bool:
    """Say whether "le premier du mois" is told as "le premier jour du mois"."""
    day, month, year = date
    if month or year:
        return False
    return day in told.numbers or (day == 1 and re.search(r"\b(?:premier|1er)\b", told.text) is not None)


def same_length(one: float, other: float) -> bool:
    """Say whether two lengths, in hours, are one: a month is thirty days, or 730 hours."""
    return abs(one - other) < 1e-3 or (min(one, other) >= 700 and abs(one - other) <= 0.0151 * max(one, other))


def _holds_length(told: Known, length: float, one: Mention, text: Text) -> bool:
    values = {other for value in told.values.get("duration", ()) for other in value}
    if any(same_length(length, other) for other in values):
        return True
    said = _UNIT.search(text.folded, one.start, one.end)
    unit = said[0].rstrip("s") if said and said[0] != "mois" else "mois"
    number = length / _HOURS[unit] if unit in _HOURS else 0
    if number == 1:  # "par nuit", "chaque mois" say one, but for a deadline
        unit = "jour" if unit == "journee" else unit
        by = _A_UNIT if unit in ("mois", "an", "annee", "semaine", "jour", "heure") else _THE_UNIT
        ahead = derived.is_ahead(text, one.start)
        return not ahead and re.search(by.format(unit), told.text) is not None
    if unit == "heure" and (number, 0.0) in loose_times(reading(told.text)):
        return True  # "de neuf heures à dix-huit heures"
    if unit == "an" and _UP_TO.search(text.folded, max(0, one.start - 24), one.start):
        return re.search(rf"\b(?:moins de|avant) {number + 1:g} ans\b", told.text) is not None
    if number == 2 and re.search(rf"\bplus d'une? {unit}\b", told.text):
        return True
    if f"{number:g}e" in told.text and re.search(rf"\b{number:g}e(?:me)?\b", told.text):
        return True  # "le 60e jour" is 60 days on
    rough = _ROUGHLY.search(text.folded, max(0, one.start - 40), one.start)
    return (bool(rough) or one.rule == "duration.rough") and derived.near(length, values, 0.1)


_UNIT = re.compile(r"\b(?:nuit|journee|heure|jour|semaine|mois|trimestre|semestre|annee|an|minute)s?\b")
_HOURS = {"nuit": 24, "journee": 24, "heure": 1, "jour": 24, "semaine": 168, "mois": 730, "trimestre": 2190}
_HOURS |= {"lendemain": 24, "semestre": 4380, "annee": 8760, "an": 8760, "minute": 1 / 60}
_UP_TO = re.compile(r"\bjusqu'a(?:ux?)? (?:l'age de )?$")
_A_UNIT, _THE_UNIT = r"\b(?:par|chaque) {}\b", r"\b(?:par |chaque |la |le |du |au |l'){}\b"
_ROUGHLY = re.compile(
    r"(?:\b(?:pres d|presque|environ|plus d|moins d|autour d|aux alentours d|un peu|legerement|approch\w+|frol\w+"
    r"|depass\w+|exced\w+|vers|avoisin\w+|quelque|a peine|au-?dela|superieu\w+|inferieu\w+|sous l|proche"
    r"|ordre d|arrondi\w*|aux environs|voisin\w*|quasi\w*)\b[^\d,.;:]{0,25})$"
)
_UP, _DOWN = re.compile(r"plus d|depass|exced|au-?dela|superieu"), re.compile(r"moins d|inferieu|sous l")


def _is_rounded(said: float, values: Iterable[float], one: Mention, text: Text) -> bool:
    """Say whether a number is one that was given, told as a rounded one, with fewer digits that count: 300 of 298."""
    before = _ROUGHLY.search(text.folded, max(0, one.start - 40), one.start)
    if not before and not derived.is_rough(text, one.start, one.end) and one.rule not in _ROUGH_RULES:
        return False
    up, down = (bool(before and way.search(before[0])) for way in (_UP, _DOWN))
    return any(
        abs(said - true) <= 0.1 * max(said, true)
        and (_digits(said) < _digits(true))
        and not (up and said > true)
        and not (down and said < true)
        for true in values
    )


_ROUGH_RULES = ("amount.rough", "count.rough")


def _digits(number: float) -> int:
    """Count the digits that count: two of 300.5's four would be "300"'s one."""
    return len(f"{number:.2f}".replace(".", "").strip("0")) or 1
