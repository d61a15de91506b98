"""Reads and writes a sources folder: passages.jsonl, quarantine.jsonl and the manifest that describes them.

`passages.jsonl` holds one passage a line, sorted by sheet and number. `quarantine.jsonl` holds each sheet that was left
out, with its reason. `manifest.json` says of which files all this is made, and when.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plume.errors import InputError
from plume.files import file_sha256, read_jsonl, read_object, telling, to_jsonl
from plume.files import write as write_file
from plume.output import SOURCES, building
from plume.passages import Passage
from plume.paths import home
from plume.sources.cut import number

PASSAGES, QUARANTINE, MANIFEST = SOURCES.files


def default() -> Path:
    """Find the folder that is meant where none is named."""
    return home() / "sources"


def read(folder: str | Path) -> list[Passage]:
    """Read all passages of a folder. Raises InputError if it is none, or if its passages were changed by hand."""
    folder = Path(folder)
    manifest = read_manifest(folder)
    path = folder / PASSAGES
    if not path.is_file() or file_sha256(path) != manifest["passages_sha256"]:
        raise InputError(f"{path}: is not what {MANIFEST} describes; import its files again into a new folder")
    return read_jsonl(path, needs=("id", "text", "title"))  # type: ignore[return-value]


def digest(folder: str | Path) -> str:
    """Give the digest of a folder's passages: with the same one, the same passages are found for a review."""
    return read_manifest(folder)["passages_sha256"]


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Read what describes a folder. Raises InputError."""
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise InputError(
            f"{folder}: not a sources folder (no {MANIFEST}); make one with: plume data sources import FILE --out DIR"
        )
    found = read_object(path)
    if found is None or not SOURCES.keys <= found.keys():
        raise InputError(f"{path}: damaged; import its files again into a new folder")
    return found


def read_quarantine(folder: str | Path) -> list[dict[str, Any]]:
    """Read what was left out, with the reasons."""
    return read_jsonl(Path(folder) / QUARANTINE, needs=("source", "member", "reason"))


def write(
    folder: str | Path, passages: Iterable[Passage], quarantine: Iterable[dict[str, Any]], manifest: dict[str, Any]
) -> None:
    """Replace a folder's files in one step; the digest of the passages is added to its manifest."""
    folder = Path(folder)
    rows = sorted(passages, key=lambda passage: (passage["sheet"], number(passage["id"])))
    with telling(folder, "name another folder with --out"), building(folder, SOURCES) as made:
        write_file(made / PASSAGES, to_jsonl(rows))
        write_file(made / QUARANTINE, to_jsonl(quarantine))
        described = manifest | {"passages_sha256": file_sha256(made / PASSAGES)}
        write_file(made / MANIFEST, json.dumps(described, ensure_ascii=False, indent=1) + "\n")
