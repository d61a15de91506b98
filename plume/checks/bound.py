"""Asks whether a value of a draft is bound to the words that its passage binds it to: 7 € the price, 2 € the late fee.

Two values of one kind in a passage are told apart by the words of their clauses. What both clauses hold tells nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from plume.checks.case import Case
from plume.checks.cited import cited_sentences, said
from plume.checks.held import mentions, same_length, whole
from plume.checks.meaning import likeness, sentence_spans, tokens
from plume.checks.stems import in_digits
from plume.french.mentions import Mention
from plume.french.rules import Text, reading
from plume.french.vocabulary import word_set
from plume.passages import Shown

# Nats by which the other binding must be better: of two values told; of one, by the number of a case; by words.
_PAIR, _ALONE, _BY_WORDS = 3.5, 3.0, 7.0
_HEAD = 0.5  # what a word before the first of several values is worth: it may be of all
_COMMA_BEFORE, _COMMA_AFTER = 0.6, 0.25  # what a word is worth near a value that a comma parts from it
_LABEL = 4.0  # nats of the number of a case
_NEAR = 14  # characters between the two ends of a span: "de début août à début décembre"
_SAME_AGE = 6.0  # nats of an age that a clause names: "de 15 à 17 ans"
_UNITS = word_set(
    "an ans annee annees mois jour jours semaine semaines heure heures euro euros trimestre"
    " calendaires ouvres ouvrables ouvrees francs nets bruts"
)
_JOINT = re.compile(r",? (?:et|puis|mais|ou|contre|tandis qu|alors qu|sinon|quand|lorsqu|pour ceux)\b|[;:()]")
_STEP = re.compile(r" a $")  # "de 8 € jusqu'à 29 ans à 30 €"
_COMMA = re.compile(r",(?!\d)")
_AGE = r"(\d{1,3})"
_AGES = re.compile(
    rf"\b(?:(?:de |entre )?{_AGE} (?:ans )?(?:à|et|-) {_AGE} ans"
    rf"|(?:jusqu'à|avant|moins de|au plus) (?:l'âge de )?{_AGE} ans"
    rf"|(?:à partir de|dès|plus de|après|au moins) {_AGE} ans|(?:à )?{_AGE} ans(?: et (plus))?)\b"
)


class Clause(NamedTuple):
    """A value with the words around it, each with what it is worth, there and near by; the ages that they name."""

    value: Mention
    words: dict[str, float]
    near: dict[str, float]
    ages: tuple[tuple[int, int], ...]


def clauses(
    text: Text, every: Sequence[Mention], kind: str, start: int, end: int, its: Sequence[Mention]
) -> Iterator[Clause]:
    """Yield the values of one kind in a sentence, each with the words that are nearer to it than to the others."""
    for at, one in enumerate(its):
        left = _border(text.folded, its[at - 1].end, one.start) if at else start
        right = _border(text.folded, one.end, its[at + 1].start) if at + 1 < len(its) else end
        heads = len(its) > 1 and not at
        words: dict[str, float] = {}
        near: dict[str, float] = {}
        for token in tokens(text.folded, left, right):
            if not one.start <= token.start < one.end and token.word not in _UNITS:
                between = sorted((one.start, one.end, token.start, token.end))[1:3]
                commas = len(_COMMA.findall(text.folded, *between))
                before = token.end <= one.start
                worth = token.weight * (_HEAD if heads and before else 1)
                words[token.stem] = max(words.get(token.stem, 0), worth)
                near[token.stem] = max(
                    near.get(token.stem, 0), worth * (_COMMA_BEFORE if before else _COMMA_AFTER) ** commas
                )
        for label in _labels(text, every, left, right, one):
            words[label] = near[label] = _LABEL
        yield Clause(one, words, near, tuple(_ages(in_digits(text.lower[left:right]))) if kind != "duration" else ())


def _labels(text: Text, its: Sequence[Mention], left: int, right: int, one: Mention) -> Iterator[str]:
    """Yield the numbers that tell cases apart: "en Gir 2", "en 2e catégorie"."""
    for other in its:
        if other.kind == "count" and left <= other.start < right and other.start != one.start:
            yield f"#{other.value:g}"
    if _FIRST.search(text.folded, left, right):
        yield "#1"


_FIRST = re.compile(r"\b(?:1re|1ere|1er|premiere?)\b")


def same_value(one: Mention, other: Mention) -> bool:
    """Say whether two mentions of one kind have one value."""
    if one.kind != "duration":
        return one.value == other.value
    mine, others = tuple(one.value), tuple(other.value)
    return any(same_length(a, b) for a in mine for b in others)


def _border(folded: str, start: int, end: int) -> int:
    """Give where the words of one value end and those of the next begin."""
    if start >= end:
        return end
    if joints := [*_JOINT.finditer(folded, start, end)]:
        return joints[-1].start() if len(joints) > 1 and folded[joints[-1].start()] in ",;" else joints[0].start()
    if commas := [*_COMMA.finditer(folded, start, end)]:
        return commas[-1].end()
    if step := _STEP.search(folded[:end], start):
        return step.start()
    return folded.rfind(" ", start, (start + end) // 2 + 1) + 1 or end


def _ages(digits: str) -> Iterator[tuple[int, int]]:
    for match in _AGES.finditer(digits):
        low, high, most, least, only, more = match.groups()
        if low:
            yield int(low), int(high)
        elif most:
            yield 0, int(most)
        elif least:
            yield int(least), 150
        else:
            yield int(only), 150 if more else int(only)


def swapped(case: Case) -> Iterator[Mention]:
    """Yield the values of a draft that stand in a cited passage, bound to the words of another value."""
    passages = {one.number: one for one in case.passages}
    text, told = case.text, said(case)
    for part in cited_sentences(case):
        texts = [passages[number] for number in sorted(part.cited) if number in passages]
        spans = sentence_spans(case.draft[part.start : part.end]) if texts else ()
        for kind in {_kind(one, text) for one in told if part.start <= one.start < part.end} - _APART:
            given = [clause for one in texts for clause in of_passage(one, kind)]
            if kind == "count":
                given = [one for one in given if not _is_told_elsewhere(one.value.value, texts)]
            if len({one.value.value for one in given}) < 2:
                continue
            mine: list[Clause] = []
            for start, end in ((part.start + a, part.start + b) for a, b in spans):
                here = [one for one in told if start <= one.start < end and _kind(one, text) == kind]
                mine += clauses(text, told, kind, start, end, here)
            yield from _swapped(mine, given)


def _is_told_elsewhere(number: float, texts: Sequence[Shown]) -> bool:
    """Say whether a length of time has the number too: "6 semaines avant" of the six that a draft tells."""
    return any(
        number == length / unit
        for one in texts
        for clause in of_passage(one, "duration")
        for length in clause.value.value
        for unit in _HOURS
    )


_HOURS = (1, 24, 168, 730, 8760)
_APART = frozenset(("url", "email", "handle", "law"))  # those are told by a place, not by words around them


def _kind(one: Mention, text: Text) -> str:
    """Give the kind of a value; quarters that are worked are counted, not waited for."""
    return "trimester" if text.folded[one.start : one.end].endswith(("trimestre", "trimestres")) else one.kind


@lru_cache(maxsize=1 << 11)
def of_passage(one: Shown, kind: str) -> tuple[Clause, ...]:
    """List the values of one kind in a passage, each with the words around it."""
    text, found = reading(whole(one)), []
    its = [each for each in mentions(text) if _kind(each, text) == kind]
    for start, end in sentence_spans(text.written):
        here = [each for each in its if start <= each.start < end]
        found += clauses(text, mentions(text), kind, start, end, here)
    return tuple(found)


def _swapped(mine: Sequence[Clause], given: Sequence[Clause]) -> Iterator[Mention]:
    for one in mine:
        own = [each for each in given if same_value(one.value, each.value)]
        others = [each for each in given if _may_be_taken_for(one.value, each.value)]
        if not own or not others:
            continue
        for other in others:
            if not any(_are_one_span(each.value, other.value) for each in own) and _is_swapped(one, own, other, mine):
                yield one.value
                break


def _is_swapped(one: Clause, own: Sequence[Clause], other: Clause, mine: Sequence[Clause]) -> bool:
    """Say whether a value is told where `other` should be; surely so if that one is told in its place."""
    if twins := [two for two in mine if same_value(two.value, other.value)]:
        gain = min(_gain(one, each, other) for each in own)
        back = max(min(_gain(two, other, each) for each in own) for two in twins)
        return gain > -1 and gain + back >= _PAIR
    told = all(each.ages or each.words.keys() - other.words.keys() for each in own)  # else none can speak for it
    enough = _ALONE if _is_labelled(one, own, other) else _BY_WORDS
    return told and min(_gain(one, each, other, alone=True) for each in own) >= enough


def _is_labelled(one: Clause, own: Sequence[Clause], other: Clause) -> bool:
    """Say whether an age or the number of a case speaks for the other value."""
    apart = other.words.keys() - {root for each in own for root in each.words}
    return bool(one.ages and other.ages) or any(root.startswith("#") and root in apart for root in one.words)


def _may_be_taken_for(one: Mention, other: Mention) -> bool:
    """Say whether two values differ and are of one unit: euros, or per cent."""
    return not same_value(one, other) and (one.kind != "amount" or one.value[1] == other.value[1])


def _are_one_span(one: Mention, other: Mention) -> bool:
    """Say whether two values stand beside each other, as those of a span or a list do."""
    first, second = sorted((one, other), key=lambda each: each.start)
    return second.start - first.end < _NEAR


def _gain(mine: Clause, own: Clause, other: Clause, *, alone: bool = False) -> float:
    """Give by how much a clause of a draft agrees better with another value's than with its own.

    Where the other value is not told, its words may stand beside for another reason: those near by must agree too.
    """
    mine_ages = _of_ages(mine, other) - _of_ages(mine, own)
    gains = [mine_ages + _of_words(words, own, other) for words in (mine.near, mine.words)]
    return min(gains) if alone else gains[0]


def _of_words(words: Mapping[str, float], own: Clause, other: Clause) -> float:
    """Sum the words that speak for the other value less those for its own; what both clauses hold tells nothing.

    A word that one of them holds is not of the other by its family: "scooter" and "voiture" are both vehicles.
    """
    dull = own.words.keys() & other.words.keys()
    found = 0.0
    for root, worth in words.items():
        if root not in dull:
            mine = max((likeness(root, name) for name in own.words if name not in dull), default=0.0)
            theirs = max((likeness(root, name) for name in other.words if name not in dull), default=0.0)
            found += worth * ((theirs == 1) - (mine == 1) if 1 in (mine, theirs) else theirs - mine)
    return found


def _of_ages(mine: Clause, other: Clause) -> float:
    if not mine.ages or not other.ages:
        return 0.0
    inside = any(a <= low and high <= b for low, high in mine.ages for a, b in other.ages)
    return _SAME_AGE if inside else -_SAME_AGE
