"""drafts.jsonl: the drafts of one system, as generation appends them and as scoring and comparison read them."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

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


@dataclass
class Writing:
    """A drafts.jsonl that is being written: ids with a draft, and those whose draft failed, with the reason."""

    file: TextIO
    name: str
    done: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)

    def add(self, row: dict[str, Any]) -> None:
        """Append a row, for good: a process killed afterwards does not lose it."""
        self.file.write(json.dumps({**row, "system": self.name}, ensure_ascii=False) + "\n")
        self.file.flush()
        if "error" in row:
            self.errors[row["id"]] = row["error"]
        else:
            self.done.add(row["id"])


@contextmanager
def writing(
    out: Path, meta: dict[str, Any], keys: dict[str, str], *, name: str, force: bool = False
) -> Iterator[Writing]:
    """Go on with drafts.jsonl, or begin it; its description is written beside it.

    `keys` (id -> key) are the drafts that belong there. Errors of an earlier run and a line that was cut by its end are
    removed. Raises InputError if anything else is there, unless `force`, or if another process is writing.
    """
    _kept(out, keys, force=force)  # before anything is touched
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".meta.json").open("a", encoding="utf-8") as description:
        try:
            fcntl.flock(description, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another process is writing it; wait for it, or name another --out") from None
        kept = _kept(out, keys, force=force)
        description.truncate(0)
        description.write(json.dumps(meta, ensure_ascii=False, indent=1) + "\n")
        description.flush()
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
        partial = out.with_name(f".{out.name}.partial")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, out)  # noqa: PTH105 - killed here, the drafts are there, in the old file or in the new
        with out.open("a", encoding="utf-8") as file:
            yield Writing(file, name, {row["id"] for row in kept})


def reusable(paths: Sequence[Path], wanted: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Drafts of other files whose key is wanted (key -> id here), each once. Raises InputError."""
    wanted = dict(wanted)
    for path in paths:
        for row in read_jsonl(path, needs=("id",)):
            if "draft" in row and row.get("key") in wanted:
                yield {**row, "id": wanted.pop(row["key"])}


def _kept(out: Path, keys: dict[str, str], *, force: bool) -> list[dict[str, Any]]:
    if not out.is_file() or force:
        return []
    other = InputError(
        f"{out}: holds no drafts of this system, prompt, decoding and dataset; name another --out, or --force"
    )
    rows = {}
    lines = out.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line) if line else None
        except json.JSONDecodeError:
            if number < len(lines) or not line.startswith('{"id"'):
                raise other from None
            continue  # killed in the middle of its last line: that draft is done again
        if row is None:
            continue
        if not isinstance(row, dict) or row.get("id") not in keys:
            raise other
        if "error" in row and "draft" not in row:
            continue  # tried again
        if keys[row["id"]] != row.get("key"):
            raise other
        rows[row["id"]] = row
    return list(rows.values())
