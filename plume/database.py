"""Keeps a small SQLite file that one process holds: one change at a time, on disk before it is told."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Self

from plume.errors import InputError
from plume.files import locked, share, telling

_BUSY = 10.0  # s: another process may read meanwhile
_SETTINGS = ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON")
Row = sqlite3.Row


class NotSaved(Exception):  # noqa: N818 - no error of the program
    """Tells that the disk refused a change, its cause; nothing of the change was kept."""


class Database:
    """A database that this process alone holds, for several threads. Only owner and group can read its file."""

    not_saved: Callable[[], NotSaved] = NotSaved

    def __init__(self, path: Path, held: str, make: Callable[[Self], None], damaged: str) -> None:
        """Open a database; let `make` fill it, in one step, where there is none.

        Raises InputError: `held` if another process holds it, `damaged` if the file is none, or why the disk refuses.
        """
        self.path, self._turn, self._held = path, threading.RLock(), ExitStack()
        try:
            with telling(path, "let this user write there"):
                self._held.enter_context(locked(path.with_name(f".{path.name}.lock"), held, wait=0))
                path.touch(mode=0o600)
                share(path)
            with readable(path, damaged):
                self._db = self._held.enter_context(closing(connect(path)))
                for setting in _SETTINGS:
                    self._db.execute(f"PRAGMA {setting}")
                if self.one("SELECT 1 FROM sqlite_master WHERE name = 'meta'") is None:
                    with self.changing():
                        make(self)
        except BaseException:
            self._held.close()
            raise

    def close(self) -> None:
        self._held.close()

    def make_tables(self, schema: str, **meta: str) -> None:
        """Make the tables that a new file has, and what `meta` says of it."""
        self.run("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        for statement in filter(str.strip, schema.split(";")):
            self.run(statement)
        for key, value in meta.items():
            self.run("INSERT INTO meta VALUES (?, ?)", key, value)

    def meta(self) -> dict[str, str]:
        return dict(map(tuple, self.all("SELECT key, value FROM meta")))

    @contextmanager
    def changing(self) -> Iterator[Self]:
        """Run a block as one change, which is on disk when the block ends. Raises NotSaved if it is not."""
        with self._turn:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise self.not_saved() from error
                raise

    def one(self, statement: str, *values: Any) -> Row | None:
        with self._turn:
            return self._db.execute(statement, values).fetchone()

    def all(self, statement: str, *values: Any) -> list[Row]:
        with self._turn:
            return self._db.execute(statement, values).fetchall()

    def run(self, statement: str, *values: Any) -> int:
        """Change something, inside `changing`; returns how many rows."""
        return self._db.execute(statement, values).rowcount

    def compact(self) -> None:
        """Write the file anew, without what was deleted."""
        with self._turn:
            self._db.execute("VACUUM")
            self.empty_log()

    def empty_log(self) -> None:
        """Empty the file beside the database that still holds what was deleted from it."""
        with self._turn:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=_BUSY, check_same_thread=False)
    db.row_factory = Row
    return db


@contextmanager
def readable(path: Path, damaged: str) -> Iterator[None]:
    """Turn what SQLite and the disk refuse of a command into one line. Raises InputError."""
    try:
        yield
    except (NotSaved, sqlite3.DatabaseError) as told:
        error = told.__cause__ if isinstance(told, NotSaved) else told
        if not isinstance(error, sqlite3.OperationalError) or str(error).startswith(("no such table", "table ")):
            raise InputError(f"{path}: {damaged}") from None
        if isinstance(told, NotSaved):
            raise InputError(f"{path}: cannot be written ({error}); make room, or see who may write") from None
        raise InputError(f"{path}: cannot be opened ({error}); see who may write there, and its disk") from None
