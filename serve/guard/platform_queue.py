"""Keeps the reviews that the platform asked about until a draft is written, and each draft for 48 hours.

A table of the journal's file: a restart loses nothing. Texts are pseudonymised before they come here.
"""

import json
import time
from dataclasses import dataclass

from serve.guard.journal import Journal

KEPT = 48 * 3600  # seconds; as long as the service that plume stands in for


@dataclass(frozen=True)
class Job:
    """A review that is to be drafted. `masked` counts the entities that were masked in it, by type."""

    seq: int
    client: str
    id: str
    text: str
    masked: dict[str, int]
    tries: int


@dataclass(frozen=True)
class Answer:
    """What is known of a review: its draft with plume's id of it, or why there is none; neither while it is awaited."""

    draft: str | None
    text: str | None
    version: int | None
    status: int | None
    why: str | None


class PlatformQueue:
    """Reads and writes the table, for one thread at a time. All of it raises sqlite3.Error where the disk is full."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def add(self, client: str, identity: str, text: str, masked: dict[str, int], most: int) -> bool:
        """Queue a review under the platform's id of it. False if `most` wait already.

        The same text again changes nothing, unless no draft could be written; another text takes its place.
        """
        self._forget()
        kept = self._journal.execute(
            "SELECT 1 FROM platform WHERE client = ? AND id = ? AND text = ? AND why IS NULL", (client, identity, text)
        )
        if kept.fetchone():
            return True
        if self.waiting() >= most:
            return False
        values = (client, identity, text, json.dumps(masked), time.time())
        statement = "INSERT OR REPLACE INTO platform (client, id, text, masked, due) VALUES (?, ?, ?, ?, ?)"
        self._journal.execute(statement, values, durably=True)
        return True

    def get(self, client: str, identity: str) -> Answer | None:
        """Find what is known of a client's review; None if that is nothing, or older than 48 hours."""
        found = self._journal.execute(
            "SELECT draft, answer, version, status, why FROM platform WHERE client = ? AND id = ?"
            " AND (done IS NULL OR done > ?)",
            (client, identity, time.time() - KEPT),
        ).fetchone()
        return Answer(*found) if found else None

    def resume(self) -> None:
        """Queue again what was being written when the server ended."""
        self._journal.execute("UPDATE platform SET due = ? WHERE due IS NULL AND done IS NULL", (time.time(),))

    def take(self) -> Job | None:
        """Give the review that is due first, as one that is being written now; None if none is."""
        self._forget()
        found = self._journal.execute(
            "SELECT seq, client, id, text, masked, tries + 1 FROM platform WHERE due <= ? ORDER BY due, seq LIMIT 1",
            (time.time(),),
        ).fetchone()
        if not found:
            return None
        seq, client, identity, text, masked, tries = found
        self._journal.execute("UPDATE platform SET due = NULL, tries = ? WHERE seq = ?", (tries, seq))
        return Job(seq, client, identity, text, json.loads(masked), tries)

    def put_back(self, seq: int, seconds: float, tries: int) -> None:
        """Queue a review again, to be tried in so many seconds."""
        self._journal.execute(
            "UPDATE platform SET due = ?, tries = ? WHERE seq = ?", (time.time() + seconds, tries, seq)
        )

    def finish(self, seq: int, draft: str, text: str, version: int) -> None:
        """Keep a draft, unless another text took its review's place meanwhile."""
        statement = "UPDATE platform SET done = ?, draft = ?, answer = ?, version = ? WHERE seq = ?"
        self._journal.execute(statement, (time.time(), draft, text, version, seq), durably=True)

    def fail(self, seq: int, status: int, why: str) -> None:
        """Keep why no draft could be written."""
        statement = "UPDATE platform SET done = ?, status = ?, why = ? WHERE seq = ?"
        self._journal.execute(statement, (time.time(), status, why, seq))

    def waiting(self) -> int:
        """Count the reviews that wait for a draft, or are being drafted."""
        return self._journal.execute("SELECT count(*) FROM platform WHERE done IS NULL", ()).fetchone()[0]

    def _forget(self) -> None:
        self._journal.execute("DELETE FROM platform WHERE done <= ?", (time.time() - KEPT,))
