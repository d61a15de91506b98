"""Write what describes a dataset folder: the card (README.md), the officer's page (privacy.html) and manifest.json."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from plume.corpus.dataset import FEATURES, declared
from plume.corpus.privacy import residual_suspicion, write_report
from plume.corpus.split import SPLITS
from plume.files import sha256, write

_CARD = Path(__file__).with_name("card.md")


def write_documents(folder: Path, manifest: dict[str, Any]) -> None:
    """Describe a dataset folder whose splits are there; manifest.json is written last."""
    write(folder / "README.md", card(manifest))
    write_report(folder, manifest)
    write(folder / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")


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
        "dataset_info": {"features": [declared(*key) for key in FEATURES.items()]},
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
        doubtful=_DOUBTFUL[residual_suspicion(manifest)],
        found_by=f"rules and {ner}" if ner else "rules only",
        sources=_sources(manifest),
    )


def _sources(manifest: dict[str, Any]) -> str:
    """Tell in the card which sources the pairs show, and how many show some."""
    told = manifest.get("sources")
    if not told:
        return ""
    shares = ", ".join(
        f"{split} {found['with_sources']} of {found['pairs']}" for split, found in _by_split(manifest) if found["pairs"]
    )
    freshest = f", the freshest of {told['updated_on']}" if told["updated_on"] else ""
    return (
        f"\n\nPassages of sources (key `sources`, at most {told['most']} a pair): folder `{told['name']}` "
        f"(SHA-256 `{told['sha256']:.16}…`),\n{told['passages']} passages{freshest}. They were found by the masked "
        f"review, never by the reply.\nPairs with at least one: {shares}. Each passage keeps its licence."
    )


_DOUBTFUL = {
    "mask": "was masked as its likely type",
    "quarantine": "was left out with its pair",
    None: "was not looked for: an earlier version built this folder",
}


def _by_split(manifest: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(split, manifest["splits"][split]) for split in SPLITS]


def _rows(found: Iterable[tuple]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in found) or "| – | 0 |"
