"""Write and read drafts.jsonl: the drafts of one system.

Every row carries the digest of itself and of the system and decoding that wrote it; drafts.meta.json lists these
digests by id, and carries its own. So a draft that was edited, added, removed or moved since is seen, and named.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from plume import files
from plume.corpus.dataset import read_manifest, read_split
from plume.errors import InputError

DIGESTS = ("sha256", "unsourced_sha256")  # of a split, as a manifest tells them: with its passages, and without
SHA = "sha256"  # key of a row, and of a description: its own digest
VOUCHED = "drafts"  # key of a description: id -> digest of the row
_BEGIN = b'{"id"'  # how a row begins
_FULL = "make room or mend that; the same command then goes on"
_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Draft(TypedDict, total=False):
    """Describes a row of drafts.jsonl: with `draft` or `error`. Other keys are kept, because digests cover them.

    A new key is declared here and filled in `draft_of`, by which every backend makes its rows.
    """

    id: str  # of the pair
    draft: str
    error: str  # why there is no draft
    prompt_tokens: int | None  # None where a server does not tell
    draft_tokens: int | None  # the end of the turn among them
    stopped: bool  # whether the turn ended, rather than the room for a draft
    seconds: float  # its share of the time since the drafts before it
    key: str  # hash of all that the draft depends on
    examples: list[str]  # ids of the past pairs that the prompt showed, the most similar first
    examples_dropped: int  # examples that did not fit
    sources: list[dict[str, Any]]  # passages that the prompt showed, where its version shows some
    sources_dropped: int  # passages that did not fit
    system: str
    sha256: str  # of the row, of the system and of the decoding


def draft_of(text: str, prompt_tokens: int | None, draft_tokens: int | None, *, stopped: bool) -> Draft:
    """Make what a backend knows of a row: the text up to the end of the turn, which is counted if it came."""
    counts = {"prompt_tokens": prompt_tokens, "draft_tokens": draft_tokens}
    return {"draft": text.strip(), **counts, "stopped": stopped}


def of_tokens(tokenizer: Any, end: int, prompt_tokens: int, tokens: list[int]) -> Draft:
    """Read a draft from generated token ids."""
    stopped = end in tokens
    kept = tokens[: tokens.index(end)] if stopped else tokens
    text = tokenizer.decode(kept, skip_special_tokens=True)
    return draft_of(text, prompt_tokens, len(kept) + stopped, stopped=stopped)


def finished(
    answer: Draft,
    *,
    id: str,  # noqa: A002
    key: str,
    seconds: float,
    examples: Sequence[str],
    k: int,
    sources: Mapping[str, Any] | None = None,
) -> Draft:
    """Complete a backend's answer to a pair, a draft or an error; `examples` are shown of `k` that were wanted.

    `sources` are the keys about passages, where the prompt's version shows some.
    """
    if "error" in answer:
        return {"id": id, "error": answer["error"]}
    if not _is_utf8(answer):
        return {"id": id, "error": "the draft holds half of a character (a lone surrogate)"}
    shown: Draft = {"examples": [*examples], "examples_dropped": k - len(examples)} if k else {}
    return {"id": id, **answer, "seconds": round(seconds, 3), "key": key, **shown, **(sources or {})}


@dataclass(frozen=True)
class Drafts:
    """The drafts of one system: `rows` by id, `meta` as `eval generate` wrote it beside them, hash of the file.

    `tied` is False for drafts from before rows had digests: nothing shows that they are what the system wrote.
    """

    path: Path
    rows: dict[str, Draft]
    meta: dict[str, Any]
    sha256: str
    tied: bool = False

    def text(self, pair_id: str) -> str | None:
        """Give the draft of a pair; None where there is none."""
        return self.rows.get(pair_id, {}).get("draft")

    def shown(self, pair: Mapping[str, Any]) -> dict[str, Any]:
        """Give a pair as its draft's prompt showed it: with the passages that it had room for."""
        row = self.rows.get(pair["id"], {})
        return {**pair, "sources": row["sources"]} if "sources" in row else dict(pair)

    @property
    def name(self) -> str:
        return self.meta["system"].get("name") or self.meta["system"]["base"]["model"]


def read_drafts(path: str | Path) -> Drafts:
    """Read drafts.jsonl and the drafts.meta.json beside it. Raises InputError if they do not belong together."""
    path = Path(path)
    if path.suffix.lower() in (".csv", ".tsv"):
        raise InputError(f"{path}: a sheet, no drafts of plume's yet; make them of it with: plume eval import")
    rows = files.read_jsonl(path, needs=("id",))
    by_id: dict[str, Draft] = {}
    for number, row in enumerate(rows, 1):
        _check_row(path, number, row)
        if row["id"] in by_id:
            raise InputError(f"{path}: two drafts for {row['id']}; generate them again with --force")
        by_id[row["id"]] = row
    sidecar = path.with_suffix(".meta.json")
    meta = _read_meta(sidecar)
    tied = VOUCHED in meta or SHA in meta or any(SHA in row for row in rows)
    if tied:
        _check_digests(path, sidecar, by_id, meta)
    return Drafts(path, by_id, meta, files.file_sha256(path), tied)


def tie(rows: Iterable[Draft], meta: dict[str, Any]) -> tuple[list[Draft], dict[str, Any]]:
    """Rows with their digests, and the description that vouches for them."""
    tied = [{**row, SHA: _row_sha256(row, meta)} for row in rows]
    return tied, _sealed(meta, {row["id"]: row[SHA] for row in tied})


def _row_sha256(row: Mapping[str, Any], meta: Mapping[str, Any]) -> str:
    return _digest([{k: v for k, v in row.items() if k != SHA}, meta["system"], meta["decoding"]])


def _sealed(meta: Mapping[str, Any], vouched: Mapping[str, str]) -> dict[str, Any]:
    """A description with the digests of its rows, and its own."""
    meta = {k: v for k, v in meta.items() if k != SHA} | {VOUCHED: dict(sorted(vouched.items()))}
    return {**meta, SHA: _digest(meta)}


def _digest(value: Any) -> str:
    return files.sha256(json.dumps(value, sort_keys=True).encode())


def _check_row(path: Path, number: int, row: Draft) -> None:
    """Raise InputError unless a row is one of drafts.jsonl that every later step can read and write."""
    texts = {key: row.get(key) for key in ("id", "draft", "error")}
    odd = [key for key, text in texts.items() if not isinstance(text, str) and (key == "id" or text is not None)]
    if odd:
        raise InputError(f"{path}: object {number}: its {odd[0]} is no text; generate the drafts again with --force")
    if not _is_utf8(row):
        raise InputError(
            f"{path}: object {number}, the draft of {row['id']!r}: holds half of a character (a lone surrogate); "
            "remove that line, then run the same plume eval generate again"
        )


def _read_meta(sidecar: Path) -> dict[str, Any]:
    try:
        meta = json.loads(sidecar.read_text(encoding="utf-8"))
        system, data = meta["system"], meta["data"]
        name = system.get("name") or system["base"]["model"]
        texts = name, system["prompt"], meta["fingerprint"], data["split"], data["sha256"]
        if not all(isinstance(text, str) for text in texts) or not isinstance(meta["decoding"], dict):
            raise TypeError("a text is expected")
        if not _is_utf8(meta):
            raise ValueError("half of a character")
    except _DAMAGED as error:
        raise InputError(
            f"{sidecar}: does not describe the drafts beside it ({type(error).__name__}: {error}); "
            "write both with: plume eval generate"
        ) from None
    return meta


def _check_digests(path: Path, sidecar: Path, rows: dict[str, Draft], meta: dict[str, Any]) -> None:
    vouched = meta.get(VOUCHED)
    if not isinstance(vouched, dict) or _sealed(meta, vouched)[SHA] != meta.get(SHA):
        raise InputError(f"{sidecar}: changed since it was written; generate the drafts again, with --force")
    for identity, row in rows.items():
        digest = _row_sha256(row, meta)
        if vouched.get(identity) == digest == row.get(SHA):
            continue
        if identity not in vouched and row.get(SHA) == digest:
            raise InputError(
                f"{path}: the draft of {identity!r} is not listed in {sidecar.name}: it was added since, or generation "
                "was interrupted; run the same plume eval generate again"
            )
        raise InputError(
            f"{path}: the draft of {identity!r} is not the one that {sidecar.name} vouches for: one of them was "
            "changed; remove that line, then run the same plume eval generate again (with --force for all drafts)"
        )
    for identity in sorted(vouched.keys() - rows.keys()):
        raise InputError(
            f"{path}: the draft of {identity!r} is gone since {sidecar.name} was written; run the same plume eval "
            "generate again"
        )


def read_pairs(data: str | Path, drafts: Drafts, *, split: str | None = None) -> list[dict[str, Any]]:
    """The pairs of the split that drafts answer. Raises InputError if they answer another one than `split`."""
    manifest = read_manifest(data)
    described = drafts.meta["data"]
    split = split or described["split"]
    there = manifest["splits"].get(split, {})
    if described["split"] != split or (
        described["sha256"] != there.get("sha256") and _but_sources(described) != _but_sources(there)
    ):
        raise InputError(
            f"{drafts.path}: written for the split {described['split']!r} of another dataset than {data} ({split!r}); "
            "name the dataset that they were generated from, or generate them again"
        )
    pairs = read_split(data, split)
    unknown = drafts.rows.keys() - {pair["id"] for pair in pairs}
    if unknown:
        raise InputError(f"{drafts.path}: {len(unknown)} ids are not in {split}.jsonl, first {min(unknown)!r}")
    return pairs


def _but_sources(described: Mapping[str, Any]) -> str | None:
    """Give the digest of a split without its passages: drafts tell which ones they were shown."""
    return described.get("unsourced_sha256") or described.get("sha256")


@dataclass
class Writing:
    """A drafts.jsonl that is being written: ids with a draft, and those whose draft failed, with the reason."""

    out: Path
    meta: dict[str, Any]
    vouched: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)

    def add(self, row: Draft) -> None:
        """Append a row, for good: a process killed afterwards does not lose it."""
        row = {k: v for k, v in row.items() if k != SHA} | {"system": self.meta["system"]["name"]}
        row[SHA] = self.vouched[row["id"]] = _row_sha256(row, self.meta)
        with files.telling(self.out, _FULL):
            files.append(self.out, row)
        if "error" in row:
            self.errors[row["id"]] = row["error"]
        else:
            self.done.add(row["id"])


@contextmanager
def writing(out: Path, meta: dict[str, Any], keys: dict[str, str], *, force: bool = False) -> Iterator[Writing]:
    """Go on with drafts.jsonl, or begin it; its description is written beside it, and vouches for every row at the end.

    `keys` (id -> key) are the drafts that belong there. Errors of an earlier run and a line that was cut by its end are
    removed. Raises InputError if anything else is there, unless `force`, or if another process is writing.
    """
    _kept(out, meta, keys, force=force)  # before anything is touched
    sidecar = out.with_suffix(".meta.json")
    with files.telling(out, _FULL):
        files.make_folder(out.parent)
    with files.locked(sidecar, f"{out}: another process is writing it; wait for it, or name another --out", wait=0):
        with files.telling(out, _FULL):
            files.share(sidecar)
            kept, described = tie(_kept(out, meta, keys, force=force), meta)
            _describe(sidecar, described)
            files.write(out, files.to_jsonl(kept))  # killed here, the drafts are there, in the old file or in the new
        written = Writing(out, meta, dict(described[VOUCHED]), {row["id"] for row in kept})
        try:
            yield written
        finally:
            with files.telling(sidecar, _FULL):
                _describe(sidecar, _sealed(meta, written.vouched))


def _describe(sidecar: Path, meta: dict[str, Any]) -> None:
    """Write the description where it stands: another file of its name would not be locked."""
    text = json.dumps(meta, ensure_ascii=not _is_utf8(meta), indent=1) + "\n"
    with sidecar.open("r+", encoding="utf-8") as file:
        file.truncate(0)
        file.write(text)


def reusable(paths: Sequence[Path], wanted: dict[str, str], meta: dict[str, Any]) -> Iterator[Draft]:
    """Drafts of other files whose key is wanted (key -> id here), each once. Raises InputError for an edited one."""
    wanted = dict(wanted)
    for path in paths:
        vouched = _vouched_by(path)
        for row in files.read_jsonl(path, needs=("id",)):
            if isinstance(row.get("draft"), str) and isinstance(row.get("key"), str) and row["key"] in wanted:
                _check_kept(path, row, meta, vouched)
                yield {**row, "id": wanted.pop(row["key"])}


def _kept(out: Path, meta: dict[str, Any], keys: dict[str, str], *, force: bool) -> list[Draft]:
    if not out.is_file() or force:
        return []
    other = InputError(
        f"{out}: holds no drafts of this system, prompt, decoding and dataset; name another --out, or --force"
    )
    rows, vouched = {}, _vouched_by(out)
    lines, torn = files.whole_lines(out)
    if torn and not (torn.startswith(_BEGIN) or _BEGIN.startswith(torn)):
        raise other  # else killed in the middle of its last line: that draft is done again
    for line in lines:
        try:
            row = json.loads(line) if line else None
        except (ValueError, RecursionError):
            raise other from None
        if row is None:
            continue
        if not isinstance(row, dict) or not isinstance(row.get("id"), str) or row["id"] not in keys:
            raise other
        if "error" in row and "draft" not in row:
            continue  # tried again
        if keys[row["id"]] != row.get("key"):
            raise other
        _check_kept(out, row, meta, vouched)
        rows[row["id"]] = row
    return list(rows.values())


def _vouched_by(path: Path) -> dict[str, str] | None:
    """The digests that the description beside drafts lists; None if it is of before there were any, or unreadable."""
    found = (files.read_object(path.with_suffix(".meta.json")) or {}).get(VOUCHED)
    return found if isinstance(found, dict) else None


def _check_kept(path: Path, row: Draft, meta: dict[str, Any], vouched: dict[str, str] | None) -> None:
    """Raise InputError if a draft was edited since. One from before there were digests is taken as it is."""
    if SHA not in row and vouched is None:
        return
    digest = _row_sha256(row, meta)
    if row.get(SHA) != digest or (vouched or {}).get(row["id"], digest) != digest:
        raise InputError(
            f"{path}: the draft of {row['id']!r} was changed since it was written; remove that line, and the same "
            "command writes it again"
        )


def _is_utf8(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
