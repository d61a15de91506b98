"""The dataset folder: train, validation, test and quarantine as JSON lines, a manifest, and a card.

`datasets.load_dataset(FOLDER)` loads the three splits with the features declared in the card's header.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.files import file_sha256, make_folder, read_jsonl, sha256, share
from plume.french.vocabulary import rows
from plume.output import DATASET, holds

QUARANTINE = "quarantine.jsonl"
STAGED = ".forget"  # the new files of a folder whose erasure was decided
FILES = DATASET.files

_CARD = Path(__file__).with_name("card.md")
RECORD = rows("pair", Path(__file__).parent)  # what a pair holds, and what is told of it
FEATURES = {row["key"]: row["type"] for row in RECORD if row["key"]}  # key -> type of `datasets.Value`


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Read the manifest of a dataset folder. Raises InputError if it is none, or if a split was changed since."""
    folder = Path(folder)
    path = folder / "manifest.json"
    if not path.is_file():
        raise InputError(
            f"{folder}: not a dataset folder (no manifest.json); make one with: plume data build EXPORT --out DIR"
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        described = {folder / f"{split}.jsonl": manifest["splits"][split]["sha256"] for split in SPLITS}
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: damaged; build the dataset folder again") from None
    for file, expected in described.items():
        if not file.is_file() or file_sha256(file) != expected:
            raise InputError(f"{file}: is not what manifest.json describes; build the dataset folder again")
    return manifest


def manifest_text(manifest: dict[str, Any]) -> str:
    """Write the manifest as its file holds it."""
    return json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"


def forgotten_since(folder: str | Path, manifest: dict[str, Any]) -> bool:
    """Say whether experiences left a folder's train split (`plume data forget`) since `manifest` was read."""
    digest = manifest["splits"]["train"]["sha256"]
    for path in (Path(folder) / "manifest.json", Path(folder) / STAGED / "manifest.json"):
        try:
            now = json.loads(path.read_text(encoding="utf-8"))
            # Of a folder that was built again meanwhile, the history begins anew: any erasure since may be of ours.
            rebuilt = now["splits"]["train"]["sha256"] != digest and bool(now.get("erased"))
            if digest in now.get("history", []) or rebuilt:
                return True
        except (OSError, ValueError, AttributeError, KeyError, TypeError):  # gone, or something else
            continue
    return False


def read_split(folder: str | Path, split: str) -> list[dict[str, Any]]:
    """Read the pairs of one split, in file order."""
    return read_jsonl(Path(folder) / f"{split}.jsonl", needs=("id", "review", "reply"))


def install_quarantine(made: Path, folder: Path) -> Path | None:
    """Move the quarantine of a build that left nothing to train on, unless the folder holds something; its path."""
    if holds(folder, DATASET):
        return None
    share(made)
    return (made / QUARANTINE).replace(make_folder(folder) / QUARANTINE)


def _version_of(manifest: dict[str, Any]) -> str:
    """Make a version that changes with the splits.

    `datasets` caches a folder by its path and version alone: without it, a folder that was built again would be loaded
    as it was before.
    """
    digests = "".join(manifest["splits"][s]["sha256"] for s in SPLITS)
    return f"0.0.{int(sha256(digests.encode())[:7], 16)}"


def card(manifest: dict[str, Any]) -> str:
    """Write the dataset card (README.md): a header that `datasets` reads, then what the folder holds and is not."""
    counts = manifest["counts"]
    files = [{"split": s, "path": f"{s}.jsonl"} for s, found in _by_split(manifest) if found["pairs"]]
    header = {
        "language": ["fr"],
        "task_categories": ["text-generation"],
        "configs": [{"config_name": "default", "version": _version_of(manifest), "data_files": files}],
        "dataset_info": {"features": [{"name": name, "dtype": dtype} for name, dtype in FEATURES.items()]},
    }
    forgotten, ner = counts.get("forgotten"), manifest["versions"]["ner"]
    near = manifest.get("config", {}).get("select", {}).get("near_duplicate", "the configured threshold")
    splits = [(s, found["pairs"], found["from"] or "–", found["to"] or "–") for s, found in _by_split(manifest)]
    return _CARD.read_text(encoding="utf-8").format(
        header=yaml.safe_dump(header, sort_keys=False, allow_unicode=True),
        source=manifest["source"],
        counts=counts,
        forgotten=f" + {forgotten} forgotten since" if forgotten else "",
        splits=_rows(splits),
        near=near,
        reasons=_rows(counts["quarantine"].items()),
        masked=_rows(counts["masked"].items()),
        found_by=f"rules and {ner}" if ner else "rules only",
    )


def _by_split(manifest: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(split, manifest["splits"][split]) for split in SPLITS]


def _rows(found: Iterable[tuple]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in found) or "| – | 0 |"
