"""Finds the ages that a reply tells the citizen: "votre mère de 88 ans". Pure."""

from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.mentions.counted_years import is_telling
from plume.french.numbers import NUMBER
from plume.french.rules import Rule, Text, in_turn, table
from plume.french.text import fold
from plume.french.vocabulary import any_of, column

_KIN = rf"(?:{any_of(column('kin', 'word', kind='family'))}|garçon|fillette|petite?|proche|parente?|ado(?:lescente?)?)"
TOLD = table(
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
        "told-age.of-a-lady",
        rf"\b(?:une?|cette?|à une?) (?:vieille |vieux |jeune )?(?:dame|monsieur|homme|femme|grand-mère"
        rf"|grand-père|octogénaire)"
        rf" (?:de |d'|âgée? de )({NUMBER} ans)\b(?! (?:et|ou) (?:plus|moins|au-delà))",
        words=frozenset(("ans",)),
        group=1,
        reads="lower",
        examples=("pour une dame de ‹84 ans›, une telle attente", "une femme de 60 ans et plus"),
    ),
    Rule(
        "told-age.of-theirs-first",
        rf"\b(?:les|des) ({NUMBER} ans) de (?:votre|vos) {_KIN}s?\b",
        words=frozenset(("ans",)),
        group=1,
        reads="lower",
        examples=("les ‹81 ans› de votre mère", "les deux ans de votre bail"),
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
        rf"\b(?<!d')(?<!de )(?:âgée? de|à) ({NUMBER} ans)(?: passés| sonnés| révolus)?,? (?:vous"
        rf"|votre (?:\w+ )?{_KIN}|il|elle)\b"
        r"(?! (?:pourr|dev|est possible|faut))",
        words=frozenset(("ans",)),
        group=1,
        reads="lower",
        examples=("à ‹62 ans›, vous partez", "à 62 ans, il faut choisir"),
    ),
    Rule(
        "told-age.of-theirs",
        rf"\bà ({NUMBER} ans)\b,? (?!plus tard)[^.!?;\n]{{0,80}}\b(?:votre|vos) (?:\w+ )?{_KIN}\b",
        words=frozenset(("ans",)),
        group=1,
        reads="lower",
        unless=lambda match, _: not is_telling(fold(match[1])),
        examples=("à ‹89 ans›, et si fatiguée, votre maman", "à 62 ans, selon le cas, votre mère"),
    ),
)


def told_ages(text: Text) -> Iterator[Mention]:
    """Yield the ages that a reply tells the citizen; the value is the place of the whole passage."""
    for start, end, rule, match in in_turn(text, TOLD):
        yield Mention("age", start, end, match.span(), rule.name)
