"""Keeps what replicas share in PostgreSQL: the journal, small JSON documents, locks.

While it is away, each use fails within seconds, in one line; the first use after that goes on.
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from plume.errors import EnvironmentMissing, first_line, without_secrets
from plume.paths import INSTALL
from serve.database import JOURNAL, DatabaseAway, Rows, StorageError

_TABLES = """
CREATE TABLE IF NOT EXISTS document (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS replica (id TEXT PRIMARY KEY, seen DOUBLE PRECISION NOT NULL, row TEXT NOT NULL);
"""
_NAMES = re.findall(r"IF NOT EXISTS (\w+)", JOURNAL + _TABLES)
_LACKING = "SELECT 1 FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL LIMIT 1"  # an earlier plume's
_OPTIONS = {
    "application_name": "plume",
    "client_encoding": "utf8",
    "connect_timeout": 3,  # s
    # A server that vanished is noticed: no wait for a network that swallows everything.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,  # ms
}
_SETTINGS = ("statement_timeout = '10s'", "idle_in_transaction_session_timeout = '30s'")
_AGAIN = 2.0  # seconds after a failed connection in which no other is tried: many requests may wait for each
_IDLE = 1.0  # seconds after which a connection is tried before it is used: a statement is never sent twice
_LOOK = 0.2  # seconds between looks at a lock that another holds


class Postgres:
    """A connection, made when it is needed and made anew when it was lost. For one thread at a time."""

    shared, pass_over = True, " FOR UPDATE SKIP LOCKED"

    def __init__(self, uri: str) -> None:
        try:
            import psycopg
        except ImportError:
            raise EnvironmentMissing(f"database: psycopg is not installed; mend it with: {INSTALL}") from None
        self._psycopg, self._uri, self._opened = psycopg, uri, None
        self._used, self._shut, self._why = 0.0, 0.0, ""
        self._held = 0

    def __str__(self) -> str:
        return without_secrets(self._uri)

    def run(self, statement: str, values: Sequence[Any] = (), *, durably: bool = False) -> Rows:  # noqa: ARG002
        """Run one statement; whatever is told as done is on the server's disk, `durably` or not."""
        with self._told():
            cursor = self._db.execute(statement.replace("?", "%s"), values or None)
            self._used = time.monotonic()
            return cursor.fetchall() if cursor.description else []

    def now(self) -> float:
        return float(self.run("SELECT extract(epoch FROM clock_timestamp())")[0][0])

    @contextmanager
    def changing(self) -> Iterator[None]:
        with self._told(), self._db.transaction():
            self._held += 1
            try:
                yield
            finally:
                self._held -= 1

    @contextmanager
    def locked(self, what: str) -> Iterator[None]:
        """Hold a lock that one connection has at a time. If it is lost with the connection, the block goes no further.

        The server lets go of it however this process ends.
        """
        key = (f"plume {what}",)
        while not self.run("SELECT pg_try_advisory_lock(hashtext(?))", key)[0][0]:
            time.sleep(_LOOK)
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if self._opened:
                with suppress(StorageError):
                    self.run("SELECT pg_advisory_unlock(hashtext(?))", key)

    def close(self) -> None:
        if self._opened:
            self._opened.close()
            self._opened = None

    @property
    def _db(self) -> Any:
        if self._opened and self._opened.closed:
            self.close()
        if self._opened and time.monotonic() > self._used + _IDLE:
            try:
                self._opened.execute("SELECT 1")
                self._used = time.monotonic()
            except self._psycopg.Error:
                self.close()
        if self._opened is None:
            if self._held:
                raise DatabaseAway(f"{self}: the connection was lost in the middle; run the command again")
            self._opened = self._open()
        return self._opened

    def _open(self) -> Any:
        if time.monotonic() < self._shut:
            raise DatabaseAway(self._why)
        try:
            opened = self._psycopg.connect(self._uri, autocommit=True, **_OPTIONS)
        except self._psycopg.Error as error:
            self._why, self._shut = self._line(error), time.monotonic() + _AGAIN
            raise DatabaseAway(self._why) from None
        try:
            for setting in _SETTINGS:
                opened.execute(f"SET {setting}")
            if opened.execute(_LACKING, (_NAMES,)).fetchone():
                _make_tables(opened)
        except self._psycopg.Error:
            opened.close()
            raise
        self._used = time.monotonic()
        return opened

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            if self._opened and self._opened.closed:
                self.close()
            away = isinstance(error, (self._psycopg.OperationalError, self._psycopg.InterfaceError))
            raise (DatabaseAway if away else StorageError)(self._line(error)) from None

    def _line(self, error: Exception) -> str:
        """Say what PostgreSQL says of itself; of a statement it refuses, no more than the code: it may quote a text."""
        if isinstance(error, self._psycopg.OperationalError):
            return f"{self}: PostgreSQL does not answer as it should ({first_line(error)})"
        code = getattr(error, "sqlstate", None) or "no code"
        return f"{self}: PostgreSQL refuses ({type(error).__name__}, {code})"


def _make_tables(opened: Any) -> None:
    number = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    journal = JOURNAL.format(real="DOUBLE PRECISION", number=number, unique_number=number)
    with opened.transaction():
        opened.execute("SELECT pg_advisory_xact_lock(hashtext('plume tables'))")  # two replicas may be the first
        opened.execute("SET LOCAL statement_timeout = 0")  # an index of a large journal
        opened.execute(journal + _TABLES)


class Row:
    """A JSON document of the shared state, which answers as a file does to what is asked of one."""

    def __init__(self, database: Postgres, name: str) -> None:
        self._database, self.name = database, name

    def __str__(self) -> str:
        return f"{self._database}: {self.name}"

    def exists(self) -> bool:
        return bool(self._database.run("SELECT 1 FROM document WHERE name = ?", (self.name,)))

    def read_text(self, encoding: str = "utf-8") -> str:  # noqa: ARG002 - as a file's
        found = self._database.run("SELECT value FROM document WHERE name = ?", (self.name,))
        if not found:
            raise FileNotFoundError(str(self))
        return found[0][0]

    def write_text(self, value: str) -> None:
        statement = "INSERT INTO document VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        self._database.run(statement, (self.name, value))

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: ARG002 - as a file's
        self._database.run("DELETE FROM document WHERE name = ?", (self.name,))

    def with_name(self, name: str) -> "Row":
        return Row(self._database, name)

    def replace(self, target: "Row") -> "Row":
        """Rename the document, as a file is renamed."""
        self._database.run("UPDATE document SET name = ? WHERE name = ?", (target.name, self.name))
        return target
