"""Open study.sqlite: its tables, one change at a time, on disk before it is told; and reading it beside a server."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from eval.study.preregistration import DATABASE, PREREGISTRATION
from eval.study.refusal import Refusal
from plume.errors import InputError
from plume.files import locked, share, telling

_VERSION = "2"
_BUSY = 10.0  # s: an export may read meanwhile
Row = sqlite3.Row
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
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


class Database:
    """The database of a study, held by this process alone, for several threads."""

    def __init__(self, folder: Path, sha256: str, first: Callable[["Database"], None]) -> None:
        """Open the database; make it, and let `first` fill it, in one step, where there is none.

        `sha256` is of preregistration.json: kept when the study begins, compared ever after. Raises InputError if
        another process holds it, if the plan was changed since, or if it cannot be read.
        """
        self._turn, self._held = threading.RLock(), ExitStack()
        path = folder / DATABASE
        refusal = f"{folder}: another process has this study open; end that one first"
        try:
            with telling(path, "let this user write there"):
                self._held.enter_context(locked(folder / f".{DATABASE}.lock", refusal, wait=0))
                path.touch(mode=0o600)
                share(path)
            with readable(path):
                self._db = self._held.enter_context(closing(_connect(path)))
                for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
                    self._db.execute(f"PRAGMA {setting}")
                if not self._is_made():
                    self._make(sha256, first)
                _check(folder, self.meta(), sha256)
        except BaseException:
            self._held.close()
            raise

    def close(self) -> None:
        self._held.close()

    def _is_made(self) -> bool:
        return self.one("SELECT 1 FROM sqlite_master WHERE name = 'meta'") is not None

    def _make(self, sha256: str, first: Callable[["Database"], None]) -> None:
        with self.changing():
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._db.execute(statement)
            for key, value in (("version", _VERSION), ("preregistration_sha256", sha256)):
                self._db.execute("INSERT INTO meta VALUES (?, ?)", (key, value))
            first(self)

    def meta(self) -> dict[str, str]:
        return dict(map(tuple, self.all("SELECT key, value FROM meta")))

    @contextmanager
    def changing(self) -> Iterator["Database"]:
        """Run a block as one change, which is on disk when the block ends. Raises Refusal `not_saved` if it is not."""
        with self._turn:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise Refusal("not_saved") from error
                raise

    def one(self, statement: str, *values: Any) -> sqlite3.Row | None:
        with self._turn:
            return self._db.execute(statement, values).fetchone()

    def all(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._turn:
            return self._db.execute(statement, values).fetchall()

    def run(self, statement: str, *values: Any) -> int:
        """Change something, inside `changing`; returns how many rows."""
        return self._db.execute(statement, values).rowcount

    def compact(self) -> None:
        """Write the file anew, without what was deleted."""
        with self._turn:
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def has_begun(folder: Path) -> bool:
    """Tell whether a study was begun; a server that was killed before its first change leaves an empty file."""
    path = folder / DATABASE
    return path.is_file() and path.stat().st_size > 0


def kept_sha256(folder: Path) -> str:
    """Give the digest that preregistration.json had when the study began. Raises InputError."""
    path = folder / DATABASE
    if not has_begun(folder):
        raise InputError(_not_begun(folder))
    with readable(path), closing(_connect(path)) as db:
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
    with readable(path), closing(_connect(path)) as db:
        db.execute("PRAGMA query_only = ON")
        db.execute("BEGIN")
        _check(folder, dict(map(tuple, db.execute("SELECT key, value FROM meta"))), sha256)
        yield db


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk refuse of a command into one line. Raises InputError."""
    try:
        yield
    except (Refusal, sqlite3.DatabaseError) as told:
        error = told.__cause__ if isinstance(told, Refusal) else told
        if not isinstance(error, sqlite3.OperationalError) or str(error).startswith(("no such table", "table ")):
            raise InputError(f"{path}: is damaged, or no study of plume's; put a copy of it back") from None
        if isinstance(told, Refusal):
            raise InputError(f"{path}: cannot be written ({error}); make room, or see who may write") from None
        raise InputError(f"{path}: cannot be opened ({error}); see who may write there, and its disk") from None


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=_BUSY, check_same_thread=False)
    db.row_factory = sqlite3.Row
    return db


def _check(folder: Path, meta: dict[str, str], sha256: str) -> None:
    """Refuse a database of another version, or of another plan. Raises InputError."""
    if meta.get("version") != _VERSION:
        raise InputError(f"{folder / DATABASE}: made by another version of plume; go on with that one")
    if (kept := meta.get("preregistration_sha256")) != sha256:
        raise InputError(
            f"{folder / PREREGISTRATION}: changed since the study began (SHA-256 {kept} then, {sha256} now); put "
            "the file of then back, or plan another study in another folder"
        )
