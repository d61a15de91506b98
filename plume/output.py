"""Says where a command may write: never into what it reads, and over nothing that plume did not write.

A folder of results is known by its marker, a file that is written when all others are there. `--force` overwrites a
folder with that marker. Everything here is refused before any work.
"""

import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from plume.errors import InputError
from plume.files import make_folder, read_object, remove_abandoned, scratch, share, telling
from plume.interrupt import deferred

TOKENS = ".tokens"  # in a dataset folder: what training keeps as token ids; an erasure and a new build remove it
BUILDING = ".plume-build-"  # how the name of a temporary folder begins in which results are made


@dataclass(frozen=True)
class Kind:
    """Describes what a command writes into a folder of its own.

    Attributes:
        name: what the folder is, with its article.
        files: names of its files, the marker last.
        keys: what the JSON object in the marker holds at least.
        always: sets of files by which such a folder is known, too, where its marker is damaged or was never written.
        alone: files that it may hold without its marker, and that say nothing of whose it is.
    """

    name: str
    files: tuple[str, ...]
    keys: frozenset[str]
    always: tuple[tuple[str, ...], ...] = ()
    alone: tuple[str, ...] = ()

    @property
    def marker(self) -> str:
        return self.files[-1]

    def is_in(self, folder: Path) -> bool:
        """Tell whether plume wrote the folder, as this kind."""
        told = read_object(folder / self.marker)
        if told is not None and self.keys <= told.keys():
            return True
        return any(all((folder / name).is_file() for name in names) for names in self.always)


_SPLITS = ("train.jsonl", "validation.jsonl", "test.jsonl", "quarantine.jsonl")
_CHECKPOINTS = ("checkpoint.pt", "checkpoint.previous.pt", "checkpoint.partial", "best.pt", "best.partial")
DATASET = Kind(
    "a dataset",
    (*_SPLITS, "README.md", "privacy.html", "memory.json", "audit.jsonl", "manifest.json"),
    frozenset({"splits", "counts", "versions"}),
    ((*_SPLITS, "privacy.html"),),
    ("quarantine.jsonl",),  # of a build that left nothing to train on
)
RUN = Kind(
    "a training run",
    (
        "steps.jsonl",
        "drafts.jsonl",
        "dropped.jsonl",
        "truncated.jsonl",
        "canaries.jsonl",
        *_CHECKPOINTS,
        "config.yaml",
        "run.json",
    ),
    frozenset({"key", "samples_sha256"}),
    (("dropped.jsonl", "truncated.jsonl"), ("config.yaml", "steps.jsonl")),
)
VERDICT = Kind(
    "a verdict",
    ("champion.scores.jsonl", "challenger.scores.jsonl", "report.html", "verdict.json"),
    frozenset({"outcome", "inputs"}),
    (("champion.scores.jsonl", "challenger.scores.jsonl"),),
)
RANKING = Kind("a ranking", ("ranking.html", "ranking.json"), frozenset({"systems", "differences"}))
TREND = Kind("a trend page", ("trend.html", "trend.json"), frozenset({"promotions", "champion"}))
TIME = Kind("a time analysis", ("time.html", "time.json"), frozenset({"estimates", "claims"}))
MEMORY = Kind("a memory test", ("memory.html", "memory.json"), frozenset({"estimates", "canaries"}))
SITE = Kind("an acceptance report", ("site.html", "site.json"), frozenset({"parts", "outcome"}))
BENCH = Kind("a benchmark of a server", ("bench.png", "bench.json"), frozenset({"rows", "promised"}))
SOURCES = Kind(
    "sources",
    ("passages.jsonl", "quarantine.jsonl", "manifest.json"),
    frozenset({"sources", "passages_sha256"}),
)
RENDERED = Kind(
    "rendered files",
    ("plume", "nginx", "systemd", "prometheus", "grafana", "compose", "docker", "kubernetes", "rendered.json"),
    frozenset({"made_by", "files"}),
)  # folders, each whole
EXPORT = Kind("an exported model", ("README.md", "exported.json"), frozenset({"to", "adapter_sha256", "parity"}))
STUDY = Kind(
    "a study",
    ("items.jsonl", "config.yaml", "power.json", "preregistration.json"),
    frozenset({"hypotheses", "items_sha256"}),
)
ANALYSIS = Kind("a study's analysis", ("study.html", "study.json"), frozenset({"estimates", "preregistration"}))
DRAFTS = (("id", "draft"), ("id", "error"))  # what a row of a file of drafts holds at least
KINDS = (DATASET, RUN, VERDICT, RANKING, TREND, TIME, MEMORY, SITE, SOURCES, RENDERED, EXPORT, STUDY, ANALYSIS, BENCH)


def check_folder(
    folder: Path, kind: Kind, *, force: bool, reads: Collection[str | Path | None] = (), option: str = "--out"
) -> None:
    """Refuse a folder that cannot or must not be written. Changes nothing.

    A folder that holds something is refused without `force`. With it, a folder is taken that holds results of this
    kind, or whose files bear none of the names to be written. `reads` are the files and folders that the command reads.
    """
    if folder.is_file():
        raise InputError(f"{folder} is a file; name a folder with {option}")
    _check_place(folder, option)
    for read in map(Path, filter(None, reads)):
        if read.is_dir() and _overlap(folder, read):
            raise InputError(f"{option} {folder}: is, holds or lies in {read}, which is read; name another folder")
        if read.parent.resolve() == folder.resolve() and read.name in kind.files:
            raise InputError(f"{option} {folder}: {read}, which is read, would be overwritten; name another folder")
    held = holds(folder, kind)
    if not held or kind.is_in(folder):
        if held and not force:
            raise InputError(f"{folder} is not empty; name another folder with {option}, or overwrite it with --force")
        return
    theirs = [name for name in kind.files if name in held]
    other = next((each.name for each in KINDS if each.is_in(folder)), "")
    if other or theirs:
        what = f"holds {other}, not {kind.name}" if other else f"does not hold {kind.name} of plume's"
        would = f", and --force would overwrite its {', '.join(theirs)}" if theirs else ""
        mend = f"name another folder with {option}" + (", or remove those" if theirs else "")
        raise InputError(f"{folder}: is not empty and {what}{would}; {mend}")
    if not force:
        raise InputError(f"{folder} is not empty; name another folder with {option}, or write beside it with --force")


def holds(folder: Path, kind: Kind) -> list[str]:
    """List what lies in a folder, without what is kept to save time, or left by a work that was cut off."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if not path.name.startswith((BUILDING, TOKENS))]
    return [] if set(names) <= set(kind.alone) else names


def check_file(
    file: Path,
    rows: Collection[tuple[str, ...]],
    *,
    reads: Collection[str | Path] = (),
    option: str = "--out",
) -> None:
    """Refuse a file that cannot be written, that is read, or that plume did not write. Changes nothing.

    `rows` are sets of keys, of which the first row of a file of plume's has one.
    """
    if file.is_dir():
        raise InputError(f"{option} {file}: is a folder; name a file in it")
    if file.exists() and not file.is_file():
        raise InputError(f"{option} {file}: is a device or a pipe, which a file would replace; name a file")
    _check_place(file, option)
    for read in map(Path, reads):
        if read.is_dir() and file.resolve().is_relative_to(read.resolve()):
            raise InputError(f"{option} {file}: lies in {read}, which is read; name a file elsewhere, or move it there")
        if file.exists() and read.exists() and file.samefile(read):
            raise InputError(f"{option} {file}: is the input itself; name another file")
    if file.exists() and not _begins_with(file, rows):
        raise InputError(
            f"{option} {file}: holds something else than this command writes; name another file, or remove it"
        )


def _begins_with(file: Path, rows: Collection[tuple[str, ...]]) -> bool:
    """Tell whether the first row of a file has one of these sets of keys, or the file has no row."""
    try:
        with file.open("rb") as opened:
            first = next((line for line in iter(partial(opened.readline, 1 << 20), b"") if line.strip()), b"")
        row = json.loads(first)
    except (ValueError, RecursionError):  # empty, or cut off by a kill
        return not first or (not first.endswith(b"\n") and first.startswith(b'{"id"'))
    except OSError:
        return False
    return isinstance(row, dict) and any(set(keys) <= row.keys() for keys in rows)


def _check_place(path: Path, option: str) -> None:
    """Refuse what can be seen not to be writable: a link to nothing, a way through a file, a read-only disk."""
    there = path
    while not there.exists():
        if there.is_symlink():
            raise InputError(
                f"{option} {path}: {there} is a link to {there.readlink()}, which is not there; make that, or remove "
                "the link"
            )
        there = there.parent
    if not there.is_dir() and there != path:
        raise InputError(f"{option} {path}: {there} is a file; name another folder with {option}")
    if not os.access(there, os.W_OK) or (path.is_dir() and not os.access(there, os.X_OK)):
        raise InputError(
            f"{option} {path}: this user may not write in {there}, or its disk is read-only; mend that, or name "
            f"another place with {option}"
        )


def _overlap(one: Path, other: Path) -> bool:
    one, other = one.resolve(), other.resolve()
    return one.is_relative_to(other) or other.is_relative_to(one)


@contextmanager
def building(folder: Path, kind: Kind) -> Iterator[Path]:
    """Give an empty folder in which to make the files of `kind`; they are moved to `folder` when the block ends.

    It lies on the disk of `folder`, inside it if that exists: it may be a mount point. The old files stay until
    the new files are whole, and stay for good if anything fails. Raises OSError.
    """
    inside = folder if folder.is_dir() else next(each for each in folder.resolve().parents if each.is_dir())
    with scratch(inside, BUILDING, lambda left: not (left / "before").exists()) as held:
        made = held / "made"
        made.mkdir()
        yield made
        share(made)
        _install(made, folder, kind.files, held / "before")
    # Old results that a killed command had set aside: these have taken their place.
    remove_abandoned(inside, BUILDING, lambda left: {path.name for path in left.glob("before/*")} <= set(kind.files))


def _install(made: Path, folder: Path, names: tuple[str, ...], aside: Path) -> None:
    """Move new files from `made` to `folder`, the marker last; what they replace goes to `aside` first.

    The three are on one disk, so moving is renaming. If a renaming fails, the old files are put back: there are always
    the old results or the new ones. What plume does not write stays. Raises OSError.
    """
    if not folder.exists():
        make_folder(folder.parent)
        made.rename(folder)
        return
    aside.mkdir()
    with deferred():
        new: list[Path] = []
        try:
            for name in reversed(names):  # the marker first: half of the results must not be taken for the whole
                if (folder / name).exists():
                    (folder / name).rename(aside / name)
            for name in names:
                if (made / name).exists():
                    (made / name).rename(folder / name)
                    new.append(folder / name)
        except BaseException:  # a second Ctrl-C does not wait
            for path in new:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            for name in names:
                if (aside / name).exists():
                    (aside / name).rename(folder / name)
            raise


def finish(folder: Path, kind: Kind) -> None:
    """Finish the renames that a kill cut off, and remove what it left. For a kind whose files are all always made.

    Whoever calls it has locked the folder. Raises OSError.
    """
    for left in sorted(folder.glob(f"{BUILDING}*")):
        if not {path.name for path in left.glob("*/*")} <= set(kind.files):  # another command's
            continue
        if not (folder / kind.marker).is_file() and (left / "before").is_dir():
            for name in kind.files:
                if (left / "made" / name).is_file():
                    (left / "made" / name).rename(folder / name)
        shutil.rmtree(left)


def claim(folder: Path, kind: Kind, *, option: str = "--out") -> None:
    """Make a folder ready that was checked: what plume wrote there as this kind is removed. Raises InputError."""
    with telling(folder, f"name another folder with {option}"):
        make_folder(folder)
        for name in kind.files:
            for each in (name, f".{name}.partial"):
                (folder / each).unlink(missing_ok=True)
