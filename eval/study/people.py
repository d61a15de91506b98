"""Keep who takes part: pseudonymous agents in seats of the design, their links, when they began and left.

A link's secret part is 192 random bits and is shown once: only its hash is kept.
"""

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from typing import get_args

from eval.study import allocation
from eval.study.database import Database
from eval.study.records import Experience, Item
from eval.study.refusal import Refusal
from plume.files import sha256

ORGANISER = "organiser"  # who holds the link that shows progress and exports
_BYTES = 24


class People:
    """The agents of a study. Methods that change something raise Refusal, and change nothing then."""

    def __init__(self, db: Database, items: Sequence[Item], seed: int, clock: Callable[[], float]) -> None:
        self._db, self._items, self._seed, self._clock = db, items, seed, clock

    def agents(self) -> list[str]:
        """List the agents' pseudonymous ids, those who left not among them."""
        return [row["id"] for row in self._db.all("SELECT id FROM agent WHERE left IS NULL ORDER BY id")]

    def add(self, known: int | None = None) -> str:
        """Add an agent, to the first seat that somebody left, or else to the next. Returns the id.

        A seat that was left is taken whole: the arms of each person stay balanced. What nobody wrote of it comes first
        in each block. Raises Refusal `just_added` if there are not as many agents as are `known`: a second click.
        """
        with self._db.changing():
            if known not in (None, self._count()):
                raise Refusal("just_added")
            return self.seat_next()

    def seat_next(self) -> str:
        """Do as `add`, inside a change that somebody else began."""
        number, written = self._free_seat()
        agent = f"A{self._count() + 1:03}"
        drawn = allocation.seat(number, self._items, self._seed)
        values = (agent, number, drawn.order, self._clock())
        self._db.run("INSERT INTO agent (id, seat, sequence, made) VALUES (?, ?, ?, ?)", *values)
        plan = sorted(drawn.plan, key=lambda planned: (planned.period, planned.item in written))
        for rank, planned in enumerate(plan, 1):
            self._db.run(
                "INSERT INTO task (agent, kind, item, rank, arm, period) VALUES (?, 'writing', ?, ?, ?, ?)",
                *(agent, planned.item, rank, planned.arm, planned.period),
            )
        return agent

    def _count(self) -> int:
        return self._db.one("SELECT count(*) AS n FROM agent")["n"]

    def _free_seat(self) -> tuple[int, set[str]]:
        """Find the first seat whose agents left before all was written, and what was; else the next seat."""
        seats = self._db.all("SELECT seat, min(left IS NOT NULL) AS free FROM agent GROUP BY seat ORDER BY seat")
        for row in seats:
            done = self._db.all(
                "SELECT item FROM task JOIN agent ON agent.id = task.agent WHERE seat = ? AND kind = 'writing'"
                " AND done IS NOT NULL AND skipped IS NULL",
                row["seat"],
            )
            written = {task["item"] for task in done}
            if row["free"] and len(written) < len(self._items):
                return row["seat"], written
        return len(seats), set()

    # --- links

    def new_link(self, holder: str) -> str:
        """Make the secret part of the link of an agent, or of ORGANISER; the one before is worth nothing any more."""
        token = secrets.token_urlsafe(_BYTES)
        with self._db.changing():
            if holder != ORGANISER:
                self.present(holder)
            self._db.run("INSERT OR REPLACE INTO link VALUES (?, ?, ?)", sha256(token.encode()), holder, self._clock())
        return token

    def has_link(self, holder: str) -> bool:
        return self._db.one("SELECT 1 FROM link WHERE holder = ?", holder) is not None

    def revoke(self, holder: str) -> None:
        """Make a link worth nothing; `new_link` gives another one."""
        with self._db.changing():
            self._db.run("DELETE FROM link WHERE holder = ?", holder)

    def holder(self, token: str) -> str:
        """Find whose link it is: an agent's id, or ORGANISER. Raises Refusal `unknown_link` or `agent_left`."""
        digest = sha256(token.encode(errors="replace"))
        found = self._db.one("SELECT holder FROM link WHERE sha256 = ?", digest)
        if found is None:
            raise Refusal("unknown_link")
        if found["holder"] != ORGANISER:
            self.present(found["holder"])
        return found["holder"]

    # --- beginning and leaving

    def begin(self, agent: str, experience: str | None) -> None:
        """Note that an agent began, and their experience: novice, expert, None if not said. The first answer holds."""
        if experience not in (None, *get_args(Experience)):
            raise Refusal("bad_answer")
        with self._db.changing():
            self.present(agent)
            values = (self._clock(), experience, agent)
            self._db.run("UPDATE agent SET began = ?, experience = ? WHERE id = ? AND began IS NULL", *values)

    def has_begun(self, agent: str) -> bool:
        return self.present(agent)["began"] is not None

    def leave(self, agent: str, why: str = "") -> None:
        """Note that an agent left, with a word why: what they submitted stays, the seat is free.

        The link is kept to say so to whoever opens it; it leads to nothing else, and not back.
        """
        with self._db.changing():
            self.present(agent)
            self._db.run("UPDATE agent SET left = ?, why = ? WHERE id = ?", self._clock(), why, agent)

    def gone(self) -> list[str]:
        """List who left and may come back: nobody took their seat since, and nothing of theirs was erased."""
        rows = self._db.all(
            "SELECT id FROM agent WHERE left IS NOT NULL AND NOT erased AND NOT EXISTS"
            " (SELECT 1 FROM agent AS other WHERE other.seat = agent.seat AND other.id > agent.id) ORDER BY id"
        )
        return [row["id"] for row in rows]

    def come_back(self, agent: str) -> None:
        """Take back that an agent left: they go on where they stopped, by a new link."""
        with self._db.changing():
            if agent not in self.gone():
                raise Refusal("agent_left")
            self._db.run("UPDATE agent SET left = NULL, why = NULL WHERE id = ?", agent)
            self._db.run("DELETE FROM link WHERE holder = ?", agent)

    def present(self, agent: str) -> sqlite3.Row:
        """Give the row of an agent. Raises Refusal `agent_left`, also if there is none of that name."""
        found = self._db.one("SELECT * FROM agent WHERE id = ? AND left IS NULL", agent)
        if found is None:
            raise Refusal("agent_left")
        return found
