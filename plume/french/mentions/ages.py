"""Finds how old somebody is said to be, where a reply tells the citizen: "votre mère de 88 ans", "vos 70 ans". Pure."""

from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.numbers import NUMBER
from plume.french.rules import Rule, Text, in_turn, table
from plume.french.vocabulary import any_of, column

_KIN = rf"(?:{any_of(column('kin', 'word', kind='family'))}|garçon|fillette|petite?|proche|parente?|ado(?:lescente?)?)"
_AGES = table(
    Rule(
        "told-age.of-kin",
        rf"\b(?:votre|vos) (?:\w+ )?{_KIN}s?\b[^.!?;\n]{{0,25}}?\b(?:à|de|a|âgée?s? de|ses|d') ?"
        rf"({NUMBER}) (?:ans|mois)\b",
        hint=("votre ", "vos "),
        group=1,
        reads="lower",
        examples=("votre mère, âgée de ‹88› ans", "votre mère attend depuis deux ans"),
    ),
    Rule(
        "told-age.own",
        rf"\b(?:à|malgré|avec|de|du haut de) (?:vos|ses) ({NUMBER}) ans\b",
        hint=(" ans",),
        group=1,
        reads="lower",
        examples=("malgré vos ‹70› ans", "vos 70 ans"),
    ),
    Rule(
        "told-age.you-are",
        rf"\bvous (?:avez|aviez|aurez|allez avoir) ({NUMBER}) ans\b(?! (?:de|pour|d'))",
        hint=(" ans",),
        group=1,
        reads="lower",
        examples=("vous avez ‹soixante-dix› ans", "vous avez deux ans pour agir"),
    ),
    Rule(
        "told-age.at",
        rf"\b(?<!d')(?<!de )(?:âgée? de|à) ({NUMBER}) ans,? (?:vous|votre (?:\w+ )?{_KIN}|il|elle)\b"
        r"(?! (?:pourr|dev|est possible|faut))",
        hint=(" ans",),
        group=1,
        reads="lower",
        examples=("à ‹62› ans, vous partez", "à 62 ans, il faut choisir"),
    ),
)


def told_ages(text: Text) -> Iterator[Mention]:
    """Yield the ages that are told; `start:end` is the number, the value the whole passage."""
    for start, end, rule, match in in_turn(text, _AGES):
        yield Mention("age", start, end, match.span(), rule.name)
