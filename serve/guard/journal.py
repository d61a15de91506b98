"""Notes drafts and what agents made of them, pseudonymised, before an answer leaves; MLflow gets it later.

The guard writes its database, `serve.guard.mlflow_export`, a process of its own, reads it: a dead MLflow neither
delays nor loses anything.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from plume.judgements import SHOWN
from serve.database import Database, SqliteFile
from serve.state import State

_AT_ONCE = 50  # rows that are read to be sent


def decision_key(row: dict[str, Any]) -> tuple[str | None, ...]:
    """Give what tells a decision from another one on the same draft, here and in MLflow, which keeps texts."""
    return tuple(None if row.get(name) is None else str(row[name]) for name in ("outcome", "final", "seconds"))


class Journal:
    """Keeps drafts and decisions, for one thread at a time. All of it raises StorageError: a full disk, no server."""

    def __init__(self, where: Path | Database) -> None:
        self.database: Database = SqliteFile(where) if isinstance(where, Path) else where

    @classmethod
    def of(cls, state: State) -> Self:
        """Open the journal of a state: its own file, or the one that replicas share."""
        return cls(state.database or state.journal)

    def add_draft(self, identity: str, made: float, client: str, version: int, row: dict[str, Any]) -> None:
        values = (identity, made, client, version, json.dumps(row, ensure_ascii=False))
        self.database.run("INSERT INTO draft (id, made, client, version, row) VALUES (?, ?, ?, ?, ?)", values)

    def find_draft(self, identity: str) -> tuple[str, int, dict[str, Any]] | None:
        """Find who asked for a draft, the version that wrote it, and its row; None if there is no such draft."""
        found = self.database.run("SELECT client, version, row FROM draft WHERE id = ?", (identity,))
        return (found[0][0], found[0][1], json.loads(found[0][2])) if found else None

    def add_decision(self, identity: str, made: float, row: dict[str, Any]) -> None:
        """Add a decision. A later one on the same draft replaces the earlier one; both are kept."""
        values = (identity, made, json.dumps(row, ensure_ascii=False))
        # Of a decision there is no second copy.
        self.database.run("INSERT INTO decision (id, made, row) VALUES (?, ?, ?)", values, durably=True)

    def unsent_drafts(self) -> list[tuple[str, float, int, dict[str, Any]]]:
        found = self.database.run(
            "SELECT id, made, version, row FROM draft WHERE trace IS NULL ORDER BY made LIMIT ?", (_AT_ONCE,)
        )
        return [(identity, made, version, json.loads(row)) for identity, made, version, row in found]

    def unsent_decisions(self) -> list[tuple[int, str, str, dict[str, Any]]]:
        """List decisions whose draft MLflow has: sequence number, trace, client, row."""
        found = self.database.run(
            "SELECT seq, trace, client, decision.row FROM decision JOIN draft USING (id)"
            " WHERE sent = 0 AND trace IS NOT NULL ORDER BY seq LIMIT ?",
            (_AT_ONCE,),
        )
        return [(seq, trace, client, json.loads(row)) for seq, trace, client, row in found]

    def draft_sent(self, identity: str, trace: str | None) -> None:
        self.database.run("UPDATE draft SET trace = ? WHERE id = ?", (trace, identity))

    def decision_sent(self, seq: int, *, sent: int = 1) -> None:
        """Note what became of a decision: 1 sent, 2 refused for good, 0 missing there."""
        self.database.run("UPDATE decision SET sent = ? WHERE seq = ?", (sent, seq))

    def mark_kept(self, kept: dict[str, tuple[str, set[tuple]]]) -> tuple[int, int]:
        """Note as sent what is among `kept`, and nothing else: by draft, its trace and the keys of its decisions.

        Returns how many drafts and decisions were noted as sent and are missing.
        """
        drafts, decisions = [], []
        for identity, trace in self.database.run("SELECT id, trace FROM draft"):
            has = kept.get(identity)
            if trace != (has and has[0]):
                drafts.append((has and has[0], identity, trace is not None and has is None))
        for seq, identity, row, sent in self.database.run("SELECT seq, id, row, sent FROM decision"):
            has = identity in kept and decision_key(json.loads(row)) in kept[identity][1]
            if has != bool(sent):  # a journal that was restored may say too little
                decisions.append((seq, int(has)))
        with self.database.changing():
            for has, identity, _ in drafts:
                self.draft_sent(identity, has)
            for seq, has in decisions:
                self.decision_sent(seq, sent=has)
        return sum(lost for _, _, lost in drafts), sum(not has for _, has in decisions)

    def waiting(self) -> int:
        """Count the drafts and decisions that MLflow has not got."""
        drafts = self.database.run("SELECT count(*) FROM draft WHERE trace IS NULL")[0][0]
        return drafts + self.database.run("SELECT count(*) FROM decision WHERE sent = 0")[0][0]

    def decisions(self, *, reviews: bool = False) -> Iterator[dict[str, Any]]:
        """Give the rows of decisions.jsonl: the last decision on each draft, in the order of the drafts.

        With `reviews`, each has what the model was shown: the review, which no dataset folder holds by the draft's id.
        """
        found = self.database.run(
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
        self.database.close()
