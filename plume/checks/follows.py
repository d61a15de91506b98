"""Says whether a value follows by one step from what passages and review hold: another unit, a sum, a date reckoned.

"405 €" of 180 € that are added to 225 €, "le 3 novembre" of an accident on 3 March and an offer due in 8 months. What
is multiplied must be told beside its factor: else twice a price would follow from the price.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import combinations

from plume.checks import derived
from plume.checks.case import Case
from plume.checks.held import known, same_length
from plume.french.mentions import Mention
from plume.french.numbers import NUMBER, UNITS, value
from plume.french.text import fold

_DAY, _MONTH = 24.0, 730.0
# What a passage adds to a length: "en secteur protégé, ajoutez un mois".
_ADDS = re.compile(r"\b(?:ajoutez?|s'ajoutent?|rajoute\w*|allonge\w*|prolonge(?:e?s?|nt)? d[e']|augmente\w* d[e'])")
_NEXT_MONTH = re.compile(r"\bmois (?:suivant|d'apres|qui suit|prochain)")
_LAST_DAY = re.compile(r"\b(?:dernier jour|fin) (?:du|de ce|de chaque) (?:meme )?mois")
_UPPER = re.compile(rf"\b({UNITS}) $")
_IN_A_YEAR = 12.0
_MARGIN = 0.05  # how far a value told roughly may be from the true one


def follows(case: Case, one: Mention, every: Iterable[Mention], texts: Sequence[str], given: str) -> bool:
    """Say whether a value of a draft follows from a passage, or from one and what was given or is told beside it."""
    match one.kind:
        case "amount":
            return _is_reckoned(case, one, every, texts, given)
        case "duration":
            return all(any(_is_sum(length, each) for each in texts) for length in one.value)
        case "date":
            return any(_agree(one.value, each) for text in texts for each in _moments(text, given))
        case "count":
            return any(_is_part(case, one, text) or _is_last_day(one, text) for text in texts)
    return False


def _is_part(case: Case, one: Mention, text: str) -> bool:
    """Say whether an ordinal is the lower part of a rate's fraction: "un dixième" of 10 %."""
    upper = one.rule == "count.ordinal" and _UPPER.search(case.text.folded, max(0, one.start - 12), one.start)
    if not upper:
        return False
    share = 100 * value(upper[1]) / float(one.value)
    return any(unit == "%" and abs(share - rate) < 1 for rate, unit in known(text).values.get("amount", ()))


def _is_last_day(one: Mention, text: str) -> bool:
    return one.value in (28, 29, 30, 31) and bool(_LAST_DAY.search(known(text).text))


def _is_reckoned(case: Case, one: Mention, every: Iterable[Mention], texts: Sequence[str], given: str) -> bool:
    number, unit = one.value
    if any(_is(case, one, number, other) for text in texts for other in _sums(text, unit)):
        return True
    if unit != "€":
        return False
    start, end = _around(case.draft, one)
    told = [each for each in every if start <= each.start < end and each.start != one.start]
    bases = {each.value[0] for each in told if each.kind == "amount" and each.value[1] == "€"}
    bases |= {n for n, u in known(given).values.get("amount", ()) if u == "€"}
    factors = {n for each in told if each.kind in ("count", "duration") for n in _numbers(case, each)} | {_IN_A_YEAR}
    if any(_is(case, one, number, reckoned) for base in bases for n in factors for reckoned in (base * n, base / n)):
        return True
    shares = {n for text in texts for n, u in known(text).values.get("amount", ()) if u == "%"}
    return any(_is(case, one, number, base * share / 100) for base in bases for share in shares)


def _numbers(case: Case, one: Mention) -> Iterator[float]:
    """Yield the numbers of a count or of a length of time: so many times something."""
    for match in _NUMBERS.finditer(case.text.folded, one.start, one.end):
        if 1 < (number := value(match[0])) <= _MOST:
            yield number


_MOST = 60
_NUMBERS = re.compile(NUMBER)


def _is(case: Case, one: Mention, said: float, true: float) -> bool:
    """Say whether a value is one that was reckoned, or is it roughly where it is told so."""
    rough = one.rule.endswith("rough") or derived.is_rough(case.text, one.start, one.end)
    return abs(said - true) <= (_MARGIN * true if rough else 0.006)


def _around(draft: str, one: Mention) -> tuple[int, int]:
    """Give where the sentence of a value begins and ends, the one before it included."""
    start = max((m.end() for m in _STOP.finditer(draft, 0, one.start)), default=0)
    end = _STOP.search(draft, one.end)
    return start, end.start() if end else len(draft)


_STOP = re.compile(r"[.!?] +|\n")


@lru_cache(maxsize=1 << 10)
def _sums(text: str, unit: str) -> frozenset[float]:
    """List the sums and differences of two amounts of a text; the rest of a rate to a hundred."""
    its = sorted(n for n, u in known(text).values.get("amount", ()) if u == unit)
    found = {b - a for a, b in combinations(its, 2)} | {a + b for a, b in combinations(its, 2)}
    return frozenset(round(n, 2) for n in (found | {100 - n for n in its} if unit == "%" else found) if n > 0)


@lru_cache(maxsize=1 << 10)
def _lengths(text: str) -> frozenset[float]:
    return frozenset(length for each in known(text).values.get("duration", ()) for length in each)


def _is_sum(length: float, text: str) -> bool:
    its = _lengths(text)
    if any(same_length(length, other) for other in its):
        return True
    return any(same_length(length, other + more) for more in _added(text) for other in its - {more})


@lru_cache(maxsize=1 << 10)
def _added(text: str) -> frozenset[float]:
    """List the lengths that a passage adds to others: those of the sentences that say so."""
    return frozenset().union(*(_lengths(each) for each in _STOP.split(text) if _ADDS.search(fold(each))))


@lru_cache(maxsize=1 << 8)
def _moments(text: str, given: str) -> frozenset[tuple[int | None, int | None, int | None]]:
    """List the days and months that a passage's lengths and days make of the days that were given."""
    folded, its = known(text).text, sorted(_lengths(text))
    spans = its + [one + more for more in _added(text) for one in its if one != more]
    told = known(given).values.get("date", frozenset())
    found = {after for day, month, year in told if month for span in spans for after in _after(day, month, year, span)}
    months = {month for _, month, _ in told if month}
    later = {(month + n - 1) % 12 + 1 for month in months for n in range(1, 3)} if _NEXT_MONTH.search(folded) else set()
    found |= {(None, month, None) for month in later}
    days = {day for day, month, _ in known(text).values.get("date", ()) if day and not month} | _days(folded)
    found |= {(day, month, None) for day in days for month in months | later}
    if _LAST_DAY.search(folded):
        found |= {(day, month, None) for day in (28, 29, 30, 31) for month in (None, *months)}
    return frozenset(found)


def _days(folded: str) -> set[int]:
    return {int(m[1]) for m in _A_DAY.finditer(folded)}


_A_DAY = re.compile(r"\b(?:le|du|au) (\d{1,2})(?= (?:du|de) )")


def _after(day: int | None, month: int, year: int | None, span: float) -> Iterator[tuple[int | None, int, None]]:
    """Yield the day, or the month, that lies a length of time after a date, or before it."""
    months, days = span / _MONTH, span / _DAY
    for sign in (1, -1):
        if months >= 1 and round(months) == months:
            yield day, int(month + sign * months - 1) % 12 + 1, None
        elif day and 1 <= days <= 400 and days == round(days):
            try:
                first = date(year or 2026, month, day)
            except ValueError:  # "le 31 avril"
                return
            for more in (0, 1):
                other = first + timedelta(days=sign * (days + more))
                yield other.day, other.month, None


def _agree(said: tuple, found: tuple) -> bool:
    """Say whether a date is a reckoned one, whose year is not told."""
    return said[:2] == found[:2] or (said[0] is None and said[1] is not None and said[1] == found[1])
