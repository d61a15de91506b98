"""Read the minutes that a study measured with and without a draft: `study.json` of `plume eval study analyse`.

Nothing else measures what a draft saves: agents were given one or an empty page by lot. Where it holds, its minutes
stand in the place of the modelled ones.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from eval.stats.estimate import Estimate
from eval.time.measurement import BIASED, RANDOMISED, Measurement, make
from plume.errors import InputError
from plume.files import file_sha256

RATIO, SAVED, WITH, WITHOUT = "time_ratio", "minutes_saved", "minutes_with_draft", "minutes_without_draft"
QUANTITIES = (RATIO, SAVED, WITH, WITHOUT)
COMPARISONS = {RATIO: "with_vs_without", SAVED: "with_vs_without", WITH: "level", WITHOUT: "level"}
GROUPS = ("all", "novice", "expert")


@dataclass(frozen=True)
class StudyMinutes:
    """Holds the rows of a study, what its plan was, and whether it was kept.

    Attributes:
        rows: of QUANTITIES, those of the group `all` first.
        holds: preregistration.json is the one that was fixed before the first reply.
        sha256: of study.json; `planned_sha256` of preregistration.json.
        won: share of the pairs of final replies that the one begun from a draft won, blind; None where none was rated.
        confidence: of all intervals.
        waiting: replies that were still awaited when the study was analysed.
    """

    rows: tuple[Measurement, ...]
    holds: bool
    sha256: str
    planned_sha256: str | None
    won: Estimate | None = None
    confidence: float = 0.95
    waiting: int = 0

    def get(self, quantity: str, group: str = "all") -> Measurement | None:
        return next((row for row in self.rows if (row.quantity, row.group) == (quantity, group)), None)

    @property
    def replaces(self) -> bool:
        """Whether its minutes stand in the place of the modelled ones: they were planned, and have an interval."""
        saved = self.get(SAVED)
        return self.holds and saved is not None and saved.lower is not None


def read(path: str | Path) -> StudyMinutes:
    """Read study.json. Raises InputError where it is no such file, or damaged."""
    document = _document(Path(path))
    planned = document["preregistration"]
    if planned.get("split") == "train":
        raise InputError(
            f"{path}: its reviews are of the train split, whose replies the system may have learnt; minutes are "
            "measured in a study of test reviews (split=test)"
        )
    holds = planned.get("holds") is True
    rows = [_row(row, holds, path) for row in document["estimates"] if _is_ours(row)]
    rows.sort(key=lambda row: (GROUPS.index(row.group), QUANTITIES.index(row.quantity)))
    twice = len({(row.quantity, row.group) for row in rows}) < len(rows)
    if twice or not {RATIO, SAVED} <= {row.quantity for row in rows if row.group == "all"}:
        raise InputError(f"{path}: holds no {RATIO} or no {SAVED} of all agents, or two; analyse the study again")
    answer = document.get("answer")
    told = answer.get("confidence") if isinstance(answer, dict) else None
    confidence = float(told) if _is_number(told) and 0 < told < 1 else 0.95
    won = _won(document["estimates"])
    flow = document.get("flow")
    waiting = _whole(flow.get("waiting")) if isinstance(flow, dict) else 0
    return StudyMinutes(tuple(rows), holds, file_sha256(Path(path)), planned.get("sha256"), won, confidence, waiting)


def _won(rows: list[Any]) -> Estimate | None:
    """Find how often the final reply that began as a draft was preferred."""
    for row in rows:
        if isinstance(row, Mapping) and (row.get("quantity"), row.get("group")) == ("finals_won", "all"):
            values = [row.get(name) for name in ("estimate", "lower", "upper")]
            if _is_number(values[0]) and all(value is None or _is_number(value) for value in values):
                return Estimate(*values, n=_whole(row.get("n")))
    return None


def _document(path: Path) -> dict[str, Any]:
    mend = "name the study.json that plume eval study analyse wrote"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON ({type(error).__name__}); {mend}") from None
    if not isinstance(found, dict) or not isinstance(found.get("estimates"), list):
        raise InputError(f"{path}: is no analysed study; {mend}")
    if not isinstance(found.get("preregistration"), dict):
        raise InputError(f"{path}: says nothing of a preregistration, so that it is no study's; {mend}")
    return found


def _is_ours(row: Any) -> bool:
    return isinstance(row, Mapping) and row.get("quantity") in QUANTITIES and row.get("group") in GROUPS


def _row(row: Mapping[str, Any], holds: bool, path: str | Path) -> Measurement:
    values = [row.get(name) for name in ("estimate", "lower", "upper")]
    n = row.get("n")
    if not all(value is None or _is_number(value) for value in values) or not _is_number(n) or n < 0:
        raise InputError(f"{path}: {row['quantity']} of {row['group']}: not numbers; analyse the study again")
    point, low, high = values
    span = None if low is None or high is None else (low, high)
    ordered = span is None or (point is not None and low <= point <= high)
    if not ordered or (row["quantity"] != SAVED and (point is not None and point <= 0)):
        raise InputError(f"{path}: {row['quantity']} of {row['group']}: impossible; analyse the study again")
    grade = RANDOMISED if holds else BIASED
    return make(row["quantity"], row["group"], COMPARISONS[row["quantity"]], point, span, int(n), grade)


def _whole(value: Any) -> int:
    return int(value) if _is_number(value) and value > 0 else 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
