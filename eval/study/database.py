"""Open study.sqlite: its tables, and reading it beside a server."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from eval.study.preregistration import DATABASE, PREREGISTRATION
from eval.study.refusal import Refusal
from plume import database
from plume.database import NotSaved, Row
from plume.errors import InputError

__all__ = ["Database", "Row"]
_VERSION = "2"
_DAMAGED = "is damaged, or no study of plume's; put a copy of it back"
_SCHEMA = """
CREATE TABLE link (sha256 TEXT PRIMARY KEY, holder TEXT NOT NULL UNIQUE, made REAL NOT NULL);
CREATE TABLE agent (
    id TEXT PRIMARY KEY, seat INTEGER NOT NULL, sequence TEXT NOT NULL, experience TEXT, made REAL NOT NULL,
    began REAL, left REAL, why TEXT, erased INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE task (
    id INTEGER PRIMARY KEY, agent TEXT NOT NULL REFERENCES agent (id), kind TEXT NOT NULL, item TEXT NOT NULL,
    rank INTEGER NOT NULL, arm TEXT, period INTEGER, one TEXT, other TEXT, one_left INTEGER,
    one_text INTEGER, other_text INTEGER, position INTEGER, opened REAL, done REAL, skipped TEXT
);
CREATE INDEX task_agent ON task (agent);
CREATE TABLE tab (
    id TEXT PRIMARY KEY, task INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    opened REAL NOT NULL, saved REAL, sequence INTEGER NOT NULL DEFAULT 0, text TEXT,
    unused INTEGER NOT NULL DEFAULT 0,
    counters TEXT NOT NULL DEFAULT '{}', beyond TEXT NOT NULL DEFAULT '', UNIQUE (task, number)
);
CREATE TABLE answer (
    task INTEGER PRIMARY KEY REFERENCES task (id) ON DELETE CASCADE, at REAL NOT NULL, tab TEXT NOT NULL, text TEXT,
    outcome TEXT, choice TEXT, reasons TEXT, note TEXT
);
"""


class _NotSaved(Refusal, NotSaved):
    def __init__(self) -> None:
        super().__init__("not_saved")


class Database(database.Database):
    """The database of a study, held by this process alone, for several threads."""

    not_saved = _NotSaved

    def __init__(self, folder: Path, sha256: str, first: Callable[["Database"], None]) -> None:
        """Open the database; make it, and let `first` fill it, in one step, where there is none.

        `sha256` is of preregistration.json: kept when the study begins, compared ever after. Raises InputError if
        another process holds it, if the plan was changed since, or if it cannot be read.
        """

        def make(db: "Database") -> None:
            db.make_tables(_SCHEMA, version=_VERSION, preregistration_sha256=sha256)
            first(db)

        refusal = f"{folder}: another process has this study open; end that one first"
        super().__init__(folder / DATABASE, refusal, make, _DAMAGED)
        try:
            with readable(self.path):
                _check(folder, self.meta(), sha256)
        except BaseException:
            self.close()
            raise


def has_begun(folder: Path) -> bool:
    """Tell whether a study was begun; a server that was killed before its first change leaves an empty file."""
    path = folder / DATABASE
    return path.is_file() and path.stat().st_size > 0


def kept_sha256(folder: Path) -> str:
    """Give the digest that preregistration.json had when the study began. Raises InputError."""
    path = folder / DATABASE
    if not has_begun(folder):
        raise InputError(_not_begun(folder))
    with readable(path), closing(database.connect(path)) as db:
        db.execute("PRAGMA query_only = ON")
        return str(dict(map(tuple, db.execute("SELECT key, value FROM meta")))["preregistration_sha256"])


def _not_begun(folder: Path) -> str:
    return f"{folder}: nobody has begun this study (no {DATABASE}); start it with: plume eval study serve"


@contextmanager
def reading(folder: Path, sha256: str) -> Iterator[sqlite3.Connection]:
    """Read a study, also while it is served: all that is read is of one moment. Raises InputError."""
    path = folder / DATABASE
    if not has_begun(folder):
        raise InputError(_not_begun(folder))
    with readable(path), closing(database.connect(path)) as db:
        db.execute("PRAGMA query_only = ON")
        db.execute("BEGIN")
        _check(folder, dict(map(tuple, db.execute("SELECT key, value FROM meta"))), sha256)
        yield db


def readable(path: Path) -> AbstractContextManager[None]:
    """Turn what SQLite and the disk refuse of a command into one line. Raises InputError."""
    return database.readable(path, _DAMAGED)


def _check(folder: Path, meta: dict[str, str], sha256: str) -> None:
    """Refuse a database of another version, or of another plan. Raises InputError."""
    if meta.get("version") != _VERSION:
        raise InputError(f"{folder / DATABASE}: made by another version of plume; go on with that one")
    if (kept := meta.get("preregistration_sha256")) != sha256:
        raise InputError(
            f"{folder / PREREGISTRATION}: changed since the study began (SHA-256 {kept} then, {sha256} now); put "
            "the file of then back, or plan another study in another folder"
        )
