"""Works out what follows from what was given: the time between two hours or dates, sums, differences, a season.

A reply may say "vingt-cinq minutes d'attente" of "convoquée à 9h15, reçue à 9h40": nothing was invented. It may also
round: "près d'une heure", "plus de 1 200 euros". What is worked out holds for what happened, never for a term to come.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations

from plume.french.mentions.amounts import amounts, loose_amounts
from plume.french.mentions.calendar import FEASTS, calendar_words
from plume.french.mentions.contacts import rest
from plume.french.mentions.dates import Moment, dates, loose_dates, loose_times
from plume.french.mentions.durations import durations
from plume.french.numbers import NUMBER, value
from plume.french.rules import Text
from plume.french.vocabulary import folded

_DAY, _WEEK, _MONTH, _YEAR = 24.0, 168.0, 730.0, 8760.0
_MOST = 14  # values of one text that are combined: a longer list would let anything follow
# "sous deux mois", "dans un délai de": a term, whatever the length is.
_AHEAD = re.compile(
    r"\b(?:sous|d'ici|dans|delais?(?: maximum| maximal| moyen)?(?: est)? d[e']|comptez|compter|prevo\w+"
    r"|valables?|valide"
    r"|dispos\w+|beneficie\w*|d'ordinaire|generalement|en general|en principe|habituellement|en moyenne|au plus"
    r"|maximum|prolong\w+|renouvel\w+)"
    r"[^.!?;,\n]{0,25}$"
)
_ROUGHLY = re.compile(
    r"\b(?:pres d[e']|presque|environ|quasi(?:ment)?|plus d[e'](?: l')?|moins d[e']|quelques?|bonnes?|bons?|petite?s?"
    r"|autour d[e'] ?|aux alentours d[e']|a peine|un peu|approch\w+|frol\w+|depass\w+|dans les|vers|avoisin\w+"
    r"|ou presque)"
    r"(?: les| des)? ?$"
)
_ROUGHLY_AFTER = re.compile(r" ?(?:environ|et quelques?|ou presque|a peine|tout rond|et des poussieres|bien tass)")
_SEASONS = {**dict.fromkeys((3, 4, 5, 6), "printemp"), **dict.fromkeys((12, 1, 2), "hiver")}
_SEASONS |= {7: "ete", 8: "ete", 9: "automne", 10: "automne", 11: "automne"}
_ALSO = {6: "ete", 9: "ete", 12: "automne", 3: "hiver"}  # months of two seasons
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_WEEKDAYS = folded("weekdays")
_COUNTED = re.compile(rf"({NUMBER})(?: ?[x×]| [a-z]{{1,20}}s\b)")
_SECONDS = re.compile(r"(?<![\d,.])(\d{1,3}) ?s(?:ec)?\b(?!')")
_ORDINAL = re.compile(
    r"\b(\d{1,2})(?:er?|eme|ieme|e?re|nde?) (annee|mois|semaine|journee|trimestre)\b"  # "11e année d'attente"
)
_UNITS = (1.0, _DAY, _WEEK, _MONTH, 3 * _MONTH, _YEAR)
_UNIT_NAMED = {
    "semaine": _WEEK,
    "mois": _MONTH,
    "annee": _YEAR,
    "an": _YEAR,
    "journee": _DAY,
    "matinee": 4.0,
    "trimestre": 3 * _MONTH,
    "nuit": _DAY,
    "weekend": 2 * _DAY,
    "end": 2 * _DAY,
}


def is_ahead(text: Text, start: int) -> bool:
    """Say whether what begins at `start` is a term to come, which nothing given can imply."""
    return _AHEAD.search(text.folded, max(0, start - 60), start) is not None


def is_rough(text: Text, start: int, end: int) -> bool:
    """Say whether a value is told as a rounded one."""
    before = _ROUGHLY.search(text.folded, max(0, start - 24), start)
    return bool(before or _ROUGHLY_AFTER.match(text.folded, end))


def near(one: float, others: Iterable[float], margin: float = 0.15) -> bool:
    """Say whether a value is another one, rounded."""
    return any(abs(one - other) <= margin * max(one, other) for other in others)


@lru_cache(maxsize=32)
def lengths(given: str) -> frozenset[float]:
    """List the lengths of time, in hours, that follow from a text."""
    text = rest(given)
    hours = sorted({hour + minute / 60 for hour, minute in loose_times(text)})[:_MOST]
    noons = {noon - hour for hour in hours for noon in (12, 24) if 0 < noon - hour < 1}  # "dix minutes avant minuit"
    told = {length for one in durations(text, unsure=True) for length in one.value}
    numbers = _numbers(text)
    found = {gap for early, late in combinations(hours, 2) for gap in (late - early, 24 - late + early)}
    found |= noons | {other for length in told for other in _in_other_units(length)}
    if len(hours) == 4:  # open in the morning and in the afternoon
        found.add(hours[1] - hours[0] + hours[3] - hours[2])
    if "week" in text.words or "weekend" in text.words:
        found |= {2 * _DAY * number for number in numbers if number < 9}
    found |= {a + b for a, b in combinations(sorted(told)[:_MOST], 2)} | {
        abs(a - b) for a, b in combinations(sorted(told)[:_MOST], 2)
    }
    found |= {one for length in told for n in numbers if 1 < n < 13 for one in (length * n, length / n)}
    found |= {unit for word, unit in _UNIT_NAMED.items() if word in text.words}
    counted = numbers | {abs(a - b) for a, b in combinations(sorted(numbers)[:_MOST], 2)}
    # "au bout de 4 jours alors que l'avis disait 15": the unit goes without saying.
    found |= {_days(n) if unit == _DAY else n * unit for unit in _UNITS if _of_unit(told, unit) for n in counted}
    found |= {int(match[1]) / 3600 for match in _SECONDS.finditer(text.folded)}
    found |= {(int(m[1]) - less) * _UNIT_NAMED[m[2]] for m in _ORDINAL.finditer(text.folded) for less in (0, 1)}
    found.add(_DAY * len(_WEEKDAYS & text.words))
    moments = sorted(
        {one.value for one in dates(text)} | loose_dates(text), key=lambda moment: [part or 0 for part in moment]
    )
    found |= {gap for a, b in combinations(moments[: 2 * _MOST], 2) for gap in _between(a, b)}
    return frozenset(round(one, 4) for one in found if one > 0)


def _in_other_units(length: float) -> set[float]:
    """Give a length as other units tell it: "trente jours" and "quatre semaines" for a month."""
    months, weeks = length / _MONTH, length / _WEEK
    if not 1 <= weeks <= 120:
        return set()
    found = {_MONTH * round(2 * months) / 2, _WEEK * round(weeks)} if months >= 0.9 else set()
    return found | {_DAY * days * months for days in (30, 31) if months.is_integer()} | {4 * months * _WEEK}


def _days(count: float) -> float:
    """Give the hours of some days: "huit jours" and "quinze jours" are a week and two."""
    return _DAY * {8: 7, 15: 14}.get(count, count)


def _of_unit(told: set[float], unit: float) -> bool:
    return any(length % unit == 0 and length < 400 * unit and (unit > 1 or length % _DAY) for length in told)


def _numbers(text: Text) -> set[float]:
    found = {value(match[0]) for match in re.finditer(NUMBER, text.folded)}
    return {number for number in found if number <= 366}


def _between(a: Moment, b: Moment) -> set[float]:
    """Give the lengths, in hours, by which two dates may be told apart: in days, weeks, months, years."""
    (day, month, year), (other_day, other_month, other_year) = a, b
    found: set[float] = set()
    years = abs(year - other_year) if year and other_year else None
    if years:
        found.add(years * _YEAR)
    if month and other_month and month != other_month:
        gap = (other_month - month) % 12
        exact = abs(12 * (year - other_year) + month - other_month) if year and other_year else None
        found |= {months * _MONTH for months in ((gap, 12 - gap) if exact is None else (exact,))}
    days: set[int] = set()
    if day and other_day:
        if month and other_month:
            gap = abs(_DAYS_BEFORE[month - 1] + day - _DAYS_BEFORE[other_month - 1] - other_day)
            days = {gap, 365 - gap}
        elif (month is None) != (other_month is None) or month is None:
            days = {abs(day - other_day)}
    for count in days:
        found |= {_days(count), _days(count + 1)}
        # Nearly so many weeks or months are so many.
        found |= {_WEEK * n for n in ((count + 1) // 7, round(count / 7)) if n and abs(count - 7 * n) < 3}
        found |= {_MONTH * n for n in (round(count / 30.4),) if n and abs(count - 30.4 * n) < 6}
    return found


@lru_cache(maxsize=32)
def moments_of_day(given: str) -> frozenset[tuple[float, float]]:
    """List the times of day that follow from a text: "neuf heures, avec vingt minutes de retard"."""
    text = rest(given)
    told = {length for one in durations(text, unsure=True) for length in one.value if length < 12}
    minutes = {
        round((60 * hour + minute + sign * 60 * length) % 1440)
        for hour, minute in loose_times(text)
        for length in told
        for sign in (1, -1)
    }
    return frozenset((float(at // 60), float(at % 60)) for at in minutes)


def is_about(said: str, time: tuple[float, float], hours: Iterable[tuple[float, float]]) -> bool:
    """Say whether a given hour is told by a bound or roughly: "avant huit heures" of 7h42, "vers 9 heures"."""
    at = 60 * time[0] + time[1]
    at = at or (1440 if said.startswith("avant") else 0)  # midnight
    gaps = [60 * hour + minute - at for hour, minute in hours]
    if said.startswith("avant"):
        return any(-60 <= gap < 0 for gap in gaps)
    if said.startswith(("apres", "passe", "au-dela")):
        return any(0 < gap <= 60 for gap in gaps)
    return said.startswith(("vers", "pres")) and any(abs(gap) <= 30 for gap in gaps)


@lru_cache(maxsize=32)
def sums(given: str) -> frozenset[tuple[float, str]]:
    """List the amounts and rates that follow from a text: sums, differences, so many times one, a share of one."""
    text = rest(given)
    told = {number for number, unit in {one.value for one in amounts(text)} if unit == "€"}
    bare = {number for number, unit in loose_amounts(text) if unit == "€"} - _years(text)
    told = told or bare  # "loyer 612, APL 214": no currency is told at all
    every = sorted(told | bare)[:_MOST]
    found = {a + b for a, b in combinations(every, 2)} | {b - a for a, b in combinations(every, 2)}
    found |= {sum(told), sum(every)} | {float(int(one)) for one in told}
    counts = {value(match[1]) for match in _COUNTED.finditer(text.folded)}
    found |= {one * n for one in told for n in counts if 1 < n <= 60} | {
        one / n for one in told for n in counts if 1 < n <= 60 and (100 * one / n).is_integer()
    }
    found |= {one * n + other for one in told for other in told - {one} for n in counts if 1 < n <= 60}
    shares = {100 * share for a, b in combinations(every, 2) if a and b for share in (a / b, 1 - a / b, b / a - 1)}
    shares = {rounded for share in shares for rounded in (int(share), round(share), round(share, 1))}
    return frozenset({(round(one, 2), "€") for one in found} | {(float(one), "%") for one in shares if one})


def _years(text: Text) -> set[float]:
    return {float(one.value[2]) for one in dates(text) if one.value[2]}


@lru_cache(maxsize=32)
def calendar_of(given: str) -> frozenset[str]:
    """List the words of the calendar that a text names, and those that follow: the season of a month, a week-end."""
    text = rest(given)
    words = calendar_words(text.folded)
    months = {one.value for one in dates(text)} | loose_dates(text)
    words |= {season for _, month, _ in months if month for season in (_SEASONS[month], _ALSO.get(month, ""))}
    words |= {"noel" for day, month, _ in months if month == 12 and (day is None or day > 14)}
    words |= {feast for feast, date in FEASTS.items() if date in {(day, month) for day, month, _ in months}}
    if any(month in (7, 8) for _, month, _ in months):
        words |= {"vacance"}
    if "week-end" in words or "weekend" in text.folded or "week end" in text.folded:
        words |= {"week-end", "samedi", "dimanche"}
    if {"samedi", "dimanche"} <= words:
        words |= {"week-end"}
    for hour, _ in loose_times(text):
        words |= {"matin" if hour < 12 else "midi" if hour < 14 else "soir"} | (
            {"apres-midi"} if 12 <= hour < 19 else set()
        )
    return words
