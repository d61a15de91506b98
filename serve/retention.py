"""Deletes what is older than a site keeps: drafts and decisions that MLflow has, lines of the audit."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from plume.files import telling
from serve.database import Database, SqliteFile
from serve.guard.journal import Journal
from serve.state import State

_DAY = 86_400.0
_OLD = "made < ? AND NOT EXISTS (SELECT 1 FROM decision WHERE decision.id = draft.id AND (decision.made >= ?{unsent}))"
_UNSENT = " OR decision.sent = 0"


@dataclass(frozen=True)
class Pruned:
    """Counts what was deleted of the journal, and what stays though it is older: MLflow has not got it."""

    drafts: int
    decisions: int
    unsent: int


def prune_journal(state: State, days: int, *, unsent: bool = False) -> Pruned:
    """Delete drafts older than `days` with their decisions; one that was decided on since then stays whole.

    What MLflow has not got stays, unless `unsent`. Raises StorageError; nothing is deleted then.
    """
    database = Journal.of(state).database
    before = time.time() - days * _DAY
    try:
        with database.changing():
            old = _OLD.format(unsent="" if unsent else _UNSENT) + ("" if unsent else " AND trace IS NOT NULL")
            decisions = _count(database, f"decision WHERE id IN (SELECT id FROM draft WHERE {old})", before)
            drafts = _count(database, f"draft WHERE {old}", before)
            database.run(f"DELETE FROM decision WHERE id IN (SELECT id FROM draft WHERE {old})", (before, before))
            # Of the drafts, those whose decisions are gone by now, too.
            database.run(f"DELETE FROM draft WHERE {old}", (before, before))
            left = _count(database, f"draft WHERE {_OLD.format(unsent='')}", before)
        if isinstance(database, SqliteFile):
            database.empty_log()
    finally:
        database.close()
    return Pruned(drafts, decisions, left)


def prune_audit(audit: Path, days: int) -> int:
    """Delete the audit's files whose last line is older than `days`; return how many.

    Once its first line is older than a day, what is written now becomes such a file, `audit-DATE.jsonl`: the server
    begins a new one with its next line. So a line is kept a day longer at most. Raises InputError.
    """
    deleted = 0
    with telling(audit, "let this user write there"):
        for path in audit.parent.glob("audit-*.jsonl"):
            if path.stat().st_mtime < time.time() - days * _DAY:
                path.unlink()
                deleted += 1
        if audit.is_file() and _begun(audit) < time.time() - _DAY:
            audit.replace(audit.with_name(f"audit-{time.strftime('%Y-%m-%dT%H%M%S')}.jsonl"))
    return deleted


def _count(database: Database, what: str, before: float) -> int:
    return database.run(f"SELECT count(*) FROM {what}", (before, before))[0][0]


def _begun(audit: Path) -> float:
    """Read when the first line was written; where that cannot be told, the file is taken for old."""
    with audit.open("rb") as file:
        try:
            return float(json.loads(file.readline())["time"])
        except (ValueError, KeyError, TypeError):
            return 0.0
