"""Find where an experience may stand: dataset folders, cached copies of their splits, other files that name it."""

import mmap
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from plume.corpus import audit, dataset
from plume.paths import home

_SKIPPED = frozenset({"node_modules", "__pycache__", "models"})
_TEXT = frozenset({".jsonl", ".json", ".html", ".csv", ".txt", ".md", ".yaml", ".tsv"})
_DATASET_FILES = frozenset({*dataset.FILES, audit.FILE})


def dataset_folders(roots: Iterable[Path], unread: dict[Path, str] | None = None) -> list[Path]:
    """Find every dataset folder at or below the roots, those whose erasure was cut off included; each once.

    `unread` takes the folders that could not be looked into, with why.
    """
    folders: dict[Path, None] = {}
    for root in roots:
        for folder, names in _walk(root, unread):
            if "manifest.json" in names and ("train.jsonl" in names or dataset.STAGED in names):
                folders[folder.resolve()] = None
    return sorted(folders)


def remove_cached_copies() -> bool:
    """Remove the copies of splits that training once kept under <home>/splits; it keeps none any more.

    So with what comparisons keep of them under <home>/contamination. Returns whether there were any.
    """
    caches = [cache for cache in (home() / "splits", home() / "contamination") if cache.is_dir()]
    for cache in caches:
        shutil.rmtree(cache, ignore_errors=True)
    return bool(caches)


def arrow_copies(experiences: Iterable[str]) -> list[Path]:
    """Find copies that `datasets.load_dataset` keeps in the user's own cache and that hold the id of one of them."""
    where = (
        os.environ.get("HF_DATASETS_CACHE") or Path(os.environ.get("HF_HOME") or "~/.cache/huggingface") / "datasets"
    )
    ids = [f"{experience}-".encode() for experience in experiences]  # in Arrow, ids stand without a gap
    found = []  # an empty file is a ValueError
    for path in sorted(Path(where).expanduser().rglob("*.arrow")):
        with (
            suppress(OSError, ValueError),
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            if any(data.find(each) >= 0 for each in ids):
                found.append(path)
    return found


def mentions(experiences: Iterable[str], roots: Iterable[Path], folders: Iterable[Path]) -> list[Path]:
    """Find text files at or below the roots that name one of the experiences: exports, drafts, scores, reports.

    The files of the dataset folders `folders` are not among them: they are rewritten. Compressed files are not read.
    """
    known = [re.compile(mention_of(experience).pattern.encode()) for experience in experiences]
    erased = {folder / name for folder in folders for name in _DATASET_FILES}
    found: dict[Path, None] = {}
    for root in roots:
        for folder, names in _walk(root.resolve()):
            for path in (folder / name for name in names if Path(name).suffix in _TEXT):
                if path not in erased and path.is_file() and _names_one(path, known):
                    found[path] = None
    return sorted(found)


def mention_of(experience: str) -> re.Pattern[str]:
    """Match an experience by its id; a short id counts only with the number of a structure, as in "12-1"."""
    tail = r"(?:-[1-9])?" if len(experience) > 4 else "-[1-9]"
    return re.compile(rf"(?<![\w-]){re.escape(experience)}{tail}(?![\w-])")


def _names_one(path: Path, known: list[re.Pattern[bytes]]) -> bool:
    try:
        with path.open("rb") as file:
            return any(pattern.search(line) for line in file for pattern in known)
    except OSError:  # not ours to read
        return False


def _walk(root: Path, unread: dict[Path, str] | None = None) -> Iterator[tuple[Path, list[str]]]:
    """Walk the folders at or below a root, with the names in them: no hidden ones; links are followed, once."""
    stack, seen = [root.resolve()], set()
    while stack:
        folder = stack.pop()
        if folder in seen:
            continue
        seen.add(folder)
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:  # gone, or not ours to read
            if unread is not None and not isinstance(error, FileNotFoundError):
                unread[folder] = error.strerror or type(error).__name__
            continue
        yield folder, [entry.name for entry in entries]
        stack += [
            entry.resolve()
            for entry in entries
            if not entry.name.startswith(".") and entry.name not in _SKIPPED and entry.is_dir()
        ]
