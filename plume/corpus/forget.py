"""`plume data forget ID…`: an experience leaves every dataset folder, and the versions trained on it are named.

In each folder that holds it, in a pair or in the quarantine, every row of the experience goes, its id too, and its
replies go from what other pairs show as `sources`: the
manifest keeps only how many rows were forgotten (`counts.forgotten`: rows in = pairs + quarantined + forgotten), the
digests that the train split had before (`history`), so that a version trained before an earlier erasure is still found,
and a slow, salted hash of the id (`erased`), so that a second request for it is answered as the first. Digests, card,
`privacy.html` and `audit.jsonl` follow; what training keeps as token ids (`.tokens`) goes. Statistics of the build
(`masked`, `layers`, `k`) stay.

A folder changes in one step. Its new files are written to `.forget.part`, which becomes `.forget` when it is complete:
from then on the erasure is decided. The files are then moved to their places; if that is cut off, the next `plume data
forget` in that folder finishes it.

Which versions were trained on it: `forget_versions`. Where else it may stand: `forget_search`.
"""

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from plume.corpus import audit, dataset, documents, forget_versions, privacy
from plume.corpus.dataset import STAGED, read_manifest, read_split
from plume.corpus.forget_search import mention_of
from plume.corpus.pair_sources import is_reply_of
from plume.corpus.split import SPLITS, experience_of
from plume.errors import InputError, without_secrets
from plume.files import file_sha256, read_jsonl, sha256, share, telling, to_jsonl, write
from plume.interrupt import deferred
from plume.output import TOKENS
from plume.registry import MODEL_NAME
from plume.tracking import default_uri

_SHOWN = "shown in"
_PARTIAL, _OF = f"{STAGED}.part", ".of"  # `.of` holds the digest of the manifest that the erasure starts from

_PAIR = re.compile(r".+-[1-9]")


@dataclass
class Holding:
    """Names a dataset folder that holds some of the experiences.

    Attributes:
        rows: how many rows of each experience, by split or "quarantine"; and how many pairs of a split show a reply
            of it as a source, by "shown in" and the split.
        train_digests: digests that its train split has and had, newest first; empty if no experience was in it.
        source: SHA-256 of the export that it was built from.
        before: experiences that an earlier erasure took out of it.
    """

    folder: Path
    manifest: dict[str, Any]
    rows: dict[str, Counter] = field(default_factory=dict)
    train_digests: list[str] = field(default_factory=list)
    source: str = ""
    before: list[str] = field(default_factory=list)


def name_versions(found: list[Holding]) -> list[str]:
    """Tell in lines which runs and registered versions were, or may have been, trained on what is found.

    Versions that surely were are marked, so that no training starts from them. Raises InputError if there is no MLflow
    store, or if it cannot be used.
    """
    digests = {digest for here in found for digest in here.train_digests}
    sources = {here.source for here in found if here.source and here.train_digests}
    if not digests:
        return ["in no train split: no version was trained on them from these folders"]
    if not forget_versions.store_is_there():
        raise InputError(
            f"there is no MLflow store at {without_secrets(default_uri())}; name it with MLFLOW_TRACKING_URI"
        )
    lines = [str(run) for run in forget_versions.runs_on(digests)]
    versions = forget_versions.trained_on(digests, sources)
    forget_versions.mark_forgotten(versions)
    for version in versions:
        aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
        what = "was trained on them" if version.sure else "may have been trained on them"
        lines.append(
            f"{MODEL_NAME} version {version.number}{aliases}: {what}, {version.why}; train again or withdraw it"
        )
    return lines or [f"{MODEL_NAME}: no version was trained on them"]


def find(
    ids: Iterable[str], folders: Iterable[Path], unread: dict[Path, str] | None = None
) -> tuple[list[Holding], dict[Path, str]]:
    """Find which folders hold which experiences, and those that could not be read, with why (those `unread` too).

    An erasure that was cut off is finished first. Raises InputError, and nothing is changed, if an id is in none of the
    folders.
    """
    wanted, found, faults = dict.fromkeys(ids), [], dict(unread or {})
    present: set[str] = set()
    for folder in folders:
        _finish(folder)
        try:
            manifest = read_manifest(folder)
            rows = {split: read_split(folder, split) for split in SPLITS}
            rows["quarantine"] = _quarantine(folder)
        except InputError as error:
            faults[folder] = str(error)
            continue
        present |= {experience_of(row["id"]) for content in rows.values() for row in content}
        here = Holding(folder, manifest, source=manifest.get("source", {}).get("sha256", ""))
        for part, content in rows.items():
            for row in content:
                if experience := _experience(row["id"], wanted):
                    here.rows.setdefault(experience, Counter())[part] += 1
                for experience in {experience_of(p["sheet"]) for p in _shown(row, wanted)}:
                    here.rows.setdefault(experience, Counter())[f"{_SHOWN} {part}"] += 1
        if any(_is_learnt(counts) for counts in here.rows.values()):
            here.train_digests = [manifest["splits"]["train"]["sha256"], *manifest.get("history", [])]
        erased = {entry["key"]: entry["train_digests"] for entry in manifest.get("erased", [])}
        for experience in wanted if erased else ():
            key = _key(experience, here.source)
            if key in erased and experience not in here.rows:
                here.before.append(experience)
                here.train_digests += [digest for digest in erased[key] if digest not in here.train_digests]
        if here.rows or here.before:
            found.append(here)
    known = {experience for here in found for experience in (*here.rows, *here.before)}
    known -= {i for i in known if _PAIR.fullmatch(i) and experience_of(i) in present}  # half an experience
    if unknown := [experience for experience in wanted if experience not in known]:
        raise InputError(_explain(unknown, faults))
    return found, faults


def forget(found: Holding) -> int:
    """Take the experiences out of one folder; returns the number of rows erased.

    Ctrl-C leaves the folder whole, as it was before or as it is after. Raises InputError if it cannot be written; it is
    as it was before then, or the next erasure there finishes this one.
    """
    try:
        with telling(found.folder, "it is as it was, or the next erasure finishes this one"):
            return _forget(found)
    except InputError:
        shutil.rmtree(found.folder / _PARTIAL, ignore_errors=True)
        raise


@cache
def _key(experience: str, source: str) -> str:
    """Hash an id slowly, salted with the export's: millions are not tried in an hour, one is looked up at once."""
    return hashlib.scrypt(experience.encode(), salt=source.encode(), n=1 << 14, r=8, p=1, dklen=16).hex()


def _forget(found: Holding) -> int:
    folder, manifest, gone = found.folder, json.loads(json.dumps(found.manifest)), set(found.rows)
    counts, splits = manifest["counts"], manifest["splits"]
    contents = {split: [_hidden(p, gone) for p in _without(read_split(folder, split), gone)] for split in SPLITS}
    quarantine = _without(_quarantine(folder), gone)
    for row in quarantine:
        row["detail"] = _scrub(row.get("detail") or "", gone)
    erased = sum(n for parts in found.rows.values() for part, n in parts.items() if not part.startswith(_SHOWN))

    before = splits["train"]["sha256"]
    files = {f"{split}.jsonl": to_jsonl(contents[split]) for split in SPLITS}
    for split in SPLITS:
        splits[split] |= _describe(contents[split], files[f"{split}.jsonl"])
        if "sources" in manifest:
            splits[split] |= _describe_sources(contents[split])
    if splits["train"]["sha256"] != before:
        manifest["history"] = [before, *(d for d in manifest.get("history", []) if d != before)]
    counts["pairs"] = sum(len(rows) for rows in contents.values())
    counts["quarantined"] = len(quarantine)
    counts["quarantine"] = dict(sorted(Counter(row["reason"] for row in quarantine).items()))
    counts["forgotten"] = counts.get("forgotten", 0) + erased
    manifest["erased"] = manifest.get("erased", []) + [
        {"key": _key(experience, found.source), "train_digests": found.train_digests if _is_learnt(parts) else []}
        for experience, parts in sorted(found.rows.items())
    ]

    staged = folder / _PARTIAL
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    for name, data in (files | {dataset.QUARANTINE: to_jsonl(quarantine)}).items():
        write(staged / name, data)
    _stage_audit(found, staged, manifest, gone)
    if (folder / privacy.MEMORY).is_file():  # it names no experience
        shutil.copyfile(folder / privacy.MEMORY, staged / privacy.MEMORY)
    documents.write_documents(staged, manifest)
    write(staged / _OF, file_sha256(folder / "manifest.json"))
    share(staged)
    staged.replace(folder / STAGED)  # from here on the erasure is decided
    _finish(folder)
    return erased


def _stage_audit(found: Holding, staged: Path, manifest: dict[str, Any], gone: set[str]) -> None:
    """Carry the audit on: an erasure leaves the sample a random one (see plume.corpus.audit)."""
    try:
        known = audit.Audit.load(found.folder, found.manifest)
    except InputError:  # of other splits already; privacy.html says so
        known = None
    if known:
        known.folder, known.splits = staged, audit.digest(manifest)
        known.answers = {i: row for i, row in known.answers.items() if not _experience(i, gone)}
        known.save()
    elif (path := found.folder / audit.FILE).is_file():
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        kept = [line for line in lines if not any(mention_of(experience).search(line) for experience in gone)]
        write(staged / audit.FILE, "".join(kept))


def _finish(folder: Path) -> None:
    """Move what was decided to its place; nothing to do if no erasure was cut off."""
    staged = folder / STAGED
    if not staged.is_dir():
        return
    with deferred():
        of = staged / _OF
        # Else the manifest, which comes last, is in its place already, or the folder was built again since.
        if of.is_file() and of.read_text(encoding="utf-8") == file_sha256(folder / "manifest.json"):
            files = (path for path in staged.iterdir() if path != of)
            for path in sorted(files, key=lambda p: (p.name == "manifest.json", p.name)):
                path.replace(folder / path.name)
        shutil.rmtree(folder / TOKENS, ignore_errors=True)
        shutil.rmtree(staged)


def _describe(pairs: list[dict[str, Any]], data: bytes) -> dict[str, Any]:
    dates = sorted(date for pair in pairs if (date := pair.get("written_on")))
    return {
        "pairs": len(pairs),
        "experiences": len({experience_of(pair["id"]) for pair in pairs}),
        "from": dates[0] if dates else None,
        "to": dates[-1] if dates else None,
        "sha256": sha256(data),
    }


def _describe_sources(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    without = to_jsonl(pair | {"sources": None} for pair in pairs)
    return {"with_sources": sum(bool(pair.get("sources")) for pair in pairs), "unsourced_sha256": sha256(without)}


def _is_learnt(parts: Counter) -> bool:
    """Say whether an experience is in the train split, itself or as a source of another pair."""
    return bool(parts["train"] or parts[f"{_SHOWN} train"])


def _shown(row: dict[str, Any], experiences: Iterable[str]) -> list[dict[str, Any]]:
    """List the passages of a row that are replies to some experiences."""
    return [passage for passage in row.get("sources") or () if is_reply_of(passage, experiences)]


def _hidden(pair: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    """Take the replies to what is gone out of what a pair shows."""
    hidden = _shown(pair, gone)
    return pair | {"sources": [p for p in pair["sources"] if p not in hidden]} if hidden else pair


def _without(rows: list[dict[str, Any]], gone: set[str]) -> list[dict[str, Any]]:
    return [row for row in rows if not _experience(row["id"], gone)]


def _experience(row_id: str, wanted: Iterable[str]) -> str | None:
    """Tell which experience a row belongs to: its id is the experience's, or that and the structure's number."""
    if row_id in wanted:
        return row_id
    experience = experience_of(row_id)
    return experience if experience in wanted and re.fullmatch(r"-[1-9]", row_id[len(experience) :]) else None


def _quarantine(folder: Path) -> list[dict[str, Any]]:
    path = folder / "quarantine.jsonl"
    return read_jsonl(path, needs=("id", "reason")) if path.is_file() else []


def _scrub(detail: str, gone: set[str]) -> str:
    for experience in gone:
        detail = mention_of(experience).sub("(forgotten)", detail)
    return detail


def _explain(unknown: list[str], faults: dict[Path, str]) -> str:
    pairs = [i for i in unknown if _PAIR.fullmatch(i)]
    if pairs:
        hint = f"; {pairs[0]} looks like a pair: give its experience, {experience_of(pairs[0])}"
    elif faults:
        hint = f"; {len(faults)} folders could not be read, the first: {next(iter(faults.values()))}"
    else:
        hint = "; name other folders with --in, or check the ids"
    several = "experiences" if len(unknown) > 1 else "experience"
    return f"{several} {', '.join(unknown)}: in no dataset folder, nothing was changed{hint}"
