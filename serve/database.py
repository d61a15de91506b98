"""Speaks SQL to where the journal is: a SQLite file of one machine, or PostgreSQL, which replicas share."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import AfterValidator, PlainSerializer

from plume import files
from plume.errors import PlumeError
from serve.server_log import tell

Rows = list[tuple[Any, ...]]
VARIABLE = "PLUME_SERVE_DATABASE"  # hands the whole address to what a server starts: files and arguments have it bare
_SECRETS = ("password", "sslpassword")
# Both databases read this; `number` and `real` are the names of their types.
JOURNAL = """
CREATE TABLE IF NOT EXISTS draft (
    id TEXT PRIMARY KEY, made {real} NOT NULL, client TEXT NOT NULL, version INTEGER NOT NULL, row TEXT NOT NULL,
    trace TEXT
);
CREATE TABLE IF NOT EXISTS decision (
    seq {number}, id TEXT NOT NULL REFERENCES draft (id), made {real} NOT NULL, row TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS platform ( -- see platform_queue
    seq {unique_number}, client TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,
    masked TEXT NOT NULL, due {real}, tries INTEGER NOT NULL DEFAULT 0, done {real}, draft TEXT, answer TEXT,
    version INTEGER, status INTEGER, why TEXT, UNIQUE (client, id)
);
CREATE INDEX IF NOT EXISTS platform_due ON platform (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS platform_done ON platform (done);
CREATE INDEX IF NOT EXISTS unsent_draft ON draft (made) WHERE trace IS NULL;
CREATE INDEX IF NOT EXISTS decision_of ON decision (id);
CREATE INDEX IF NOT EXISTS unsent_decision ON decision (seq) WHERE sent = 0;
"""
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
PRAGMA wal_autocheckpoint = 4000; -- pages, about one draft in a thousand: each waits for the disk
"""


class StorageError(PlumeError):
    """Tells that nothing was kept or read, and why; `status` is the answer to a request that needs it."""

    exit_code = 2
    status = 507


class DatabaseAway(StorageError):  # noqa: N818 - names a state of the database
    """PostgreSQL does not answer; it comes back without us."""

    status = 503


class Database(Protocol):
    """Runs SQL with `?` for each value, each statement a change of its own outside `changing`. Raises StorageError."""

    shared: bool  # by several servers
    pass_over: str  # ends a SELECT of a row to be changed: those that others hold are passed over

    def run(self, statement: str, values: Sequence[Any] = (), *, durably: bool = False) -> Rows:
        """Run one statement, and give its rows; `durably` waits for the disk."""

    def now(self) -> float:
        """Give the time (seconds since 1970) that all who share it agree on: clocks of machines differ."""

    def changing(self) -> AbstractContextManager[None]:
        """Run a block as one change, on the disk when it ends, or not at all."""

    def close(self) -> None: ...


class SqliteFile:
    """The journal's file, opened when it is first needed. A damaged one is kept aside, and begun anew."""

    shared, pass_over = False, ""

    def __init__(self, path: Path) -> None:
        self.path, self._opened = path, None

    def run(self, statement: str, values: Sequence[Any] = (), *, durably: bool = False) -> Rows:
        with _told():
            if not durably:
                return self._db.execute(statement, values).fetchall()
            with self._durably():
                return self._db.execute(statement, values).fetchall()

    def now(self) -> float:
        return time.time()

    @contextmanager
    def changing(self) -> Iterator[None]:
        with _told(), self._durably():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _durably(self) -> Iterator[None]:
        self._db.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self._db.execute("PRAGMA synchronous = NORMAL")

    def copy(self, path: Path) -> None:
        """Copy the file as it is now, while others write it, to a new file that its owner alone can read."""
        path.touch(mode=0o600, exist_ok=False)
        with _told(), closing(sqlite3.connect(path)) as copied:
            self._db.backup(copied)
            copied.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it

    def empty_log(self) -> None:
        """Empty the file beside the journal that still holds what was deleted from it."""
        self.run("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        if self._opened:
            self._opened.close()
            self._opened = None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._opened is None:
            try:
                self._opened = self._open()
            except sqlite3.OperationalError:  # no room, no permission: it may pass
                raise
            except sqlite3.DatabaseError:  # damaged: kept for whoever can read it; a new one is begun
                tell(f"the journal was damaged; it is kept as {files.set_aside(self.path)}")
                self._opened = self._open()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.touch(mode=0o600)
        except OSError as error:
            raise sqlite3.OperationalError(error.strerror) from None
        opened = sqlite3.connect(self.path, isolation_level=None, timeout=10, check_same_thread=False)
        try:
            number = "INTEGER PRIMARY KEY"
            tables = JOURNAL.format(real="REAL", number=number, unique_number=f"{number} AUTOINCREMENT")
            opened.executescript(_PRAGMAS + tables)
        except sqlite3.Error:
            opened.close()
            raise
        return opened


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(str(error)) from error


# --- the address of PostgreSQL


def bare(uri: str) -> str:
    """Remove the passwords from an address; user, hosts and options stay."""
    parts = urlsplit(uri)
    signed, at, hosts = parts.netloc.rpartition("@")
    options = [(key, value) for key, value in parse_qsl(parts.query) if key not in _SECRETS]
    query = f"?{urlencode(options, safe='/:')}" if options else ""
    return f"{parts.scheme}://{signed.partition(':')[0]}{at}{hosts}{parts.path}{query}"


def whole(uri: str) -> str:
    """Give an address that was kept without its password; the server's environment has that."""
    given = os.environ.get(VARIABLE, "")
    return given if given and bare(given) == uri else uri


def _checked(uri: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(uri)
        if parts.scheme in ("postgresql", "postgres") and len(parts.path) > 1 and not parts.fragment:
            return uri
    raise ValueError("an address of PostgreSQL is wanted: postgresql://USER@HOST/NAME")


# Whole in memory, without its password in all that is written of a config.
DatabaseUri = Annotated[str, AfterValidator(_checked), PlainSerializer(bare, return_type=str)]
