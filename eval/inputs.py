"""Check what a command is given before anything heavy is imported, so that a refusal takes no longer than reading.

scipy, matplotlib, MLflow and torch take five seconds and more.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval import swapped_reviews
from eval.drafts import Drafts, read_drafts, read_pairs
from eval.probes import beside, read_probes
from eval.ratings import Ratings
from eval.ratings import read as read_ratings
from eval.rule import GateRule, Probes
from eval.time.minutes import constants, from_study
from plume.corpus.dataset import Pair, read_manifest, read_split
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.export.reader import read_rows
from plume.files import file_sha256
from plume.output import DRAFTS, RANKING, TIME, VERDICT, check_file, check_folder
from plume.paths import in_clone


@dataclass(frozen=True)
class Compared:
    """Holds the rule, the drafts of "champion" and "challenger", the pairs that they answer, and people's choices."""

    rule: GateRule
    arms: dict[str, Drafts]
    pairs: list[Pair]
    ratings: Ratings | None = None


def to_generate(data: Path, split: str, out: Path, gate: Path | None) -> list[Pair]:
    """Read the pairs that drafts are to answer. Raises InputError."""
    read_manifest(data)
    if split not in SPLITS:
        raise InputError(f"--split {split}: unknown; known ones: {', '.join(SPLITS)}")
    pairs = read_split(data, split)
    if not pairs:
        raise InputError(f"{data}: the split {split!r} is empty; build the dataset from a larger export")
    check_file(out, DRAFTS, reads=[data])
    if gate:
        GateRule.load(gate)
    return pairs


def to_probe(out: Path, gate: Path | None, sample: int) -> tuple[list[Pair], str]:
    """Read the probes that a system is to draft, and their file's digest; with `sample` so many, spread over the file.

    Raises InputError, also if the rule asks for no probes.
    """
    rule = GateRule.load(gate) if gate else None
    if rule and not rule.probes:
        raise InputError(f"{gate}: asks for no probes (probes: null); leave --probes out, or name another rule")
    path = in_clone(Path(rule.probes.file if rule else Probes().file))
    rows = read_probes(path)
    check_file(beside(out), DRAFTS)
    step = max(1, len(rows) // sample) if sample else 1
    return rows[::step][: sample or None], file_sha256(path)


def to_swap(out: Path) -> tuple[list[Pair], str]:
    """Read the reviews of datasets/fairness that a system is to draft, and their digest. Raises InputError."""
    check_file(swapped_reviews.beside(out), DRAFTS)
    return swapped_reviews.read_reviews()


def to_score(drafts: str | Path, data: str | Path, out: str | Path, *, force: bool) -> tuple[Drafts, list[Pair]]:
    """Read the drafts and what they answer. Raises InputError, also if `out` exists, unless `force`."""
    path, out = Path(drafts), Path(out)
    check_file(out, [("id", "measure")], reads=[data, drafts])
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name its drafts.jsonl")
    if out.with_suffix(".meta.json").resolve() == path.with_suffix(".meta.json").resolve():
        raise InputError(f"--out {out}: its description would replace that of the drafts; use {path.stem}.scores.jsonl")
    if out.exists() and not force:
        raise InputError(f"{out} exists; name another file with --out, or overwrite it with --force")
    found = read_drafts(path)
    return found, read_pairs(data, found)


def to_compare(
    champion: str | Path,
    challenger: str | Path,
    data: str | Path,
    gate: str | Path,
    out: str | Path,
    *,
    ratings: Sequence[str | Path] = (),
    trained_on: Iterable[str | Path] = (),
    force: bool = False,
) -> Compared:
    """Read what a comparison starts from. Raises InputError."""
    rule = GateRule.load(gate)
    arms = {"champion": read_drafts(champion), "challenger": read_drafts(challenger)}
    split = arms["champion"].meta["data"]["split"]
    for drafts in arms.values():
        pairs = read_pairs(data, drafts, split=split)
    if not pairs:
        raise InputError(f"{data}: {split}.jsonl holds no pair; build the dataset from a larger export")
    for folder in trained_on:
        read_manifest(folder)
    reads = (data, *trained_on, *ratings, champion, challenger, gate)
    check_folder(Path(out), VERDICT, force=force, reads=reads)
    heard = read_ratings(ratings, arms, {pair["id"] for pair in pairs}) if ratings else None
    return Compared(rule, arms, pairs, heard)


def folders_below(out: Path, challengers: Sequence[Path]) -> list[Path]:
    """Name the folder of each challenger's verdict below `out`: its number and its file's name."""
    return [out / f"{n}-{re.sub(r'[^A-Za-z0-9._-]+', '-', c.stem)[:40]}" for n, c in enumerate(challengers, 1)]


def to_compare_several(
    champion: Path,
    challengers: Sequence[Path],
    data: Path,
    gate: Path,
    out: Path,
    *,
    ratings: Sequence[str | Path] = (),
    trained_on: Sequence[str | Path] = (),
    force: bool = False,
) -> list[Compared]:
    """Read what the comparisons start from, in the challengers' order. Raises InputError."""
    resolved = [path.resolve() for path in (champion, *challengers)]
    for path in challengers:
        if resolved.count(path.resolve()) > 1:
            raise InputError(f"{path}: is given twice; name each system once, the champion first")
    reads = (data, *trained_on, *ratings, champion, *challengers, gate)
    check_folder(out, RANKING, force=force, reads=reads)
    more = {"ratings": ratings, "trained_on": trained_on, "force": force}
    given = zip(challengers, folders_below(out, challengers), strict=True)
    return [to_compare(champion, challenger, data, gate, folder, **more) for challenger, folder in given]


def to_time(
    export: str | Path,
    out: str | Path,
    *,
    claims: str | Path,
    constants_file: str | Path,
    decisions: str | Path | None = None,
    study: str | Path | None = None,
    force: bool = False,
) -> None:
    """Raise the InputError that `plume eval time` would end with: a missing file, one of another kind, a bad option."""
    from eval.time.claims.published import Baseline  # reads what a claim may be of, and scipy with it

    Baseline.load(in_clone(claims))
    constants.load(in_clone(constants_file))
    check_folder(Path(out), TIME, force=force, reads=(export, claims, constants_file, decisions, study))
    if study:
        from_study.read(study)
    next(iter(read_rows(in_clone(export))), None)
    if decisions and not Path(decisions).is_file():
        raise InputError(f"{decisions}: no such file of decisions; write them with plume serve decisions")
