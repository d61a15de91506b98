"""Keeps what agents have open: reviews, drafts, texts as they are typed, and decisions that the server has not got.

Each change is on disk before it is told. Once an agent decided, the review, the drafts and the texts go: what stays
is the draft's id, the review's id in the given file, and times; the final text only until the server has it.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plume.database import Database, Row
from plume.errors import InputError
from plume.files import make_folder, telling
from plume.page.typed import clean
from serve.desk.refused import Refused

LONGEST = 20_000  # characters of a text, as the guard takes them
MOST_SECONDS = 86_400.0
_VERSION = "1"
_EMPTY = "{}"
_DAY = 86_400.0
_DAMAGED = "is damaged, or no file of the desk's; move it away, and the desk begins a new one"
_SCHEMA = """
CREATE TABLE work (
    id TEXT PRIMARY KEY, made REAL NOT NULL, changed REAL NOT NULL, reference TEXT, typed TEXT NOT NULL,
    current TEXT, tab TEXT
);
CREATE TABLE draft (
    id TEXT PRIMARY KEY, work TEXT NOT NULL REFERENCES work (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    answer TEXT NOT NULL, asked TEXT NOT NULL, typed TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE tab (
    id TEXT PRIMARY KEY, work TEXT NOT NULL REFERENCES work (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL DEFAULT 0, active REAL NOT NULL DEFAULT 0
);
CREATE TABLE decision (
    draft TEXT PRIMARY KEY, work TEXT NOT NULL, reference TEXT, made REAL NOT NULL, seconds REAL NOT NULL,
    body TEXT, sent REAL, trouble TEXT
);
CREATE INDEX waiting ON decision (made) WHERE body IS NOT NULL;
"""
Fields = Mapping[str, str]


@dataclass(frozen=True)
class Draft:
    """A draft of the server's: its answer, what it was asked with, and what the agent typed on its page."""

    id: str
    number: int
    answer: dict[str, Any]
    asked: dict[str, Any]
    typed: dict[str, str]

    @property
    def text(self) -> str:
        """Give the text as the agent left it."""
        return self.typed.get("text", self.answer["draft"])


@dataclass(frozen=True)
class Work:
    """A review that an agent works on. `current` is the draft that is edited: None before one is chosen."""

    id: str
    made: float
    changed: float
    reference: str | None
    typed: dict[str, str]
    drafts: tuple[Draft, ...] = ()
    current: Draft | None = None
    seconds: float = 0.0
    tab: str | None = None

    def draft(self, identity: str) -> Draft:
        """Find one of its drafts. Raises Refused."""
        found = next((draft for draft in self.drafts if draft.id == identity), None)
        if found is None:
            raise Refused("no_draft")
        return found


@dataclass(frozen=True)
class Decision:
    """A decision that the server has not got yet, and why."""

    draft: str
    made: float
    body: dict[str, Any] = field(repr=False)
    trouble: str | None


class Store:
    """What is open at one desk, for the threads of one process. A method that raises Refused has changed nothing."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open the file of the desk; make it where there is none. Raises InputError."""
        self._clock = clock
        with telling(folder, "name another folder with state="):
            make_folder(folder)
        path = folder / "desk.sqlite"
        held = f"{folder}: another desk has this folder open; end it first, or name another one with state="
        self._db = Database(path, held, _make, _DAMAGED)
        if (version := self._db.meta().get("version")) != _VERSION:
            self.close()
            raise InputError(f"{path}: made by another version of plume ({version}); go on with that one")

    @property
    def secret(self) -> bytes:
        """Give what signs the tokens of forms: a page that is open outlives a restart."""
        return bytes.fromhex(self._db.meta()["secret"])

    def close(self) -> None:
        self._db.close()

    # --- what is open

    def begin(self, typed: Fields, reference: str | None = None) -> str:
        """Open a review. One of the given file that is open already is not opened twice."""
        identity, now = secrets.token_urlsafe(12), self._clock()
        with self._db.changing() as db:
            if reference and (found := db.one("SELECT id FROM work WHERE reference = ?", reference)):
                return found["id"]
            db.run("DELETE FROM work WHERE typed = ? AND made < ?", _EMPTY, now - _DAY)
            values = (identity, now, now, reference, _json(typed))
            db.run("INSERT INTO work (id, made, changed, reference, typed) VALUES (?, ?, ?, ?, ?)", *values)
        return identity

    def works(self) -> list[Work]:
        """List what is open, the newest first; not what nobody typed into."""
        rows = self._db.all("SELECT * FROM work WHERE typed != ? ORDER BY changed DESC", _EMPTY)
        return [self._work(row) for row in rows]

    def work(self, identity: str) -> Work:
        """Give what is open of a review. Raises Refused: decided, no_work."""
        row = self._db.one("SELECT * FROM work WHERE id = ?", identity)
        if row is None:
            raise Refused("decided" if self.decision_of(identity) else "no_work")
        return self._work(row)

    def _work(self, row: Row) -> Work:
        rows = self._db.all("SELECT * FROM draft WHERE work = ? ORDER BY number", row["id"])
        drafts = tuple(
            Draft(r["id"], r["number"], *(json.loads(r[name]) for name in ("answer", "asked", "typed"))) for r in rows
        )
        total = self._db.one("SELECT total(active) AS seconds FROM tab WHERE work = ?", row["id"])["seconds"]
        current = next((draft for draft in drafts if draft.id == row["current"]), None)
        told = (row["id"], row["made"], row["changed"], row["reference"], json.loads(row["typed"]))
        return Work(*told, drafts, current, min(total, MOST_SECONDS), row["tab"])

    def forget(self, identity: str) -> None:
        """Erase a review on which nothing is decided."""
        with self._db.changing() as db:
            db.run("DELETE FROM work WHERE id = ?", identity)
        self._db.empty_log()

    # --- a page in a tab

    def claim(self, identity: str) -> tuple[str, Work]:
        """Give a review to a new tab: what older tabs send is refused from now on."""
        tab = secrets.token_hex(16)
        with self._db.changing() as db:
            work = self.work(identity)
            db.run("UPDATE work SET tab = ? WHERE id = ?", tab, identity)
            db.run("INSERT INTO tab (id, work) VALUES (?, ?)", tab, identity)
        return tab, work

    def save(
        self, identity: str, tab: str, draft: str, typed: Fields, active: float, sequence: int, *, pressed: bool = False
    ) -> Work:
        """Keep what is typed, and the active time of its tab.

        `draft` is the one whose page it is, "" before there is one. `sequence` grows with each save of a tab: one that
        was overtaken changes no text. `pressed`: a button sends it, perhaps again, after no tab holds the review.
        """
        typed = {name: clean(text) for name, text in typed.items()}
        if any(len(text) > LONGEST for text in typed.values()):
            raise Refused("long_text")
        with self._db.changing() as db:
            work = self.work(identity)
            if work.tab != tab and not (pressed and work.tab is None):
                raise Refused("stale_tab")
            held = db.one("SELECT sequence FROM tab WHERE id = ? AND work = ?", tab, identity)
            if held is not None and sequence > held["sequence"]:
                self._keep(work, draft, typed)
            db.run("UPDATE work SET changed = ? WHERE id = ?", self._clock(), identity)
            db.run(
                "UPDATE tab SET active = max(active, ?), sequence = max(sequence, ?) WHERE id = ?",
                *(active, sequence, tab),
            )
            return self.work(identity)

    def _keep(self, work: Work, draft: str, typed: Fields) -> None:
        if draft:
            kept = {**work.draft(draft).typed, **typed}
            self._db.run("UPDATE draft SET typed = ? WHERE id = ?", _json(kept), draft)
        elif not work.drafts:
            self._db.run("UPDATE work SET typed = ? WHERE id = ?", _json({**work.typed, **typed}), work.id)

    # --- drafts

    def add_drafts(self, identity: str, answers: Iterable[dict[str, Any]], asked: Mapping[str, Any]) -> None:
        """Keep what the server wrote. One draft is the current one; of several, one is to be chosen."""
        answers = list(answers)
        with self._db.changing() as db:
            number = len(self.work(identity).drafts)
            for answer in answers:
                number += 1
                values = (answer["id"], identity, number, _json(answer), _json(asked))
                db.run("INSERT INTO draft (id, work, number, answer, asked) VALUES (?, ?, ?, ?, ?)", *values)
            current = answers[0]["id"] if len(answers) == 1 else None
            db.run(
                "UPDATE work SET current = ?, changed = ?, tab = NULL WHERE id = ?", current, self._clock(), identity
            )

    def take(self, identity: str, draft: str | None) -> None:
        """Choose the draft to go on with; None: choose anew."""
        with self._db.changing() as db:
            if draft:
                self.work(identity).draft(draft)
            db.run("UPDATE work SET current = ?, tab = NULL WHERE id = ?", draft, identity)

    # --- decisions

    def decide(self, identity: str, draft: str, body: Mapping[str, Any]) -> None:
        """Keep a decision until the server has it; the review, the drafts and the texts go."""
        with self._db.changing() as db:
            work = self.work(identity)
            work.draft(draft)
            values = (draft, identity, work.reference, self._clock(), body["seconds"], _json(body))
            db.run(
                "INSERT INTO decision (draft, work, reference, made, seconds, body) VALUES (?, ?, ?, ?, ?, ?)", *values
            )
            db.run("DELETE FROM work WHERE id = ?", identity)
        self._db.empty_log()

    def decision_of(self, identity: str) -> str | None:
        """Tell which draft was decided on of a review; None if none was."""
        row = self._db.one("SELECT draft FROM decision WHERE work = ?", identity)
        return row and row["draft"]

    def waiting(self) -> list[Decision]:
        """List the decisions that the server has not got, the oldest first."""
        rows = self._db.all("SELECT * FROM decision WHERE body IS NOT NULL ORDER BY made")
        return [Decision(r["draft"], r["made"], json.loads(r["body"]), r["trouble"]) for r in rows]

    def decided(self) -> set[str]:
        """Name the reviews of the given file that were decided on."""
        return {row["reference"] for row in self._db.all("SELECT reference FROM decision WHERE reference NOT NULL")}

    def sent(self, draft: str) -> None:
        """Note that the server has a decision, or that nobody wants to send it any more: its text goes."""
        with self._db.changing() as db:
            db.run("UPDATE decision SET body = NULL, trouble = NULL, sent = ? WHERE draft = ?", self._clock(), draft)
        self._db.empty_log()

    def not_sent(self, draft: str, trouble: str | None) -> None:
        """Note why the server has not got a decision."""
        with self._db.changing() as db:
            db.run("UPDATE decision SET trouble = ? WHERE draft = ?", trouble, draft)


def _make(db: Database) -> None:
    db.make_tables(_SCHEMA, version=_VERSION, secret=secrets.token_hex(32))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
