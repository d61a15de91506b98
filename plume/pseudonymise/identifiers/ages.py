"""Ages: what somebody is told to be, which singles people out beside the rest of a story."""

import re
from collections.abc import Iterator

from plume.french.numbers import NUMBER, number_words
from plume.french.numbers import value as value_of
from plume.french.phrases import PERSON
from plume.french.rules import Text, find, table
from plume.french.vocabulary import any_of
from plume.pseudonymise.identifiers.rule import Identifier
from plume.pseudonymise.spans import Span

_TENS = (
    r"(?:vingt|trente|quarante|cinquante|soixante(?:[ -](?:et[ -])?(?:dix|onze|douze|treize|quatorze|quinze|seize))?"
    r"|quatre[ -]vingts?(?:[ -]dix)?)(?:[ -](?:et[ -])?\w{2,7})?"
)
_UNDER_TWENTY = rf"(?:dix[ -](?:sept|huit|neuf)|{any_of(number_words(2, 16))})"
_YEARS = rf"(?:\d{{1,3}}|{_TENS}) ?ans"
_YEARS_OF_SOMEBODY = rf"(?:\d{{1,3}}|{_TENS}|{_UNDER_TWENTY}) ?ans"
_HAS = (
    r"(?:avons|avez|j'ai|j ai|jai|a|ai|ont|avait|aura|aurai|feter?|bientot|presque|deja|avoir|mes|ses|nos)"
    r"(?: (?:bientot|presque|plus de|deja|maintenant|moins de|environ))?"
)
# "j'ai 42 ans de carrière", "il a 20 ans qu'on attend": a duration, not an age.
_NO_AGE_AFTER = (
    r"(?! ?(?:de|d'|que|qu'|apres|plus tard|revolus|au|a|en|dans|pour|j'|je|sans|et demi d|pass|ferme|avec|avant)\b)"
)
_DURATION = re.compile(
    r"(?:depuis|pendant|il y a|durant|dans|tous les|apres|attendu|dure|dira|duree|plus tard|bout de|y a)"
    r"(?: [a-z]+){0,2} ?[,(]? ?$"
)


def _is_duration(match: re.Match[str], text: Text) -> bool:
    start = match.start(match.lastindex or 0)
    return _DURATION.search(text.folded[max(0, start - 40) : start]) is not None


def _at(match: re.Match[str], text: Text) -> bool:
    """Say whether the match begins with "à", which folding makes an "a".

    "partir à 62 ans" is a rule of pensions, "elle a 62 ans" a person.
    """
    return text.written[match.start()] in "àÀ"


def _age(name: str, pattern: str, *examples: str) -> Identifier:
    return Identifier(
        f"age.{name}",
        pattern,
        kind="AGE",
        hint=("ans", "mois"),
        group=None,
        unless=_is_duration if name == "at" else (_at, _is_duration),
        examples=examples,
    )


AGES = table(
    _age("aged", rf"\bagee?s? (?:de |d')?({_YEARS_OF_SOMEBODY}(?: (?:et demi|passes))?)",
         "âgée de ‹82 ans›", "l'âge de la retraite"),
    _age("of-somebody", rf"\b{PERSON}(?: [a-z]+)? (?:de |d')({_YEARS}|\d{{1,2}} mois)\b"
         r"(?! (?:de|d'|que|passes? a))",
         "ma mère de ‹82 ans›", "une attente de 3 ans"),
    _age("has", rf"\b{_HAS} ({_YEARS_OF_SOMEBODY})\b{_NO_AGE_AFTER}",
         "j'ai ‹quarante-deux ans›", "j'ai 42 ans de carrière", "depuis 20 ans"),
    _age("of-ones-child", rf"\b(?:mon|ma|mes|notre|nos|son|sa|ses) {PERSON}(?: [a-z]+)? de ({_UNDER_TWENTY} ans)\b"
         r"(?! (?:de|d'|que)\b)",
         "mon fils de ‹douze ans›", "un contrat de douze ans"),
    _age("will-be", r"\b(?:aurai|aura|auront|fetera?i?|(?:vais|va|viens d'|vient d')(?: ?fete\w* | ?avoir )) ?"
         rf"({_YEARS})\b(?! (?:d'|de |que |qu'))",
         "elle aura ‹62 ans›", "elle aura 2 ans de retard"),
    _age("aside", rf"(?:,|\() ?({_YEARS})(?= ?(?:,|\)|\.|$|et\b|\n))(?! ?[,.]? (?:apres|plus tard|que|d'attente))",
         "Paule, ‹82 ans›, attend", "vingt mois, 2 ans après"),
    _age("stated", rf"\b(?:age|majeur|majeure) ?:? ({_YEARS})|^({_YEARS}),",
         "âge : ‹42 ans›", "42 ans de travail"),
    _age("at", rf"\ba ((?:7|8|9|10)\d ans|{_TENS} ans)\b(?! (?:d'|de |revolus))",
         "à ‹82 ans› je ne peux plus", "à 8 ans"),
)  # fmt: skip

_I = re.compile(r"\b(?:je|jai|moi)\b|\bj'")
_OTHERS = re.compile(
    rf"\b(?:{PERSON}|il|elle|son|sa|ses|lui|amie?s?|voisine?s?|cousine?|parents?|beau-\w+|belle-\w+)\b"
)
_NUMBER = re.compile(NUMBER)


def ages(text: Text) -> Iterator[Span]:
    """Find ages; nothing without the word for years or months."""
    for start, end, rule, _ in find(text, AGES):
        yield Span(start, end, rule.kind, rule.source, rule.name)


def own_age(text: Text) -> int | None:
    """Give the age in years that the writer of a text tells as the writer's own, None if there is none."""
    folded = text.folded
    for span in ages(text):
        least = max(0, span.start - 300)  # of a sentence without an end, what is near
        start = max(folded.rfind(sign, least, span.start) for sign in ".!?;\n") + 1 or least
        sentence = re.split(r"[.!?;\n]", folded[start : span.end + 300])[0]
        if _I.search(sentence) and not _OTHERS.search(folded[start : span.start]):
            number = _NUMBER.search(folded[span.start : span.end])
            age = int(value_of(number[0])) if number else None
            if age is not None and 12 <= age <= 110:
                return age
    return None
