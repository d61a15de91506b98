"""Keeps the reviews that the platform asked about until a draft is written, and each draft for 48 hours.

A table of the journal: a restart loses nothing. Texts are pseudonymised before they come here. A review that is being
drafted is due again after a while, by the database's clock: should its server end, another one, or the same, takes it.
"""

import json
from dataclasses import dataclass

from serve.guard.journal import Journal

KEPT = 48 * 3600  # seconds; as long as the service that plume stands in for
_LONGEST = 3600.0  # seconds until a next try; what is due later was queued before the clock went back
_TAKE = """
UPDATE platform SET due = ?, tries = tries + 1
WHERE seq = (SELECT seq FROM platform WHERE due <= ? OR due > ? ORDER BY due, seq LIMIT 1{pass_over})
RETURNING seq, client, id, text, masked, tries
"""


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
    """Reads and writes the table, for one thread at a time. All of it raises StorageError."""

    def __init__(self, journal: Journal, lease: float = 600.0) -> None:
        """`lease` is how many seconds a draft may take, before its review is due again."""
        self._database, self._lease = journal.database, lease

    def add(self, client: str, identity: str, text: str, masked: dict[str, int], most: int) -> bool:
        """Queue a review under the platform's id of it. False if `most` wait already.

        The same text again changes nothing, unless no draft could be written; another text takes its place.
        """
        self._forget()
        same = "SELECT 1 FROM platform WHERE client = ? AND id = ? AND text = ? AND why IS NULL"
        if self._database.run(same, (client, identity, text)):
            return True
        if self.waiting() >= most:
            return False
        values = (client, identity, text, json.dumps(masked), self._database.now())
        # Another replica may be asked the same at this moment: one of the two is kept.
        statement = "INSERT INTO platform (client, id, text, masked, due) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        with self._database.changing():  # a new number: a draft of the text before finds no review any more
            self._database.run("DELETE FROM platform WHERE client = ? AND id = ?", (client, identity))
            self._database.run(statement, values)
        return True

    def get(self, client: str, identity: str) -> Answer | None:
        """Find what is known of a client's review; None if that is nothing, or older than 48 hours."""
        found = self._database.run(
            "SELECT draft, answer, version, status, why FROM platform WHERE client = ? AND id = ?"
            " AND (done IS NULL OR done > ?)",
            (client, identity, self._database.now() - KEPT),
        )
        return Answer(*found[0]) if found else None

    def resume(self) -> None:
        """Queue again, at once, what was being written when the server ended; other replicas may write theirs."""
        if not self._database.shared:
            self._database.run("UPDATE platform SET due = ? WHERE tries > 0 AND done IS NULL", (self._database.now(),))

    def take(self) -> Job | None:
        """Give the review that is due first, as one that is being written now; None if none is."""
        self._forget()
        now = self._database.now()
        found = self._database.run(
            _TAKE.format(pass_over=self._database.pass_over),
            (now + self._lease, now, now + max(self._lease, _LONGEST)),
        )
        if not found:
            return None
        seq, client, identity, text, masked, tries = found[0]
        return Job(seq, client, identity, text, json.loads(masked), tries)

    def put_back(self, seq: int, seconds: float, tries: int) -> None:
        """Queue a review again, to be tried in so many seconds."""
        self._database.run(
            "UPDATE platform SET due = ?, tries = ? WHERE seq = ?", (self._database.now() + seconds, tries, seq)
        )

    def finish(self, seq: int, draft: str, text: str, version: int) -> None:
        """Keep a draft, unless another text took its review's place meanwhile."""
        statement = "UPDATE platform SET due = NULL, done = ?, draft = ?, answer = ?, version = ? WHERE seq = ?"
        self._database.run(statement, (self._database.now(), draft, text, version, seq), durably=True)

    def fail(self, seq: int, status: int, why: str) -> None:
        """Keep why no draft could be written."""
        statement = "UPDATE platform SET due = NULL, done = ?, status = ?, why = ? WHERE seq = ?"
        self._database.run(statement, (self._database.now(), status, why, seq))

    def waiting(self) -> int:
        """Count the reviews that wait for a draft, or are being drafted."""
        return self._database.run("SELECT count(*) FROM platform WHERE done IS NULL")[0][0]

    def _forget(self) -> None:
        self._database.run("DELETE FROM platform WHERE done <= ?", (self._database.now() - KEPT,))
