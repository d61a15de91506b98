"""Notes drafts and what agents made of them, pseudonymised, before an answer leaves; MLflow gets it later.

The guard writes a SQLite file, `serve.guard.mlflow_export`, a process of its own, reads it: a dead MLflow neither
delays nor loses anything.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from plume.judgements import SHOWN
from serve.server_log import tell
from serve.state import set_aside

_AT_ONCE = 50  # rows that are read to be sent
_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 4000; -- pages, about one draft in a thousand: each waits for the disk
CREATE TABLE IF NOT EXISTS draft (
    id TEXT PRIMARY KEY, made REAL NOT NULL, client TEXT NOT NULL, version INTEGER NOT NULL, row TEXT NOT NULL,
    trace TEXT
);
CREATE TABLE IF NOT EXISTS decision (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL REFERENCES draft (id), made REAL NOT NULL, row TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS platform ( -- see platform_queue
    seq INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,
    masked TEXT NOT NULL, due REAL, tries INTEGER NOT NULL DEFAULT 0, done REAL, draft TEXT, answer TEXT,
    version INTEGER, status INTEGER, why TEXT, UNIQUE (client, id)
);
CREATE INDEX IF NOT EXISTS platform_due ON platform (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS platform_done ON platform (done);
CREATE INDEX IF NOT EXISTS unsent_draft ON draft (made) WHERE trace IS NULL;
CREATE INDEX IF NOT EXISTS unsent_decision ON decision (seq) WHERE sent = 0;
"""


def decision_key(row: dict[str, Any]) -> tuple[str | None, ...]:
    """Give what tells a decision from another one on the same draft, here and in MLflow, which keeps texts."""
    return tuple(None if row.get(name) is None else str(row[name]) for name in ("outcome", "final", "seconds"))


class Journal:
    """Keeps drafts and decisions, for one thread at a time. All of it raises sqlite3.Error where the disk is full."""

    def __init__(self, path: Path) -> None:
        self._path, self._opened = path, None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._opened is None:
            try:
                self._opened = self._open()
            except sqlite3.OperationalError:  # no room, no permission: it may pass
                raise
            except sqlite3.DatabaseError:  # damaged: kept for whoever can read it; a new one is begun
                tell(f"the journal was damaged; it is kept as {set_aside(self._path)}")
                self._opened = self._open()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.touch(mode=0o600)
        except OSError as error:
            raise sqlite3.OperationalError(error.strerror) from None
        opened = sqlite3.connect(self._path, isolation_level=None, timeout=10, check_same_thread=False)
        try:
            opened.executescript(_SCHEMA)
        except sqlite3.Error:
            opened.close()
            raise
        return opened

    def add_draft(self, identity: str, made: float, client: str, version: int, row: dict[str, Any]) -> None:
        values = (identity, made, client, version, json.dumps(row, ensure_ascii=False))
        self._db.execute("INSERT INTO draft (id, made, client, version, row) VALUES (?, ?, ?, ?, ?)", values)

    def find_draft(self, identity: str) -> tuple[str, int, dict[str, Any]] | None:
        """Find who asked for a draft, the version that wrote it, and its row; None if there is no such draft."""
        found = self._db.execute("SELECT client, version, row FROM draft WHERE id = ?", (identity,)).fetchone()
        return found and (found[0], found[1], json.loads(found[2]))

    def add_decision(self, identity: str, made: float, row: dict[str, Any]) -> None:
        """Add a decision. A later one on the same draft replaces the earlier one; both are kept."""
        values = (identity, made, json.dumps(row, ensure_ascii=False))
        # Of a decision there is no second copy.
        self.execute("INSERT INTO decision (id, made, row) VALUES (?, ?, ?)", values, durably=True)

    def execute(self, statement: str, values: Sequence[Any], *, durably: bool = False) -> sqlite3.Cursor:
        """Run one statement; `durably` waits for the disk."""
        if not durably:
            return self._db.execute(statement, values)
        self._db.execute("PRAGMA synchronous = FULL")
        try:
            return self._db.execute(statement, values)
        finally:
            self._db.execute("PRAGMA synchronous = NORMAL")

    def unsent_drafts(self) -> list[tuple[str, float, int, dict[str, Any]]]:
        found = self._db.execute(
            "SELECT id, made, version, row FROM draft WHERE trace IS NULL ORDER BY made LIMIT ?", (_AT_ONCE,)
        )
        return [(identity, made, version, json.loads(row)) for identity, made, version, row in found]

    def unsent_decisions(self) -> list[tuple[int, str, str, dict[str, Any]]]:
        """List decisions whose draft MLflow has: sequence number, trace, client, row."""
        found = self._db.execute(
            "SELECT seq, trace, client, decision.row FROM decision JOIN draft USING (id)"
            " WHERE sent = 0 AND trace IS NOT NULL ORDER BY seq LIMIT ?",
            (_AT_ONCE,),
        )
        return [(seq, trace, client, json.loads(row)) for seq, trace, client, row in found]

    def draft_sent(self, identity: str, trace: str) -> None:
        self._db.execute("UPDATE draft SET trace = ? WHERE id = ?", (trace, identity))

    def decision_sent(self, seq: int, *, refused: bool = False) -> None:
        self._db.execute("UPDATE decision SET sent = ? WHERE seq = ?", (2 if refused else 1, seq))

    def mark_missing(self, kept: dict[str, tuple[str, set[tuple]]]) -> tuple[int, int]:
        """Note as not sent what is not among `kept`: by draft, its trace and the keys of its decisions.

        Returns how many drafts and decisions were noted as sent and are missing.
        """
        drafts, decisions = [], []
        for identity, trace in self._db.execute("SELECT id, trace FROM draft").fetchall():
            has = kept.get(identity)
            if trace != (has and has[0]):
                drafts.append((has and has[0], identity, trace is not None and has is None))
        for seq, identity, row in self._db.execute("SELECT seq, id, row FROM decision WHERE sent != 0").fetchall():
            if identity not in kept or decision_key(json.loads(row)) not in kept[identity][1]:
                decisions.append((seq,))
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("UPDATE draft SET trace = ? WHERE id = ?", [(has, i) for has, i, _ in drafts])
            self._db.executemany("UPDATE decision SET sent = 0 WHERE seq = ?", decisions)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return sum(lost for _, _, lost in drafts), len(decisions)

    def waiting(self) -> int:
        """Count the drafts and decisions that MLflow has not got."""
        drafts = self._db.execute("SELECT count(*) FROM draft WHERE trace IS NULL").fetchone()[0]
        return drafts + self._db.execute("SELECT count(*) FROM decision WHERE sent = 0").fetchone()[0]

    def decisions(self, *, reviews: bool = False) -> Iterator[dict[str, Any]]:
        """Give the rows of decisions.jsonl: the last decision on each draft, in the order of the drafts.

        With `reviews`, each has what the model was shown: the review, which no dataset folder holds by the draft's id.
        """
        found = self._db.execute(
            "SELECT draft.id, version, draft.row, decision.row FROM draft JOIN decision USING (id)"
            " WHERE seq = (SELECT max(seq) FROM decision AS later WHERE later.id = draft.id) ORDER BY draft.made, seq"
        )
        for identity, version, draft, decision in found:
            written, decided = json.loads(draft), json.loads(decision)
            yield {
                "id": identity,
                "draft": written["draft"],
                "final": decided["final"],
                "outcome": decided["outcome"],
                "version": version,
                "seconds": decided["seconds"] or None,  # nothing measured is no time
                **({"agent": decided["agent"]} if decided.get("agent") else {}),
                **({key: written.get(key) for key in SHOWN} if reviews else {}),
            }

    def close(self) -> None:
        if self._opened:
            self._opened.close()
