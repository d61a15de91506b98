"""Read what is browsed: the drafts of one or more systems, what their scores say of them, the reviews that they answer.

A verdict names its drafts and its dataset; drafts alone want `--data`.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.drafts import Drafts, read_drafts, read_pairs
from eval.measures import COPYING
from eval.rule import ARMS
from eval.score import Replies, ScoreRow, kept_file, score_drafts, training_replies
from plume.checks.quoted import quotations
from plume.checks.registry import CHECKS
from plume.corpus.dataset import Pair
from plume.errors import InputError
from plume.files import file_sha256, read_object

_FAILS = b'"value": 0.0'  # in each line of a file of scores that says of a check that it fails


@dataclass(frozen=True)
class Failure:
    """What a check found in a draft that fails it, and by which rules; `passages` say which rule found which."""

    detail: str
    rules: tuple[str, ...] = ()
    passages: tuple[tuple[str, tuple[str, ...]], ...] = ()


Failed = Mapping[str, Mapping[str, Failure]]  # id -> measure -> what was found


@dataclass(frozen=True)
class System:
    """A system under a name of its own among those shown, its drafts, and which of them fail which check."""

    name: str
    drafts: Drafts
    failed: Failed


@dataclass(frozen=True)
class Browsed:
    """All that is browsed. `notes` is where notes are kept if nobody says otherwise; `off` are checks switched off."""

    title: str
    systems: Sequence[System]
    pairs: Sequence[Pair]
    notes: Path
    off: Collection[str] = ()


def to_browse(named: Sequence[Path], data: Path | None) -> Browsed:
    """Read verdicts of one champion (or a ranking), drafts, or both. Raises InputError."""
    verdicts = {path: found for path in named if (found := _verdicts(path))}
    drafts = [read_drafts(path) for path in named if path not in verdicts]
    if verdicts:
        first = next(iter(verdicts))
        notes = (first if first.is_dir() else first.parent) / "notes.jsonl"
        return _of_verdicts([file for files in verdicts.values() for file in files], drafts, data, notes)
    if data is None:
        raise InputError("--data DIR: name the dataset folder whose reviews the drafts answer")
    pairs = _pairs(data, drafts)
    notes = drafts[0].path.with_suffix(".notes.jsonl")
    return Browsed("Brouillons côte à côte", _named([(d, "") for d in drafts], pairs, data, {}, ()), pairs, notes)


def _verdicts(path: Path) -> list[Path]:
    """Find the verdict.json that a path names, or those of a ranking; none for a file of drafts."""
    if not path.is_dir():
        return [path] if path.suffix == ".json" else []
    if (path / "verdict.json").is_file():
        return [path / "verdict.json"]
    ranked = (read_object(path / "ranking.json") or {}).get("systems", ())
    found = [path / one["verdict"] for one in ranked if isinstance(one, dict) and isinstance(one.get("verdict"), str)]
    if not found:
        raise InputError(f"{path}: a folder without verdict.json; name the folder of a verdict, or drafts.jsonl")
    return sorted(found)


def _of_verdicts(files: Sequence[Path], others: Iterable[Drafts], data: Path | None, notes: Path) -> Browsed:
    rest, roles, scores, off = [*others], {}, {}, set()
    for file in files:
        document = read_object(file) or {}
        if not isinstance(inputs := document.get("inputs"), dict):
            raise InputError(f"{file}: is no verdict; write one with: plume eval compare")
        places = document.get("files") or {}
        for arm, role in ARMS.items():
            sha256 = inputs.get(f"{arm}_drafts_sha256")
            if (arm, sha256) not in roles:
                roles[arm, sha256] = _drafts_of(arm, file, sha256, places.get(arm), rest), role.capitalize()
            kept = file.parent / f"{arm}.scores.jsonl"
            if kept.is_file() and file_sha256(kept) == inputs.get(f"{arm}_scores_sha256"):
                scores[sha256] = kept
        if sum(arm == "champion" for arm, _ in roles) > 1:
            raise InputError(f"{file}: of another champion than {files[0]}; name verdicts of one, or only drafts")
        off |= {CHECKS[name].measure for name in document.get("checks_off", ()) if name in CHECKS}
        data = data or (file.parent / places["data"] if places.get("data") else None)
    if data is None:
        raise InputError(f"{files[0]}: does not name its dataset folder; name it with --data DIR")
    shown = [*roles.values(), *((each, "") for each in rest)]
    pairs = _pairs(data, [drafts for drafts, _ in shown])
    return Browsed("Verdict, avis par avis", _named(shown, pairs, data, scores, off), pairs, notes, off)


def _drafts_of(arm: str, file: Path, sha256: str | None, known: str | None, others: list[Drafts]) -> Drafts:
    """Find the drafts of a verdict's arm: among those named, which are then no others, else where the verdict says."""
    for each in others:
        if each.sha256 == sha256:
            others.remove(each)
            return each
    if not known or not (file.parent / known).is_file():
        raise InputError(
            f"{file}: the drafts of the system {ARMS[arm]} ({arm}) are not where they were; name them, too"
        )
    found = read_drafts(file.parent / known)
    if found.sha256 != sha256:
        raise InputError(f"{found.path}: other drafts than those that {file} judged; compare again, or name those")
    return found


def _pairs(data: Path, drafts: Iterable[Drafts]) -> list[Pair]:
    pairs, split = [], None
    for each in drafts:
        pairs = read_pairs(data, each, split=split)
        split = each.meta["data"]["split"]
    if not pairs:
        raise InputError(f"{data}: {split}.jsonl holds no pair; build the dataset from a larger export")
    return pairs


def _named(
    roles: Sequence[tuple[Drafts, str]],
    pairs: list[Pair],
    data: Path,
    scores: Mapping[str, Path],
    off: Collection[str],
) -> list[System]:
    """Give each system a name of its own, and its failures: from kept scores, else the drafts are scored now."""
    learnt: Replies | None = None
    systems: list[System] = []
    for drafts, role in roles:
        name = f"{role} : {drafts.name}" if role else drafts.name
        same = sum(each.name.partition(" (n° ")[0] == name for each in systems)
        if not (kept := scores.get(drafts.sha256)):
            learnt = training_replies([data]) if learnt is None else learnt
            kept = kept_file(drafts, learnt, pairs=pairs)
        failed = _failed(_read(kept) if kept else score_drafts(drafts, pairs, learnt or ()), off)
        systems.append(System(f"{name} (n° {same + 1})" if same else name, drafts, failed))
    return systems


def _read(path: Path) -> Iterable[ScoreRow]:
    """Read only what fails: a file of 50,000 drafts' scores has a million lines."""
    with path.open("rb") as file:
        yield from (json.loads(line) for line in file if _FAILS in line)


def _failed(rows: Iterable[ScoreRow], off: Collection[str]) -> Failed:
    failed: dict[str, dict[str, Failure]] = {}
    for row in rows:
        measure: str = row["measure"]
        if (measure.startswith("check:") or measure == COPYING) and row.get("value") == 0 and measure not in off:
            failed.setdefault(row["id"], {})[measure] = _failure(row)
    return failed


def _failure(row: dict[str, Any]) -> Failure:
    """Read what was found. Where one rule found all, or where scores of before do not say which, all are named."""
    detail, rules = row.get("detail") or "", tuple(row.get("rules") or ())
    passages = [(text, (rule,)) for text, rule in row.get("faults") or ()]
    return Failure(
        detail, rules, tuple(passages or [(text, rules or (row["measure"],)) for text in quotations(detail)])
    )
