"""Read a dataset folder: train, validation, test and quarantine as JSON lines, and the manifest that describes them.

`datasets.load_dataset(FOLDER)` loads the three splits with the features declared in the card's header. What describes
a folder is written by `documents`.
"""

import json
from pathlib import Path
from typing import Any

from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.files import file_sha256, make_folder, read_jsonl, share
from plume.french.vocabulary import rows
from plume.output import DATASET, holds
from plume.passages import Passage

QUARANTINE = "quarantine.jsonl"
STAGED = ".forget"  # the new files of a folder whose erasure was decided
FILES = DATASET.files

PAIR_KEYS = rows("pair", Path(__file__).parent)  # what a pair holds, and what is told of it
Pair = dict[str, Any]  # as a dataset folder holds it: values by the keys of pair.tsv
FEATURES = {row["key"]: row["type"] for row in PAIR_KEYS if row["key"]}  # key -> type, see pair.tsv
PASSAGE = dict.fromkeys(Passage.__annotations__, "string") | {"where": "strings", "updated_on": "date32"}


def declared(key: str, kind: str) -> dict[str, Any]:
    """Declare a key as the header of a dataset card does."""
    if kind == "passages":
        return {"name": key, "list": [declared(*part) for part in PASSAGE.items()]}
    return {"name": key, "list": "string"} if kind == "strings" else {"name": key, "dtype": kind}


def feature(kind: str) -> Any:
    """Give a type as `datasets` has it."""
    from datasets import List, Value

    if kind == "passages":
        return List({key: feature(part) for key, part in PASSAGE.items()})
    return List(Value("string")) if kind == "strings" else Value(kind)


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
