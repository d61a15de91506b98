"""drafts.jsonl as scoring and comparison read it: the drafts of one system, joined with the pairs they answer."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plume.corpus.dataset import file_sha256, read_jsonl, read_manifest, read_split
from plume.errors import InputError


@dataclass(frozen=True)
class Drafts:
    """The drafts of one system: `rows` by id, `meta` as `eval generate` wrote it beside them, hash of the file."""

    path: Path
    rows: dict[str, dict[str, Any]]
    meta: dict[str, Any]
    sha256: str

    @property
    def name(self) -> str:
        return self.meta["system"].get("name") or self.meta["system"]["base"]["model"]


def read_drafts(path: str | Path) -> Drafts:
    """Read drafts.jsonl and the drafts.meta.json beside it. Raises InputError."""
    path = Path(path)
    rows = read_jsonl(path, needs=("id",))
    by_id = {row["id"]: row for row in rows}
    if len(by_id) < len(rows):
        twice = next(row["id"] for i, row in enumerate(rows) if row["id"] in {r["id"] for r in rows[:i]})
        raise InputError(f"{path}: two drafts for {twice}; generate them again with --force")
    sidecar = path.with_suffix(".meta.json")
    try:
        meta = json.loads(sidecar.read_text(encoding="utf-8"))
        meta["system"]["prompt"], meta["decoding"], meta["fingerprint"], meta["data"]["split"], meta["data"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{sidecar}: does not describe the drafts beside it ({type(error).__name__}: {error}); "
            "write both with: plume eval generate"
        ) from None
    return Drafts(path, by_id, meta, file_sha256(path))


def read_pairs(data: str | Path, drafts: Drafts, *, split: str | None = None) -> list[dict[str, Any]]:
    """The pairs of the split that drafts answer. Raises InputError if they answer another one than `split`."""
    manifest = read_manifest(data)
    described = drafts.meta["data"]
    split = split or described["split"]
    if described["split"] != split or described["sha256"] != manifest["splits"].get(split, {}).get("sha256"):
        raise InputError(
            f"{drafts.path}: written for the split {described['split']!r} of another dataset than {data} ({split!r}); "
            "name the dataset that they were generated from, or generate them again"
        )
    pairs = read_split(data, split)
    unknown = drafts.rows.keys() - {pair["id"] for pair in pairs}
    if unknown:
        raise InputError(f"{drafts.path}: {len(unknown)} ids are not in {split}.jsonl, first {min(unknown)!r}")
    return pairs
