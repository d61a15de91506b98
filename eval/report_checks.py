"""Shows, in the annex of report.html, what the checks see and miss on hand-written drafts, so that who signs knows it.

`benchmarks/checks.py --write` counts; here are shares with exact intervals (Clopper-Pearson) for the page.
"""

import json
from collections.abc import Iterable
from typing import Any

from plume.checks.registry import CHECKS
from plume.page import Table
from plume.page.numbers import number, percent
from plume.paths import ROOT
from plume.shares import clopper_pearson

COUNTED = ROOT / "datasets" / "gold" / "checks.json"
_SETS = {
    "tune": "1, moitié de réglage",
    "test": "1, moitié de mesure",
    "second": "2",
    "third": "3",
    "fourth": "4",
    "fifth": "5",
    "sixth": "6",
    "seventh": "7",
    "eighth": "8",
    "tone": "pertinence et ton (de l’auteur des règles)",
    "endings": "fins, résidus, noms (de l’auteur des règles)",
    "decisions": "décisions et faits (de l’auteur des règles)",
    "ninth": "9",
    "tenth": "10",
    "eleventh": "11",
    "twelfth": "12",
    "thirteenth": "13",
    "fourteenth": "14",
}


def tables() -> tuple[Table, ...]:
    """Give the table by check, all sets together, and the table by set: at first sight, and with today's rules."""
    sets = json.loads(COUNTED.read_text(encoding="utf-8")) if COUNTED.is_file() else []
    if not sets:
        return ()
    shared = {"Précision": _precision, "Rappel": _recall}
    gating = [(name, check.label) for name, check in CHECKS.items() if check.gating]
    by_check = [(label, _sum(one["checks"].get(name) for one in sets)) for name, label in gating]
    by_set = [
        (_SETS.get(one["set"], one["set"]), one["drafts"], one["first"], _sum(one["checks"].values())) for one in sets
    ]
    return (
        Table.of(
            "Par contrôle, tous jeux réunis, avec les règles d’aujourd’hui (chiffres de mise au point)",
            by_check,
            {
                "Contrôle": lambda row: row[0],
                "Brouillons": lambda row: number(row[1][3], 0),
                **{head: lambda row, of=of: of(row[1]) for head, of in shared.items()},
            },
        ),
        Table.of(
            "Par jeu, un auteur chacun : à première vue, puis avec les règles d’aujourd’hui",
            by_set,
            {
                "Jeu": lambda row: row[0],
                "Brouillons": lambda row: number(row[1], 0),
                **{f"{head}, à première vue": lambda row, of=of: of(row[2]) for head, of in shared.items()},
                **{f"{head}, aujourd’hui": lambda row, of=of: of(row[3]) for head, of in shared.items()},
            },
        ),
    )


def _sum(counts: Iterable[list[int] | None]) -> list[int]:
    """Add rightly stopped, wrongly stopped, missed, and drafts."""
    return [sum(column) for column in zip(*(one for one in counts if one), strict=True)] or [0, 0, 0, 0]


def _precision(counts: list[Any] | None) -> str:
    return _share(counts[0], counts[0] + counts[1]) if counts else "–"


def _recall(counts: list[Any] | None) -> str:
    return _share(counts[0], counts[0] + counts[2]) if counts else "–"


def _share(hits: int, n: int) -> str:
    """`97,0 % (96 sur 99 ; de 91,4 à 99,4 %)`; a dash where there is no case."""
    if not n:
        return "–"
    lower, upper = clopper_pearson(hits, n)
    return f"{percent(hits / n)} ({number(hits, 0)} sur {number(n, 0)} ; de {percent(lower)} à {percent(upper)})"
