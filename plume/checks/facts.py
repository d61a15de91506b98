"""Checks that a reply invents no fact: amounts, dates, deadlines, articles of law.

Each is compared by value with what review and prompt hold: "deux cents euros" is known where it says "200 €", "en mars"
where it says "12/03/2024".
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from plume.checks import derived
from plume.checks.case import Answer, Case, Fault, none_of
from plume.checks.cited import said_by_a_passage
from plume.checks.held import agrees
from plume.french.mentions import Mention
from plume.french.mentions.amounts import amounts, loose_amounts
from plume.french.mentions.calendar import FEASTS, calendar, calendar_words
from plume.french.mentions.contacts import rest
from plume.french.mentions.dates import (
    NOON,
    Moment,
    dates,
    loose_dates,
    loose_times,
    named_after_dates,
    named_times,
    times,
)
from plume.french.mentions.durations import durations, without_always_open
from plume.french.mentions.laws import is_named, laws
from plume.french.mentions.rule_ages import rule_ages
from plume.french.mentions.terms import loose_terms, opening_days, opening_words, terms
from plume.french.mentions.told_ages import told_ages
from plume.french.rules import Text
from plume.french.text import fold, words


def invented_amounts(case: Case) -> Answer:
    """Check sums and rates. "100 %" says "entirely" and is no rate."""
    text = rest(case.draft)
    said = [*amounts(text)]
    known = _given_amounts(case.given) if said else frozenset()
    faults = [one for one in said if one.value not in known]
    if faults and known:
        follows = derived.sums(case.given)
        faults = [one for one in faults if one.value not in follows and not _is_rounded(one, text, known | follows)]
    return _none_of(case, faults, "montants absents de l'avis et de la consigne")


def _is_rounded(one: Mention, text: Text, known: Iterable[tuple[float, str]]) -> bool:
    """Say whether an amount is one that was given, told roughly: "plus de 1 200 euros" of 1 234,56."""
    number, unit = one.value
    return derived.is_rough(text, one.start, one.end) and derived.near(number, (n for n, u in known if u == unit), 0.1)


@lru_cache(maxsize=32)
def _given_amounts(given: str) -> frozenset[tuple[float, str]]:
    return frozenset({one.value for one in amounts(rest(given))} | {(100, "%")} | loose_amounts(Text(given)))


def invented_articles(case: Case) -> Answer:
    """Check articles, laws and decrees by number, date or name; a code's name alone ("le code civil") cites nothing."""
    said = [*laws(rest(case.draft))]
    known = {one.value for one in laws(rest(case.given))} if said else set()
    names = frozenset(words(fold(case.given))) if any(map(is_named, said)) else frozenset()
    faults = (
        one for one in said if one.value not in known and not (is_named(one) and names.issuperset(one.value.split()))
    )
    return _none_of(case, faults, "textes de loi absents de l'avis et de la consigne")


def invented_dates(case: Case) -> Answer:
    """Check days, months, years, times of day, opening days, and what the calendar names ("le mois dernier")."""
    draft = _without_always_open(case.draft)
    draft = draft.blanked(named_after_dates(draft))
    ahead = [(one.start, one.end) for one in terms(draft)]  # those are for the check of deadlines
    said, clock, named = [*dates(draft)], [*times(draft)], [*_but(ahead, named_times(draft))]
    days, parts = [*opening_days(draft)], [*_but(ahead, calendar(draft))]
    told = derived.calendar_of(case.given) if days or parts else frozenset()
    given_days = opening_words(case.given) | told if days else frozenset()
    faults = [one for one in days if not one.value <= given_days]
    faults += [one for one in parts if not one.value <= told]
    if said:
        known = _given_dates(case.given)
        faults += [one for one in said if not any(agrees(one.value, date) for date in known)]
    if clock or named:
        hours, given = _given_times(case.given), rest(case.given).folded
        faults += [one for one in clock if one.value not in hours and not _follows(one, draft, case.given, hours)]
        at_noon = (12.0, 0.0) in hours
        faults += [
            one
            for one in named
            if one.value not in given
            and not (one.value in NOON and (at_noon or derived.is_about(_words_of(one, draft), NOON[one.value], hours)))
        ]
    return _none_of(case, faults, "dates ou horaires absents de l'avis et de la consigne")


def _but(places: Iterable[tuple[int, int]], found: Iterable[Mention]) -> Iterable[Mention]:
    return (one for one in found if not any(start <= one.start < end for start, end in places))


def _words_of(one: Mention, draft: Text) -> str:
    return draft.folded[one.start : one.end]


def _follows(one: Mention, draft: Text, given: str, hours: Iterable[tuple[float, float]]) -> bool:
    """Say whether a time of day is one that was given, told as a bound, or follows from one and a length of time."""
    return derived.is_about(_words_of(one, draft), one.value, hours) or one.value in derived.moments_of_day(given)


@lru_cache(maxsize=32)
def _given_dates(given: str) -> frozenset[Moment]:
    text = rest(given)
    feasts = {(*FEASTS[word], None) for word in calendar_words(text.folded) & FEASTS.keys()}
    return frozenset({one.value for one in dates(text)} | loose_dates(text) | feasts)


@lru_cache(maxsize=32)
def _given_times(given: str) -> frozenset[tuple[float, float]]:
    return frozenset({one.value for one in times(rest(given))} | loose_times(rest(given)))


def invented_deadlines(case: Case) -> Answer:
    """Check lengths of time and terms ("d'ici la fin du mois"), but for times of day and somebody's age."""
    text = _without_always_open(case.draft)
    draft = text.blanked([*(one.value for one in told_ages(text)), *((r.start, r.end) for r in rule_ages(text))])
    draft = draft.blanked((one.start, one.end) for one in times(draft))
    said = [*durations(draft)]
    known = _given_durations(case.given) if said else frozenset()
    faults = [one for one in said if not known.issuperset(one.value)]
    if faults and case.given.strip():
        known |= derived.lengths(case.given)
        faults = [one for one in faults if derived.is_ahead(draft, one.start) or not _is_known(one, draft, known)]
    if ahead := [*terms(draft)]:
        given = rest(case.given)
        told = {one.value for one in terms(given)} | loose_terms(given)
        faults += [
            one
            for one in ahead
            if one.value not in told and not any(one.start < f.end and f.start < one.end for f in said)
        ]
    return _none_of(case, faults, "délais ou durées absents de l'avis et de la consigne")


def _is_known(one: Mention, draft: Text, known: frozenset[float]) -> bool:
    rough = derived.is_rough(draft, one.start, one.end)
    return all(
        length in known or derived.near(length, known, 0.15 if rough else 0.04 if length < 24 else 0)
        for length in one.value
    )


@lru_cache(maxsize=32)
def _given_durations(given: str) -> frozenset[float]:
    text = rest(given)
    said = {length for one in durations(text, unsure=True) for length in one.value}
    # A month is thirty days, and the other way round.
    said |= {length / 730 * 720 for length in said if length % 730 == 0}
    said |= {length / 720 * 730 for length in said if length % 720 == 0}
    # "1h30" may be a length of time.
    return frozenset(said | {round(hour + minute / 60, 4) for hour, minute in loose_times(text)})


@lru_cache(maxsize=4)  # two checks read the same draft
def _without_always_open(draft: str) -> Text:
    """The draft without contacts and without "24 h/24", which is no deadline and no date."""
    return without_always_open(rest(draft))


def _none_of(case: Case, found: Iterable[Mention], what: str) -> Answer:
    """Answer with the mentions that were found, but for those that a passage of sources holds in other words."""
    if case.passages:
        found = [one for one in found if not (said_by_a_passage(case, one.start, one.end) or _is_relative(case, one))]
    return none_of((Fault(case.draft[one.start : one.end], one.rule) for one in found), what)


def _is_relative(case: Case, one: Mention) -> bool:
    """Say whether "le trimestre écoulé" stands for "les 3 mois précédents" of a passage."""
    return one.rule.startswith("calendar.last") and any(_PAST.search(fold(each.text)) for each in case.passages)


_PAST = re.compile(r"\b(?:precedent|dernier|ecoule|passe)")
