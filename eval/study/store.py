"""Keep what happens in a study: whose turn it is at which task, autosaves and answers, each on disk before it is told.

One server at a time holds a study. Texts that agents type come in through the pseudonymiser. Whatever a kill
interrupts, a request is kept whole or not at all. An answer that was submitted never changes.
"""

import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from eval.study import allocation
from eval.study.counters import Counters
from eval.study.database import Database, Row
from eval.study.people import People
from eval.study.preregistration import items_of, read_preregistration
from eval.study.progress import Progress, progress
from eval.study.records import Choice, Item
from eval.study.refusal import Refusal
from plume.page.typed import clean

MOST_CHARACTERS = 20_000  # of a text: ten times a long reply
_WORD = re.compile(r"[a-z][a-z_]{0,39}")  # how a reason is named; the pages have its words
_MOST_REASONS = 12
Kind = Literal["writing", "drafts", "finals"]


@dataclass(frozen=True)
class Task:
    """Describes what an agent is to do now, and nothing that they must not know.

    Attributes:
        number, total: which of how many of its kind, for this agent.
        period, draft: of a writing; `draft` is what is shown, None without one.
        left, right: of a comparison: two texts.
    """

    id: int
    kind: Kind
    item: Item
    number: int
    total: int
    period: int | None = None
    draft: str | None = None
    left: str | None = None
    right: str | None = None


@dataclass(frozen=True)
class Opened:
    """A task in a new tab: what to put in the field, whether an earlier tab had saved it, and had dropped the draft."""

    task: Task
    tab: str
    text: str
    restored: bool
    unused: bool = False


class Store:
    """One study, for the threads of one server. A method that raises Refusal has changed nothing."""

    def __init__(
        self, folder: Path, *, clock: Callable[[], float] = time.time, mask: Callable[[str], str] | None = None
    ) -> None:
        """Open the study in a folder that `plume eval study plan` wrote; begin it if nobody has.

        `mask` takes out of a text what identifies a person, by default as `plume data anonymise` does. Raises
        InputError if another server holds the study, if its plan was changed since it began, or if it is unreadable.
        """
        self.folder, self._clock, self._mask, self._masking = folder, clock, mask or _pseudonymiser(), threading.Lock()
        self.preregistration, self.sha256 = read_preregistration(folder)
        items = items_of(folder)
        self.items = {item.id: item for item in items}

        def people(db: Database) -> People:
            return People(db, items, self.preregistration.seed, clock)

        def begin(db: Database) -> None:
            for _ in range(self.preregistration.agents):
                people(db).seat_next()

        self.db = Database(folder, self.sha256, begin)
        self.people = people(self.db)

    @property
    def comparisons(self) -> int:
        """Tell how many pairs of drafts an agent compares: what is planned, or all that there are."""
        return min(self.preregistration.comparisons, len(allocation.draft_pairs(self.items.values())))

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def progress(self) -> list[Progress]:
        """Count what every agent did, for the organiser."""
        return progress(self.db)

    # --- whose turn

    def next_task(self, agent: str) -> Task | Literal["wait", "done"]:
        """Find what an agent does next: writings in their order, then drafts to compare, then final replies.

        "wait" means that texts to compare are still being written, "done" that nothing is left.
        """
        with self.db.changing():
            self.people.present(agent)
            row = self._undone(agent) or self._add_comparison(agent, "drafts") or self._add_comparison(agent, "finals")
            if row is not None:
                return self._task(row)
            wanted = self.preregistration.finals > self._count(agent, "finals")
            return "wait" if wanted and self._others_write(agent) else "done"

    def _undone(self, agent: str) -> Row | None:
        return self.db.one("SELECT * FROM task WHERE agent = ? AND done IS NULL ORDER BY rank LIMIT 1", agent)

    def _count(self, agent: str, kind: Kind) -> int:
        return self.db.one("SELECT count(*) AS n FROM task WHERE agent = ? AND kind = ?", agent, kind)["n"]

    def _others_write(self, agent: str) -> bool:
        waiting = "SELECT 1 FROM task JOIN agent ON agent.id = agent WHERE kind = 'writing' AND done IS NULL"
        return self.db.one(f"{waiting} AND left IS NULL AND agent.id != ?", agent) is not None

    def _add_comparison(self, agent: str, kind: Kind) -> Row | None:
        """Choose what to compare next, if more of this kind is planned for the agent and there is any."""
        planned = self.comparisons if kind == "drafts" else self.preregistration.finals
        if self._count(agent, kind) >= planned:
            return None
        pairs = allocation.draft_pairs(self.items.values()) if kind == "drafts" else self._final_pairs()
        seen = {r["item"] for r in self.db.all("SELECT item FROM task WHERE agent = ? AND arm = 'draft'", agent)}
        chosen = allocation.next_comparison(agent, pairs, self._placed(kind), seen=seen, seed=self.preregistration.seed)
        if chosen is None:
            return None
        pair, texts = chosen.pair, chosen.pair.texts or (None, None)
        self.db.run(
            "INSERT INTO task (agent, kind, item, rank, one, other, one_left, one_text, other_text)"
            " VALUES (?, ?, ?, (SELECT coalesce(max(rank), 0) + 1 FROM task WHERE agent = ?), ?, ?, ?, ?, ?)",
            *(agent, kind, pair.item, agent, *pair.labels, chosen.one_left, *texts),
        )
        return self._undone(agent)

    def _final_pairs(self) -> list[allocation.Pair]:
        written = self.db.all(
            "SELECT id, agent, item, arm FROM task WHERE kind = 'writing' AND done IS NOT NULL AND skipped IS NULL"
            " ORDER BY done, id"
        )
        return allocation.final_pairs(map(tuple, written))

    def _placed(self, kind: Kind) -> list[allocation.Placed]:
        """List who judged or is judging what; not what was skipped, nor what somebody left undone."""
        rows = self.db.all(
            "SELECT task.* FROM task JOIN agent ON agent.id = agent WHERE kind = ? AND skipped IS NULL"
            " AND (done IS NOT NULL OR left IS NULL)",
            kind,
        )
        placed = []
        for row in rows:
            texts = () if row["one_text"] is None else (row["one_text"], row["other_text"])
            pair = allocation.Pair(row["item"], row["one"], row["other"], texts)
            placed.append(allocation.Placed(row["agent"], pair, bool(row["one_left"])))
        return placed

    def _task(self, row: Row) -> Task:
        """Describe a task by its row."""
        item, kind = self.items[row["item"]], row["kind"]
        done = "SELECT count(*) AS n FROM task WHERE agent = ? AND kind = ? AND (done IS NOT NULL OR id = ?)"
        number = self.db.one(done, row["agent"], kind, row["id"])["n"]
        if kind == "writing":
            draft = item.drafts[self.preregistration.writing_system] if row["arm"] == "draft" else None
            return Task(row["id"], kind, item, number, self._count(row["agent"], kind), row["period"], draft)
        one, other = (item.drafts[row[label]] for label in ("one", "other")) if kind == "drafts" else self._texts(row)
        total = self.comparisons if kind == "drafts" else self.preregistration.finals
        left, right = (one, other) if row["one_left"] else (other, one)
        return Task(row["id"], kind, item, number, total, left=left, right=right)

    def _texts(self, row: Row) -> list[str]:
        texts = "SELECT text FROM answer WHERE task = ?"
        return [self.db.one(texts, row[name])["text"] for name in ("one_text", "other_text")]

    # --- a task in a tab

    def open_task(self, agent: str, task_id: int) -> Opened:
        """Open the task whose turn it is in a new tab: what older tabs send is refused from now on."""
        task, tab = self.next_task(agent), secrets.token_hex(16)
        if not isinstance(task, Task) or task.id != task_id:
            raise Refusal("not_now")
        with self.db.changing():
            now = self._clock()
            self.db.run(
                "UPDATE task SET opened = ?, position = (SELECT count(position) + 1 FROM task AS other"
                " WHERE other.agent = task.agent AND other.kind = task.kind) WHERE id = ? AND opened IS NULL",
                *(now, task_id),
            )
            self.db.run("UPDATE agent SET began = ? WHERE id = ? AND began IS NULL", now, agent)
            saved = self.db.one(
                "SELECT text, unused FROM tab WHERE task = ? AND text NOT NULL ORDER BY number DESC", task_id
            )
            self.db.run(
                "INSERT INTO tab (id, task, number, opened)"
                " VALUES (?, ?, (SELECT count(*) + 1 FROM tab WHERE task = ?), ?)",
                *(tab, task_id, task_id, now),
            )
        if saved is None:
            return Opened(task, tab, task.draft or "", restored=False)
        return Opened(task, tab, saved["text"], restored=True, unused=bool(saved["unused"]))

    def save(
        self,
        agent: str,
        task_id: int,
        tab: str,
        text: str,
        counters: Mapping[str, Any],
        sequence: int = 0,
        *,
        unused: bool = False,
    ) -> None:
        """Keep an unfinished text and the counters of its tab.

        `sequence` grows with each save of a tab: a save that was overtaken changes no text. Counters only grow.
        """
        counted = Counters.read(counters)
        text = self._masked(text, self._draft_of(agent, task_id))
        with self.db.changing():
            self._held(agent, task_id, tab)
            self._keep(tab, text, counted, sequence, unused=unused)

    def submit(
        self, agent: str, task_id: int, tab: str, text: str, counters: Mapping[str, Any], *, unused: bool = False
    ) -> None:
        """Keep a reply for good, with the counters of all tabs. Asked again with the same text, it answers again.

        `unused`: the agent says that they did not use the draft.
        """
        draft, counted = self._draft_of(agent, task_id), Counters.read(counters)
        masked = self._masked(text, draft)
        if not masked.strip():
            raise Refusal("empty")
        outcome = None if draft is None else "accepted" if masked == draft else "rejected" if unused else "edited"
        with self.db.changing():
            if self._is_answered(agent, task_id, text=masked):
                return
            self._held(agent, task_id, tab)
            self._keep(tab, masked, counted, None)
            self._answer(task_id, tab, text=masked, outcome=outcome)

    def rate(self, agent: str, task_id: int, tab: str, choice: str, reasons: Collection[str] = ()) -> None:
        """Keep a judgement of two texts for good: left, right, equal or neither, and why."""
        if choice not in get_args(Choice) or len(reasons) > _MOST_REASONS or not all(map(_WORD.fullmatch, reasons)):
            raise Refusal("bad_answer")
        kept = json.dumps(sorted(set(reasons)))
        with self.db.changing():
            if self._is_answered(agent, task_id, choice=choice, reasons=kept):
                return
            if self._held(agent, task_id, tab)["kind"] == "writing":
                raise Refusal("bad_answer")
            self._answer(task_id, tab, choice=choice, reasons=kept)

    def skip(self, agent: str, task_id: int, tab: str, reason: str, note: str = "") -> None:
        """Leave a task out for good, with a reason and a note of what is wrong."""
        if not _WORD.fullmatch(reason):
            raise Refusal("bad_answer")
        note = self._masked(note)
        with self.db.changing():
            row = self.db.one("SELECT skipped FROM task WHERE id = ? AND agent = ?", task_id, agent)
            if row is not None and row["skipped"] == reason:
                return
            self._held(agent, task_id, tab)
            self.db.run("UPDATE task SET skipped = ? WHERE id = ?", reason, task_id)
            self._answer(task_id, tab, note=note)

    def _draft_of(self, agent: str, task_id: int) -> str | None:
        """Give the draft that a writing began from; None without one. Raises Refusal if it is no writing of theirs."""
        row = self.db.one("SELECT item, arm FROM task WHERE id = ? AND agent = ? AND kind = 'writing'", task_id, agent)
        if row is None:
            raise Refusal("not_now")
        return (
            clean(self.items[row["item"]].drafts[self.preregistration.writing_system])
            if row["arm"] == "draft"
            else None
        )

    def _held(self, agent: str, task_id: int, tab: str) -> Row:
        """Give the row of a task that this tab holds. Raises Refusal if it does not, or if the task is done."""
        self.people.present(agent)
        row = self.db.one("SELECT * FROM task WHERE id = ? AND agent = ?", task_id, agent)
        if row is None:
            raise Refusal("not_now")
        if row["done"] is not None:
            raise Refusal("already_submitted")
        newest = self.db.one("SELECT id FROM tab WHERE task = ? ORDER BY number DESC LIMIT 1", task_id)
        if newest is None or newest["id"] != tab:
            raise Refusal("stale_tab")
        return row

    def _keep(self, tab: str, text: str, counted: Counters, sequence: int | None, *, unused: bool = False) -> None:
        """Write a tab's text, unless a later save came first (`sequence` None is the last), and its counters."""
        row = self.db.one("SELECT * FROM tab WHERE id = ?", tab)
        now = self._clock()
        beyond = counted.beyond(now - row["opened"], self.preregistration.idle_seconds) | set(row["beyond"].split())
        counted = counted.at_least(Counters.read(json.loads(row["counters"])))
        if sequence is None or row["text"] is None or sequence > row["sequence"]:
            self.db.run("UPDATE tab SET text = NULL WHERE task = ?", row["task"])
            kept = (text, unused, sequence or row["sequence"], tab)
            self.db.run("UPDATE tab SET text = ?, unused = ?, sequence = ? WHERE id = ?", *kept)
        values = (now, json.dumps(asdict(counted)), " ".join(sorted(beyond)), tab)
        self.db.run("UPDATE tab SET saved = ?, counters = ?, beyond = ? WHERE id = ?", *values)

    def _is_answered(self, agent: str, task_id: int, **same: str) -> bool:
        """Tell whether a task has this very answer already. Raises Refusal if it has another one."""
        theirs = "SELECT answer.* FROM answer JOIN task ON id = task WHERE id = ? AND agent = ?"
        found = self.db.one(theirs, task_id, agent)
        if found is not None and any(found[name] != value for name, value in same.items()):
            raise Refusal("already_submitted")
        return found is not None

    def _answer(self, task_id: int, tab: str, **values: str | None) -> None:
        """Keep an answer; the unfinished texts of its task go."""
        now = self._clock()
        row = dict.fromkeys(("text", "outcome", "choice", "reasons", "note")) | values
        self.db.run("INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?)", task_id, now, tab, *row.values())
        self.db.run("UPDATE task SET done = ? WHERE id = ?", now, task_id)
        self.db.run("UPDATE tab SET text = NULL WHERE task = ?", task_id)

    # --- texts

    def _masked(self, text: str, draft: str | None = None) -> str:
        """Clean and pseudonymise a text; an unchanged draft stays as it is. Raises Refusal `too_long`."""
        if len(text) > MOST_CHARACTERS:
            raise Refusal("too_long")
        text = clean(text)
        if not text or text == draft:
            return text
        with self._masking:
            return self._mask(text)


def _pseudonymiser() -> Callable[[str], str]:
    """Load what masks the texts of agents, with the recogniser of names: seconds, before anyone waits."""
    from plume.corpus.mask import pseudonymiser

    loaded = pseudonymiser(ner=True)
    loaded.mask("Bonjour, Mme Durand attend à Lyon.")  # what is loaded at first use is loaded now
    return lambda text: loaded.mask_many([text], replies=True)[0][0]
