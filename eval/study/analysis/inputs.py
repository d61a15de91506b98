"""Read a study with the rules that were fixed before it, and say whether they are still those."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eval.study import exports
from eval.study.database import kept_sha256
from eval.study.preregistration import (
    CONFIG,
    ITEMS,
    PREREGISTRATION,
    Preregistration,
    items_of,
    read_preregistration,
)
from eval.study.records import Item, Study
from plume.errors import InputError
from plume.files import file_sha256

KEPT, CHANGED, MISSING = "kept", "changed", "missing"
State = Literal["kept", "changed", "missing"]


@dataclass(frozen=True)
class Rules:
    """Holds what was decided before the first reply.

    Attributes:
        state: KEPT where preregistration.json is the file with which the study began.
        kept_sha256: of the file with which it began; `sha256` of the one that is there now, None if there is none.
        plan: what was decided; None where it was not KEPT: there are then no rules to judge by.
    """

    state: State
    kept_sha256: str
    sha256: str | None
    plan: Preregistration | None


@dataclass(frozen=True)
class Inputs:
    study: Study
    items: list[Item]
    rules: Rules
    hashes: dict[str, str]


def read(folder: Path) -> Inputs:
    """Read a study's folder. Raises InputError if nobody began the study, or if its records are unreadable."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no folder of a study; make one with: plume eval study plan")
    rules = _rules(folder)
    items = items_of(folder)
    study = exports.read(folder, (rules.plan or _stand_in(folder, items), rules.kept_sha256))
    return Inputs(study, items, rules, {ITEMS: file_sha256(folder / ITEMS)})


def _rules(folder: Path) -> Rules:
    kept, path = kept_sha256(folder), folder / PREREGISTRATION
    if not path.is_file():
        return Rules(MISSING, kept, None, None)
    now = file_sha256(path)
    return Rules(KEPT, kept, now, read_preregistration(folder)[0]) if now == kept else Rules(CHANGED, kept, now, None)


def _stand_in(folder: Path, items: list[Item]) -> Preregistration:
    """Give what the records cannot be read without, where the rules are lost: the shown system and the idle cap."""
    if not items or not items[0].drafts:
        raise InputError(f"{folder}: no {PREREGISTRATION}, and no draft in {ITEMS}; put the files of the study back")
    return Preregistration.model_construct(
        writing_system=next(iter(items[0].drafts)), idle_seconds=_idle_seconds(folder / CONFIG)
    )


def _idle_seconds(config: Path) -> float:
    from eval.study.config import StudyConfig

    default = float(StudyConfig.model_fields["idle_seconds"].default)
    if not config.is_file():
        return default
    try:
        return StudyConfig.load(config).idle_seconds
    except InputError:
        return default
