"""Keep tokenised splits in the dataset folder that they are made of, by the digest of all that they depend on.

Preview, estimate, training, resuming and every process of torchrun need the same token ids: the first makes them, the
others wait for it and read them. Token ids are the citizens' texts in other words. So they lie in the folder itself
(`.tokens`): whoever moves or removes it takes them along, and an erasure removes them (`plume.corpus.forget`). A folder
that this user cannot write keeps none.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datasets
from plume.errors import InputError
from plume.files import code_sha256, folder_aside, folder_sha256, json_sha256, locked, make_folder, read_object
from plume.output import TOKENS
from plume.prompt import Prompt, format_of
from train.config import TrainConfig

KEPT = 4  # entries of a folder: the last used stay, such as two base models with two limits
Encoded = dict[str, datasets.Dataset]  # split -> its pairs as token ids, with the fate of each
_CODE = ("train/sample*.py", "plume/prompt.py", "plume/passages.py", "plume/marks.py", "plume/contacts.py")
_LIBRARIES = ("tokenizers", "transformers", "datasets")


def key_of(config: TrainConfig, tokenizer: Any, prompt: Prompt, manifest: dict[str, Any]) -> str | None:
    """Hash all that token ids depend on; None for a tokenizer that cannot be told as a text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    return json_sha256(
        {
            "splits": {name: split["sha256"] for name, split in manifest["splits"].items()},
            "tokenizer": [backend.to_str(), str(tokenizer.special_tokens_map)],
            "template": format_of(tokenizer).sha256,
            "prompt": prompt.shown_sha256,
            "limits": [config.max_tokens, config.over_length],
            "code": code_sha256(*_CODE),
            "libraries": [version(name) for name in _LIBRARIES],
        }
    )


def kept(folder: Path, key: str | None, manifest: dict[str, Any], make: Callable[[], Encoded]) -> Encoded:
    """Read the entry of this key, or make it and keep it; one process makes it while the others wait."""
    if key is None:
        return make()
    place = folder / TOKENS
    if found := _read(place / key):
        return found
    with _alone(place):
        if found := _read(place / key):
            return found
        made = make()
        with suppress(OSError, InputError):  # read-only, or full: made anew each time
            _write(place / key, made)
            now = read_object(folder / "manifest.json") or {}
            if now.get("splits") != manifest["splits"]:  # an erasure that came meanwhile found nothing to remove
                shutil.rmtree(place / key, ignore_errors=True)
            _drop_oldest(place)
        return made


def _read(entry: Path) -> Encoded | None:
    """Read an entry, mapped into memory; None if it is not there, or if it is not what was written."""
    try:
        if (entry / "sha256").read_text(encoding="ascii") != folder_sha256(entry / "splits"):
            return None
        with suppress(OSError):  # a group may read, and not say when
            (entry / "sha256").touch()
        return {path.name: datasets.load_from_disk(str(path)) for path in sorted((entry / "splits").iterdir())}
    except (OSError, ValueError):
        return None


def _write(entry: Path, made: Encoded) -> None:
    shutil.rmtree(entry, ignore_errors=True)  # damaged
    with folder_aside(entry) as whole:
        for split, rows in made.items():
            rows.save_to_disk(str(whole / "splits" / split))
        (whole / "sha256").write_text(folder_sha256(whole / "splits"), encoding="ascii")


def _drop_oldest(place: Path) -> None:
    """Remove all entries but those last used, and what a killed process left."""
    entries = [path for path in place.iterdir() if path.is_dir()]
    whole = [path for path in entries if (path / "sha256").is_file()]
    whole.sort(key=lambda path: (path / "sha256").stat().st_mtime, reverse=True)
    for path in entries:
        if path not in whole[:KEPT]:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold the folder of entries; where it cannot be made or locked, each process works for itself."""
    with ExitStack() as holding:
        with suppress(OSError, InputError):
            holding.enter_context(locked(make_folder(place) / "lock"))
        yield
