"""Writes journal, alias, history and keys to one archive while the server runs, and puts them back where none runs.

A backup says what it holds and its digests; what is not as it says is refused. Restored into PostgreSQL, it moves a
server from its own files to what replicas share. The admin's key is in no backup: the next start makes one.
"""

import json
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from plume import files
from plume.errors import InputError
from serve import alias, fleet, keys
from serve.alias import History
from serve.database import Database, SqliteFile
from serve.state import State, private_folder, read_json, read_secret, write_json

FORMAT = "plume serve backup 1"
_MANIFEST, _JOURNAL = "manifest.json", "journal.db"
# Each document of the state, and what refuses it if it is damaged.
_DOCUMENTS: dict[str, Callable[[State], Any]] = {
    "alias.json": alias.read,
    "history.json": History.read,
    "keys.json": keys.known,
    "agents.key": lambda state: state.agents.exists() and read_secret(state.agents),
    "synced.json": lambda state: read_json(state.synced),
}
_TABLES = {
    "draft": ("id", "made", "client", "version", "row", "trace"),
    "decision": ("seq", "id", "made", "row", "sent"),
    "platform": (
        *("seq", "client", "id", "text", "masked", "due", "tries", "done", "draft", "answer"),
        *("version", "status", "why"),
    ),
}
_AT_ONCE = 500  # rows that are copied at once


def backup(state: State, out: Path) -> str:
    """Write a backup that its owner alone can read; return one line that says what it holds. Raises InputError."""
    if out.exists():
        raise InputError(f"{out}: is there already; name another file with --out")
    with files.telling(out, "name another file with --out"):
        files.make_folder(out.absolute().parent)
        with tempfile.TemporaryDirectory(prefix=".plume-backup-", dir=out.absolute().parent) as name:
            folder = Path(name)
            _gather(state, folder)
            digests = {path.name: files.file_sha256(path) for path in sorted(folder.iterdir())}
            if not digests:
                raise InputError(f"{state.folder}: nothing to back up; no server has run with this state folder")
            manifest = {"format": FORMAT, "made": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "files": digests}
            files.write(folder / _MANIFEST, json.dumps(manifest, indent=1))
            with files.replacing(out, private=True) as file, tarfile.open(fileobj=file, mode="w") as archive:
                for each in (_MANIFEST, *digests):
                    archive.add(folder / each, each, filter=_nobody)
            counts = _counted(folder / _JOURNAL)
    return f"{out}: {', '.join(each for each in digests if each != _JOURNAL) or 'no document'}; {counts}"


def _gather(state: State, folder: Path) -> None:
    """Copy journal and documents to a folder, while others write them."""
    held = folder / _JOURNAL
    if state.database:
        with closing(SqliteFile(held)) as copied:
            with copied.changing():
                _copy(state.database, copied)
            copied.run("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    elif state.journal.exists():
        with closing(SqliteFile(state.journal)) as journal:
            journal.copy(held)
        if not _is_journal(held):  # else good backups would be removed in favour of this one
            raise InputError(
                f"{state.journal}: is damaged; stop the server, move it and the files beside it away, and restore the "
                "last backup"
            )
    for document in _DOCUMENTS:
        if (value := read_json(_document(state, document))) is not None:
            files.write(folder / document, json.dumps(value, ensure_ascii=False), private=True)


def restore(state: State, source: Path) -> str:
    """Put a backup where no server runs and nothing is; return one line that says what came. Raises InputError."""
    with _unpacked(source) as folder, _unused(state) as aside:
        held = folder / _JOURNAL
        counts = _counted(held)
        if held.exists():
            with closing(SqliteFile(held)) as journal:
                if state.database:
                    _copy(journal, state.database)
                    for table in ("decision", "platform"):  # numbers that are given from now on
                        state.database.run(_NEXT.format(table=table))
                else:
                    journal.copy(aside / _JOURNAL)
        to = state if state.database else State(aside)
        for document in _DOCUMENTS:
            if (value := read_json(_document(State(folder), document))) is not None:
                write_json(_document(to, document), value)
    return f"{source}: restored, {counts}; before the server starts: plume serve resend, so that MLflow gets none twice"


_ANY = "SELECT 1 FROM {table} LIMIT 1"
_NEXT = (
    "SELECT setval(pg_get_serial_sequence('{table}', 'seq'), (SELECT coalesce(max(seq), 0) + 1 FROM {table}), false)"
)


def _document(state: State, name: str) -> Any:
    return getattr(state, name.partition(".")[0])


@contextmanager
def _unused(state: State) -> Iterator[Path | None]:
    """Hold a state that no server uses and that holds nothing; all of the block or nothing is done.

    In PostgreSQL it is one change; else gives a folder, whose files are moved into the state when the block ends.
    """
    if state.database:
        if found := [one.id for one in fleet.replicas(state.database) if one.lives]:
            raise InputError(f"{state.database}: replicas run with it ({', '.join(found)}); stop them first")
        if [1 for table in (*_TABLES, "document") if state.database.run(_ANY.format(table=table))]:
            raise InputError(f"{state.database}: holds a state already; name an empty database")
        with state.database.changing():
            yield None
        return
    private_folder(state.folder)
    with files.locked(state.folder, f"{state.folder}: a server runs with this state folder; stop it first", wait=0):
        names = (*_DOCUMENTS, _JOURNAL)
        if there := [name for name in names if (state.folder / name).exists()]:
            raise InputError(
                f"{state.folder}: holds {', '.join(there)} already; move that away, or name another one: state=FOLDER"
            )
        telling = files.telling(state.folder, "make room, and restore again")
        with telling, tempfile.TemporaryDirectory(prefix=".restore-", dir=state.folder) as name:
            yield Path(name)
            for path in Path(name).iterdir():
                path.replace(state.folder / path.name)


@contextmanager
def _unpacked(source: Path) -> Iterator[Path]:
    """Give a folder of what a backup holds, all of it verified. Raises InputError."""
    with tempfile.TemporaryDirectory(prefix="plume-restore-") as name:
        folder = Path(name)
        try:
            with tarfile.open(source, mode="r:") as archive:
                manifest = json.loads(_read(archive, _MANIFEST).read())
                if manifest["format"] != FORMAT:
                    raise KeyError
                digests = dict(manifest["files"])
                if not digests or not set(digests) <= {*_DOCUMENTS, _JOURNAL}:
                    raise KeyError
                for each, digest in digests.items():
                    with (folder / each).open("wb") as file, _read(archive, each) as packed:
                        while part := packed.read(1 << 20):
                            file.write(part)
                    if files.file_sha256(folder / each) != digest:
                        raise InputError(f"{source}: is damaged, {each} is not what was backed up; take another one")
        except FileNotFoundError:
            raise InputError(f"{source}: no such file") from None
        except OSError as error:
            if not isinstance(error, tarfile.TarError) and error.strerror:
                raise InputError(f"{source}: cannot be read ({error.strerror})") from None
            raise
        except (tarfile.TarError, EOFError) as error:
            raise InputError(f"{source}: is damaged, or no backup ({error}); take another one") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise InputError(f"{source}: is no backup of plume serve backup") from None
        for document, read in _DOCUMENTS.items():
            try:
                read(State(folder))
            except InputError:
                raise InputError(f"{source}: its {document} is not understood; take another backup") from None
        if (folder / _JOURNAL).exists() and not _is_journal(folder / _JOURNAL):
            raise InputError(f"{source}: its journal is damaged; take another backup")
        yield folder


def _read(archive: tarfile.TarFile, name: str) -> Any:
    """Open a member that is a plain file; nothing is extracted by its own name. Raises KeyError."""
    found = archive.extractfile(archive.getmember(name))
    if found is None:
        raise KeyError(name)
    return found


def _is_journal(path: Path) -> bool:
    """Tell whether a file is a whole journal, with the tables and columns that are read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as journal:
            for table, columns in _TABLES.items():
                journal.execute(f"SELECT {', '.join(columns)} FROM {table} LIMIT 0")
            return journal.execute("PRAGMA quick_check").fetchone() == ("ok",)
    except sqlite3.Error:
        return False


def _copy(source: Database, target: Database) -> None:
    """Copy the rows of the journal, in one moment of the source, to where there are none."""
    with source.changing():
        if source.shared:
            source.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for table, columns in _TABLES.items():
            names, key = ", ".join(columns), columns[0]
            one, last = f"({', '.join('?' * len(columns))})", None
            while True:
                after, values = (f"WHERE {key} > ?", (last,)) if last is not None else ("", ())
                rows = source.run(f"SELECT {names} FROM {table} {after} ORDER BY {key} LIMIT {_AT_ONCE}", values)
                if not rows:
                    break
                marks = ", ".join([one] * len(rows))
                target.run(f"INSERT INTO {table} ({names}) VALUES {marks}", [value for row in rows for value in row])
                last = rows[-1][0]


def _counted(journal: Path) -> str:
    if not journal.exists():
        return "no journal"
    with closing(SqliteFile(journal)) as held:
        drafts, decisions = (held.run(f"SELECT count(*) FROM {table}")[0][0] for table in ("draft", "decision"))
    return f"{drafts} drafts and {decisions} decisions"


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
