"""Imports files into a sources folder: every sheet in becomes passages, or a row of the quarantine with its reason.

A member that holds what it held keeps its passages and is not read again. A sheet that is no longer in the file that it
came from is removed. The folder is replaced after each file, whole: an import that is cut off loses nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, Self

from plume.errors import InputError
from plume.files import code_sha256, file_sha256, json_sha256, locked, make_folder, telling
from plume.output import SOURCES, check_folder, finish, holds
from plume.passages import Passage
from plume.pseudonymise.spans import Span
from plume.sources import folder, sheets, texts
from plume.sources.archive import Member, UnreadableMember, members
from plume.sources.cut import Sheet, passages
from plume.sources.sheets import Refused

# What the passages of a file depend on beside it.
READER = (
    "plume/sources/sheets.py",
    "plume/sources/table.py",
    "plume/sources/elements.py",
    "plume/sources/elements.tsv",
    "plume/sources/texts.py",
    "plume/sources/cut.py",
    "plume/corpus/published_replies.py",
    "plume/french/vocabulary/directory_networks.tsv",
)
_LISTED = 200  # sheets that the manifest names for each kind of change

Find = Callable[[Sequence[str]], list[list[Span]]]


@dataclass(frozen=True)
class Job:
    """What an import is given beside its files.

    Attributes:
        given: what is said of texts that do not say it themselves.
        now: when it is.
        find: loads what finds people in a text; asked when there is one.
        begin: is told of each file and how many members it has; gives what is called after each of them.
        opened: gives the members of a file or folder; whoever knows of other kinds gives their own.
        readers: what reads members of those kinds, by the ending of their names.
    """

    given: texts.Given
    now: datetime
    find: Callable[[], Find]
    begin: Callable[[str, int], Callable[[], object]] | None = None
    opened: Callable[[Path], AbstractContextManager[list[Member]]] = members
    readers: Mapping[str, Callable[[bytes, str], Sheet | Refused]] = field(default_factory=dict)


@dataclass
class Read:
    """What became of a member: its stamp, the id of its sheet if it is kept, what was met or masked in it."""

    stamp: str
    sheet: str | None = None
    unknown: dict[str, int] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if value}


@dataclass
class Source:
    """What was imported under one name."""

    name: str
    kind: str = ""
    licence: str | None = None
    imported_on: str = ""
    sha256: str = ""
    reader: str = ""
    members: dict[str, Read] = field(default_factory=dict)

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        known = {key: told[key] for key in cls.__dataclass_fields__ if key in told}
        return cls(**known | {"members": {name: Read(**read) for name, read in told.get("members", {}).items()}})

    def told(self) -> dict[str, Any]:
        """Describe it for the manifest."""
        reads = self.members.values()
        sums = {
            key: dict(sorted(sum((Counter(getattr(read, key)) for read in reads), Counter()).items()))
            for key in ("unknown", "masked")
        }
        return vars(self) | sums | {"members": {name: read.told() for name, read in sorted(self.members.items())}}


class Library:
    """A sources folder in memory: passages by sheet, the quarantine by member, and what came from where."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.sources: dict[str, Source] = {}
        self.sheets: dict[str, list[Passage]] = {}
        self.quarantine: dict[tuple[str, str], dict[str, Any]] = {}
        if SOURCES.is_in(out):
            self.sources = {told["name"]: Source.of(told) for told in folder.read_manifest(out)["sources"]}
            for passage in folder.read(out):
                self.sheets.setdefault(passage["sheet"], []).append(passage)
            self.quarantine = {(row["source"], row["member"]): row for row in folder.read_quarantine(out)}
        self.owner = {
            read.sheet: (source.name, member)
            for source in self.sources.values()
            for member, read in source.members.items()
            if read.sheet
        }
        self.before = self._state()

    def _state(self) -> dict[str, tuple[str, ...]]:
        return {sheet: tuple(sorted(p["sha256"] for p in found)) for sheet, found in self.sheets.items()}

    def changes(self) -> dict[str, list[str]]:
        """Name the sheets that are new, changed and removed since the folder was read."""
        now = self._state()
        return {
            "new": sorted(now.keys() - self.before.keys()),
            "changed": sorted(sheet for sheet in now.keys() & self.before.keys() if now[sheet] != self.before[sheet]),
            "removed": sorted(self.before.keys() - now.keys()),
        }

    def refuse(self, source: Source, member: str, stamp: str, refused: Refused, sheet: str | None = None) -> None:
        """Put a member into the quarantine; what it held before is removed."""
        self._drop(source, member)
        source.members[member] = Read(stamp)
        row = {"source": source.name, "member": member, "sheet": sheet}
        self.quarantine[source.name, member] = row | {"reason": refused.reason, "detail": refused.detail}

    def take(self, source: Source, member: str, stamp: str, sheet: Sheet) -> None:
        """Keep a sheet, or refuse it or the one that is there where both have one id; see `_settled`."""
        sheet_id, refused = self._settled(source, member, sheet)
        if refused:
            self.refuse(source, member, stamp, refused, sheet.id)
            return
        made = passages(sheet._replace(id=sheet_id), self.sheets.get(sheet_id, ()))
        self._drop(source, member)
        self.sheets[sheet_id], self.owner[sheet_id] = made, (source.name, member)
        source.members[member] = Read(stamp, sheet_id)

    def forget(self, source: Source, member: str) -> None:
        """Remove a member that is no longer there, and what came from it."""
        self._drop(source, member)
        del source.members[member]

    def _drop(self, source: Source, member: str) -> None:
        self.quarantine.pop((source.name, member), None)
        sheet = source.members[member].sheet if member in source.members else None
        if sheet and self.owner.get(sheet) == (source.name, member):
            del self.owner[sheet], self.sheets[sheet]

    def _settled(self, source: Source, member: str, sheet: Sheet) -> tuple[str, Refused | None]:
        """Say under which id a sheet is kept, or why it is not.

        The archives for two audiences hold some sheets twice. The same text is kept once; of two versions for one
        audience, or of one reply, the later is kept; for two audiences each has its own id. A reply keeps its id,
        by which it is kept from its own pair and from what is held out.
        """
        for sheet_id in (sheet.id, f"{sheet.id}-{sheet.audience or 'autre'}", f"{sheet.id}-{_short(source.name)}"):
            holder = self.owner.get(sheet_id)
            if holder in (None, (source.name, member)):
                return sheet_id, None
            there = self.sheets[sheet_id]
            of = f"{holder[1]} of {PurePath(holder[0]).name}"
            if _says(there) == _says(passages(sheet)):
                return sheet_id, Refused("duplicate", f"says the same as {of}")
            if sheet.kind != "document" and (there[0]["kind"], there[0]["audience"]) == (sheet.kind, sheet.audience):
                if (sheet.updated_on or "") <= (there[0]["updated_on"] or ""):
                    return sheet_id, Refused("duplicate", f"is no later than {of}")
                other = self.sources[holder[0]]
                later = Refused("duplicate", f"{member} of {PurePath(source.name).name} is later")
                self.refuse(other, holder[1], other.members[holder[1]].stamp, later, sheet_id)
                return sheet_id, None
        return sheet.id, Refused("duplicate", "its id is taken several times")

    def write(self, now: datetime, names: Sequence[str]) -> dict[str, Any]:
        """Replace the folder's files; returns its manifest."""
        changed = self.changes()
        told = [source.told() | {"counts": self._counts(source)} for source in self.sources.values()]
        last = {key: found[:_LISTED] for key, found in changed.items()}
        manifest = {
            "kind": "plume sources",
            "sources": told,
            "counts": _sum(source["counts"] for source in told),
            "last_import": {"on": now.isoformat(timespec="seconds"), "sources": list(names)}
            | {"counts": {key: len(found) for key, found in changed.items()}}
            | last,
        }
        rows = [self.quarantine[key] for key in sorted(self.quarantine)]
        folder.write(self.out, (p for found in self.sheets.values() for p in found), rows, manifest)
        return manifest

    def _counts(self, source: Source) -> dict[str, Any]:
        """Count what came of a source's members: members = imported + quarantined."""
        kept = [read.sheet for read in source.members.values() if read.sheet]
        reasons = Counter(row["reason"] for (name, _), row in self.quarantine.items() if name == source.name)
        return {
            "members": len(source.members),
            "imported": len(kept),
            "passages": sum(len(self.sheets[sheet]) for sheet in kept),
            "quarantined": sum(reasons.values()),
            "quarantine": dict(sorted(reasons.items())),
        }


def _says(found: Iterable[Passage]) -> list[tuple[list[str], str]]:
    return sorted((p["where"], p["text"]) for p in found)


def _short(name: str) -> str:
    return json_sha256(name)[:6]


def _sum(counts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for each in counts:
        total.update({key: value for key, value in each.items() if key != "quarantine"})
        reasons.update(each["quarantine"])
    return {**total, "quarantine": dict(sorted(reasons.items()))}


def check(paths: Sequence[Path], out: Path) -> None:
    """Refuse what cannot be imported, and a folder that must not be written, before any work. Raises InputError."""
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        if path.is_file() and (fault := texts.suffix_fault(path)):
            raise InputError(f"{path}: {fault}")
    if holds(out, SOURCES) and not SOURCES.is_in(out):
        raise InputError(f"--out {out}: holds something else than sources; name another folder")
    check_folder(out, SOURCES, force=True, reads=paths)


def import_files(paths: Sequence[Path], out: Path, job: Job, name: str | None = None) -> dict[str, Any]:
    """Import files one after the other; returns the manifest. Raises InputError.

    `name` is that of the source, by default its path; a source of the same name is brought up to date.
    """
    busy = f"{out}: another import writes there; wait until it has ended"
    if out.is_dir():
        with locked(out, busy, wait=0), telling(out, "name another folder with --out"):
            finish(out, SOURCES)
    check(paths, out)
    with telling(out, "name another folder with --out"):
        make_folder(out)
    with locked(out, busy, wait=0):
        try:
            library = Library(out)
            names = [name or str(path.resolve()) for path in paths]
            for path, source_name in zip(paths, names, strict=True):
                bring_up_to_date(library, path, source_name, job)
                manifest = library.write(job.now, names)
            return manifest
        finally:
            with suppress(OSError):
                out.rmdir()  # nothing was written


def remove(out: Path, name: str, now: datetime) -> dict[str, Any]:
    """Remove a source and all that came from it; returns the manifest. Raises InputError.

    `name` is the source's, or the last part of its path if no other source is called so.
    """
    with locked(out, f"{out}: an import writes there; wait until it has ended", wait=0):
        library = Library(out)
        called = [each for each in library.sources if name in (each, PurePath(each).name)]
        if len(called) != 1:
            known = ", ".join(library.sources) or "none"
            raise InputError(f"{name}: {'several sources are' if called else 'no source is'} called so; known: {known}")
        source = library.sources[called[0]]
        for member in list(source.members):
            library.forget(source, member)
        del library.sources[called[0]]
        return library.write(now, called)


def bring_up_to_date(library: Library, path: Path, name: str, job: Job) -> None:
    """Read what is new or changed in a file, and remove what is no longer there."""
    reader = json_sha256([code_sha256(*READER), job.given])
    source = library.sources.get(name) or Source(name)
    fresh = source.reader != reader
    with job.opened(path) as found:
        if not found:
            raise InputError(f"{path}: holds no file; give the archive, or the folder of the sheets")
        library.sources[name] = source
        advance = job.begin(path.name, len(found)) if job.begin else lambda: None
        for gone in source.members.keys() - {member.name for member in found}:
            library.forget(source, gone)
        for member in found:
            stamp = member.stamp()
            if fresh or not _is_known(library, source, member, stamp):
                _take_anew(library, source, member, stamp, job)
            advance()
    described = {name: read.stamp for name, read in source.members.items()}
    source.sha256 = json_sha256(described) if path.is_dir() else file_sha256(path)
    kinds = {library.sheets[read.sheet][0]["kind"] for read in source.members.values() if read.sheet}
    source.kind = " and ".join(sorted(kinds))
    source.licence = job.given.licence or (sheets.LICENCE if "sheet" in kinds else None)
    source.imported_on, source.reader = job.now.date().isoformat(), reader


def _is_known(library: Library, source: Source, member: Member, stamp: str) -> bool:
    """Tell whether a member holds what it held; a duplicate is read again, for the other may have gone."""
    held = source.members.get(member.name)
    if held is None or held.stamp != stamp or not stamp:
        return False
    return library.quarantine.get((source.name, member.name), {}).get("reason") != "duplicate"


def _take_anew(library: Library, source: Source, member: Member, stamp: str, job: Job) -> None:
    unknown: Counter[str] = Counter()
    masked: Counter[str] = Counter()
    read = _read(member, job, unknown, masked)
    if isinstance(read, Refused):
        library.refuse(source, member.name, stamp, read)
    else:
        library.take(source, member.name, stamp, read)
    source.members[member.name].unknown, source.members[member.name].masked = dict(unknown), dict(masked)


def _read(member: Member, job: Job, unknown: Counter[str], masked: Counter[str]) -> Sheet | Refused:
    try:
        if reader := job.readers.get(PurePath(member.name).suffix):
            return reader(member.read(), PurePath(member.name).stem)
        if member.name.lower().endswith(".xml"):
            read = sheets.read(member.read(), PurePath(member.name).stem, job.now.date(), unknown)
            licence = job.given.licence
            return read._replace(licence=licence) if licence and isinstance(read, Sheet) else read
        if member.name.lower().endswith(".zip"):
            return Refused("other_file", "an archive in an archive; import it by itself")
        if PurePath(member.name).stem.lower() == "readme" and not member.alone:
            return Refused("other_file", "describes the folder; import it by itself if it is a source")
        if fault := texts.suffix_fault(member.name):
            return Refused("other_file", fault)
        text = texts.read(member.read(), member.name, job.given)
        if isinstance(text, Refused):
            return text
        text, found = texts.without_people(text, job.find())
        masked.update(found)
        return text
    except UnreadableMember as error:
        return Refused(error.reason, str(error))
    except Exception as error:  # errors are values where a batch must go on; a message may quote the text
        return Refused("damaged", f"cannot be read ({type(error).__name__})")
