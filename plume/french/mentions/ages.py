"""Finds how old somebody is said to be: by a citizen, or by a reply to the citizen ("votre mère de 88 ans"). Pure."""

import re
from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.numbers import NUMBER, number_words, value
from plume.french.phrases import PERSON
from plume.french.rules import Rule, Text, find, in_turn, table
from plume.french.vocabulary import any_of, column

_TENS = (
    r"(?:vingt|trente|quarante|cinquante|soixante(?:[ -](?:et[ -])?(?:dix|onze|douze|treize|quatorze|quinze|seize))?"
    r"|quatre[ -]vingts?(?:[ -]dix)?)(?:[ -](?:et[ -])?\w{2,7})?"
)
_UNDER_TWENTY = rf"(?:dix[ -](?:sept|huit|neuf)|{any_of(number_words(2, 16))})"
_UNIT = r"(?:ans(?: et demie?(?! d))?|piges|balais|berges)"
_YEARS = rf"(?:\d{{1,3}}|{_TENS}) ?{_UNIT}"
_ANY = rf"(?:\d{{1,3}}|{_TENS}|{_UNDER_TWENTY})"
_YEARS_OF_SOMEBODY = rf"{_ANY} ?{_UNIT}"
# "2, 5 et 9 ans", "2 ans 5 ans et 9 mois"
_SEVERAL = (
    rf"{_ANY}(?: ?(?:ans|mois))?(?:(?:, ?(?:et )?| et |/| ?- ?| )(?:de )?{_ANY}(?: ?(?:ans|mois))?){{1,8}}"
    r"(?<=ans|ois)"
)
_DECADE = r"(?:trent|quarant|cinquant|soixant|septant|octant|nonant)aine"
_HAS = (
    r"(?:avons|avez|j'ai|j ai|jai|g|a|ai|ont|avait|aura|aurai|feter?|bientot|presque|deja|avoir|mes|ses|nos"
    r"|attein(?:s|t|drai?)|franchi\w*)"
    r"(?: (?:bientot|presque|plus de|deja|maintenant|moins de|environ))?"
)
# "j'ai 42 ans de carrière", "il a 20 ans qu'on attend": a duration, not an age.
_NO_AGE_AFTER = (
    r"(?! ?(?:de|d'|que|qu'|apres|plus tard|revolus|au|a|en|dans|pour|j'|je|sans|et demie? d|pass|ferme|avec|avant)\b)"
)
_DURATION = re.compile(
    r"(?:depuis|pendant|il y a|durant|dans|tous les|apres|attendu|dure|dira|duree|plus tard|bout de|y a)"
    r"(?: [a-z]+){0,2} ?[,(]? ?$"
)


_WORDS = frozenset(("an", "ans", "mois", "piges", "balais", "berges"))
_OF_SOMEBODY = re.compile(rf"\b(?:{PERSON}s?|concernant)\b[^.;!?\n\d]{{0,40}}$")
_SET_APART, _ENDS = re.compile(r"(?:,|\(|: ) ?$"), re.compile(r" ?(?:,|\)|\.|$|\n)")


def _are_of_somebody(match: re.Match[str], text: Text) -> bool:
    """Say whether somebody stands before some ages, or they are set apart: "Lila et Nour, 4 et 6 ans,"."""
    before = text.folded[max(0, match.start() - 60) : match.start()]
    return bool(_OF_SOMEBODY.search(before) or (_SET_APART.search(before) and _ENDS.match(text.folded, match.end())))


def _is_duration(match: re.Match[str], text: Text) -> bool:
    start = match.start(match.lastindex or 0)
    return _DURATION.search(text.folded[max(0, start - 40) : start]) is not None


def _at(match: re.Match[str], text: Text) -> bool:
    """Say whether the match begins with "à", which folding makes an "a".

    "partir à 62 ans" is a rule of pensions, "elle a 62 ans" a person.
    """
    return text.written[match.start()] in "àÀ"


def _age(name: str, pattern: str, *examples: str) -> Rule:
    return Rule(
        f"age.{name}",
        pattern,
        words=_WORDS,
        group=None,
        unless=_is_duration if name == "at" else (_at, _is_duration),
        examples=examples,
    )


_AGES = table(
    _age("aged", rf"\bagee?s? (?:de |d')?({_YEARS_OF_SOMEBODY}(?: (?:et demi|passes))?)",
         "âgée de ‹82 ans›", "l'âge de la retraite"),
    Rule("age.of-several", rf"(?<![\w.,])(?=[\dcdhnoqstuv]){_SEVERAL}\b(?! (?:d'attente|de retard))",
         words=_WORDS, unless=(_is_duration, lambda match, text: not _are_of_somebody(match, text)),
         examples=("mes enfants de ‹4, 7 et 11 ans›", "mes filles ont ‹2 ans et 6 mois›",
                   "entre 2 et 3 ans d'attente")),
    _age("of-somebody", rf"\b{PERSON}(?:(?: [a-z]+)? (?:de |d')|(?<!retraite) )({_YEARS}|\d{{1,2}} mois)\b"
         r"(?! (?:de|d'|que|passes? a))",
         "ma mère de ‹82 ans›", "une attente de 3 ans"),
    _age("has", rf"\b{_HAS} ({_YEARS_OF_SOMEBODY})\b{_NO_AGE_AFTER}",
         "j'ai ‹quarante-deux ans›", "j'ai 42 ans de carrière", "depuis 20 ans"),
    _age("of-ones-child", rf"\b(?:mon|ma|mes|notre|nos|son|sa|ses) {PERSON}(?: [a-z]+)? de ({_UNDER_TWENTY} {_UNIT})\b"
         rf"(?! (?:de|d'|que)\b)|\b(?:mon|ma|notre|son|sa|leur) (?:petite?|grande?|aine\w?|cadet\w*) (?:de "
         rf"|d')?({_YEARS_OF_SOMEBODY})\b",
         "mon fils de ‹douze ans›", "un contrat de douze ans"),
    _age("will-be", r"\b(?:aurai|aura|auront|fetera?i?|(?:vais|va|viens d'|vient d')(?: ?fete\w* | ?avoir )) ?"
         rf"({_YEARS})\b(?! (?:d'|de |que |qu'))",
         "elle aura ‹62 ans›", "elle aura 2 ans de retard"),
    _age("aside", rf"(?:,|\() ?({_YEARS})(?= ?(?:,|\)|\.|$|et\b|\n))(?! ?[,.]? (?:apres|plus tard|que|d'attente))",
         "Paule, ‹82 ans›, attend", "vingt mois, 2 ans après"),
    _age("stated", rf"\b(?:age|majeur|majeure) ?:? ({_YEARS})|^({_YEARS}),",
         "âge : ‹42 ans›", "42 ans de travail"),
    Rule("age.as-well", rf"\b(?:{PERSON}|l'autre|il|elle|lui) en a (?:bientot |deja )?({_ANY})\b"
         rf"(?! (?:de|d'|des|fois|autre|{_UNIT}))", hint=(" en a ",), group=1,
         examples=("ma fille a douze ans et mon fils en a ‹quinze›, pas plus", "mon fils en a douze fois moins")),
    _age("at", rf"\ba ((?:7|8|9|10)\d ans|{_TENS} ans)\b(?! (?:d'|de |revolus))",
         "à ‹82 ans› je ne peux plus", "à 8 ans"),
    Rule("age.labelled", r"\bage ?(?::|=|est de|de) ?(\d{1,3})(?![\d%]| ?(?:ans|mois|%"
        r"|points))", hint=("age",), group=1, digit=True,
         examples=("âge : ‹47›", "âge : 47 ans")),
    Rule("age.decade",  # "la soixantaine passée", "octogénaire": ten years tell as much as the number
         rf"\b(?:la|ma|sa|leur) ({_DECADE}(?: (?:bien )?(?:passee|sonnee|tassee|entamee|avancee|largement))?)"
         r"(?! (?:de|d')\b|[a-z])"
         r"|\b((?:quadra|quinqua|sexa|septua|octo|nona)genaires?)\b",
         hint=("antaine", "genaire"), group=None,
         examples=("j'ai la ‹soixantaine passée›", "une soixantaine de dossiers",
                   "ma mère ‹octogénaire›")),
)  # fmt: skip


# What a reply tells the citizen.
_KIN = rf"(?:{any_of(column('kin', 'word', kind='family'))}|garçon|fillette|petite?|proche|parente?|ado(?:lescente?)?)"
_TOLD = table(
    Rule(
        "told-age.of-kin",
        rf"\b(?:votre|vos) (?:\w+ )?{_KIN}s?\b[^.!?;\n]{{0,25}}?\b(?:à|de|a|âgée?s? de|ses|d') ?"
        rf"({NUMBER} (?:ans|mois))\b",
        words=frozenset(("ans", "mois")),
        group=1,
        reads="lower",
        examples=("votre mère, âgée de ‹88 ans›", "votre mère attend depuis deux ans"),
    ),
    Rule(
        "told-age.own",
        rf"\b(?:à|malgré|avec|de|du haut de) (?:vos|ses) ({NUMBER} ans)\b",
        words=frozenset(("ans",)),
        group=1,
        reads="lower",
        examples=("malgré vos ‹70 ans›", "vos 70 ans"),
    ),
    Rule(
        "told-age.you-are",
        rf"\bvous (?:avez|aviez|aurez|allez avoir) ({NUMBER} ans)\b(?! (?:de|pour|d'))",
        words=frozenset(("ans",)),
        group=1,
        reads="lower",
        examples=("vous avez ‹soixante-dix ans›", "vous avez deux ans pour agir"),
    ),
    Rule(
        "told-age.at",
        rf"\b(?<!d')(?<!de )(?:âgée? de|à) ({NUMBER} ans),? (?:vous|votre (?:\w+ )?{_KIN}|il|elle)\b"
        r"(?! (?:pourr|dev|est possible|faut))",
        words=frozenset(("ans",)),
        group=1,
        reads="lower",
        examples=("à ‹62 ans›, vous partez", "à 62 ans, il faut choisir"),
    ),
)


_NUMBER = re.compile(NUMBER)


def ages(text: Text) -> list[Mention]:
    """List every age of somebody; the value is its number, None where that is not known. Mentions may overlap."""
    return text.once(_read)


def _read(text: Text) -> list[Mention]:
    found = [*find(text, _AGES), *in_turn(text, _TOLD)]
    return [Mention("age", f.start, f.end, _number(text.folded[f.start : f.end]), f.rule.name) for f in found]


def told_ages(text: Text) -> Iterator[Mention]:
    """Yield the ages that a reply tells the citizen; the value is the place of the whole passage."""
    for start, end, rule, match in in_turn(text, _TOLD):
        yield Mention("age", start, end, match.span(), rule.name)


def _number(text: str) -> float | None:
    number = _NUMBER.search(text)
    return value(number[0]) if number else None
