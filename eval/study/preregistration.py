"""Define the study's folder and preregistration.json: what is decided before anyone writes, and its digest."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from eval.study.records import Item, items_lines, read_items
from plume.config import Config
from plume.errors import InputError
from plume.files import file_sha256, read_object, sha256, write
from plume.output import STUDY, check_folder

ITEMS, CONFIG, POWER, PREREGISTRATION = "items.jsonl", "config.yaml", "power.json", "preregistration.json"
ERASED = "erased.json"  # how many reviews were erased on request, and the digests of items.jsonl without them
DATABASE = "study.sqlite"  # made when the study begins: from then on nothing of the above may change
VERSION = 1


class Primary(Config):
    measure: str = "time_ratio"
    hypothesis: str = Field(description="in words")
    adjusted_for: tuple[str, ...] = ("period", "position")


class Quality(Config):
    measure: str = "finals_won"  # share of pairs of finals won by the one that began as a draft, ties halved
    hypothesis: str = Field(description="in words")
    margin: float


class Preregistration(Config):
    """Holds what was decided before the first reply. `systems` are digests of drafts files, by system."""

    version: int
    made_on: str
    hypotheses: tuple[str, ...]
    primary: Primary
    quality: Quality
    effect: float
    power: float
    confidence: float
    agents: Annotated[int, Field(ge=2)]
    items: Annotated[int, Field(ge=2)]
    comparisons: int
    finals: int
    idle_seconds: float
    sensitivity: tuple[float, ...]
    seed: int
    items_sha256: str
    split: Literal["test", "train"] = "test"
    systems: dict[str, str]
    writing_system: str
    model: str
    exclusions: tuple[str, ...]


def check_out(folder: Path, reads: Iterable[Path], *, force: bool) -> None:
    """Refuse a folder that must not be written: no --force touches a study that has begun. Raises InputError."""
    if (folder / DATABASE).exists():
        raise InputError(
            f"{folder}: its study has begun ({DATABASE} is there), and what was decided before stays; name another "
            "folder with out="
        )
    check_folder(folder, STUDY, force=force, reads=tuple(reads), option="out=")


def write_preregistration(folder: Path, made: Preregistration) -> str:
    """Write preregistration.json; give its digest. Raises OSError."""
    write(folder / PREREGISTRATION, json.dumps(made.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n")
    return file_sha256(folder / PREREGISTRATION)


def read_preregistration(folder: str | Path) -> tuple[Preregistration, str]:
    """Read what a study's folder decided, and its digest. Raises InputError, also if items.jsonl was changed since."""
    path = Path(folder) / PREREGISTRATION
    if not path.is_file():
        raise InputError(f"{folder}: no study's folder (no {PREREGISTRATION}); make one with: plume eval study plan")
    found = read_object(path)
    if found is None or found.get("version") != VERSION:
        raise InputError(f"{path}: damaged, or of another version of plume; plan the study again")
    try:
        decided = Preregistration.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}; plan the study again") from None
    items = Path(folder) / ITEMS
    if not items.is_file() or file_sha256(items) not in (decided.items_sha256, *_erasures(folder)):
        raise InputError(f"{items}: is not what {PREREGISTRATION} describes; plan the study again in another folder")
    return decided, file_sha256(path)


def note_erasure(folder: Path, kept: list[Item], erased: int) -> None:
    """Note that reviews are about to be erased, so that items.jsonl without them is taken, too. Raises OSError."""
    known = _erasures(folder)
    known[sha256(items_lines(kept))] = erased + erased_items(folder)
    write(folder / ERASED, json.dumps(known, indent=1) + "\n")


def erased_items(folder: str | Path) -> int:
    """Count the reviews that were erased from a study."""
    return _erasures(folder).get(file_sha256(Path(folder) / ITEMS), 0)


def _erasures(folder: str | Path) -> dict[str, int]:
    """Read the digests that items.jsonl has after erasures, with how many reviews were erased by then."""
    return read_object(Path(folder) / ERASED) or {}


def items_of(folder: str | Path) -> list[Item]:
    """Read the reviews of a study's folder. Raises InputError."""
    return read_items(Path(folder) / ITEMS)
