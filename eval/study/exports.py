"""Give what a study recorded, also while it is served: typed records, ratings.jsonl, decisions.jsonl, the flow.

Systems and pseudonymous agents are named, never a person: the store holds no name. Ratings of final replies are in the
records alone: what they compare are arms, not systems.
"""

import datetime as dt
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from eval.study.counters import Counters
from eval.study.database import Row, reading
from eval.study.preregistration import Preregistration, erased_items, items_of, read_preregistration
from eval.study.records import ARMS, Agent, Item, Rating, Study, Writing, to_lines
from plume.files import make_folder, telling, to_jsonl, write
from plume.judgements import SHOWN
from plume.output import check_file

_ROWS = (("id", "choice"), ("id", "final"), ("record",))  # by which files are known that may be overwritten
_ANSWERED = "SELECT * FROM task JOIN answer ON task.id = answer.task WHERE skipped IS NULL"


@dataclass(frozen=True)
class _Recorded:
    """Holds a study's rows as they were at one moment."""

    plan: Preregistration
    sha256: str
    items: dict[str, Item]
    agents: list[Row]
    tasks: list[Row]
    answers: list[Row]  # with the columns of their task
    tabs: dict[int, list[Row]]
    erased: int  # reviews, on request


def read(folder: Path, plan: tuple[Preregistration, str] | None = None) -> Study:
    """Read the records of a study. Raises InputError if nobody began it, or if its plan was changed since.

    With a `plan` and the digest that was kept, a study is read whose preregistration.json is another one by now.
    """
    recorded = _recorded(folder, plan)
    agents = tuple(
        Agent(row["id"], row["experience"], row["sequence"])
        for row in recorded.agents
        if row["began"] and not row["erased"]
    )
    writings = tuple(_writing(row, recorded) for row in recorded.answers if row["kind"] == "writing")
    writers = {row["task"]: row["agent"] for row in recorded.answers}
    ratings = tuple(_rating(row, writers) for row in recorded.answers if row["kind"] != "writing")
    return Study(agents, writings, ratings, _flow(recorded))


def ratings(folder: Path) -> bytes:
    """Write ratings.jsonl: which of two systems' drafts was preferred, why, and of which files they are."""
    plan, sha256 = read_preregistration(folder)
    return to_jsonl(
        {
            "id": rating.item,
            "left": rating.left,
            "right": rating.right,
            "choice": rating.choice,
            "rater": f"{rating.rater}@{sha256[:8]}",  # every study has an A001: two studies' are two people
            "reasons": list(rating.reasons),
            "left_drafts_sha256": plan.systems[rating.left],
            "right_drafts_sha256": plan.systems[rating.right],
        }
        for rating in read(folder).ratings
        if rating.kind == "drafts"
    )


def decisions(folder: Path) -> bytes:
    """Write decisions.jsonl: what agents made of the drafts that they were shown, in which active time.

    Each row has the review as well: the key is the pair's, but the dataset folder may be elsewhere.
    """
    shown = {item.id: asdict(item) for item in items_of(folder)}
    return to_jsonl(
        {
            "id": writing.item,
            "draft": writing.draft,
            "final": writing.final,
            "outcome": writing.outcome,
            "version": writing.system,
            "seconds": round(writing.active_seconds, 3) or None,
            **{key: shown[writing.item].get(key) for key in SHOWN},
        }
        for writing in read(folder).writings
        if writing.arm == "draft"
    )


def records(folder: Path) -> bytes:
    """Write all that was recorded, as `eval.study.records` reads it."""
    return to_lines(read(folder))


FILES: dict[str, Callable[[Path], bytes]] = {
    "ratings.jsonl": ratings,
    "decisions.jsonl": decisions,
    "records.jsonl": records,
}


def write_files(folder: Path, out: Path) -> Iterator[tuple[Path, int]]:
    """Write all files into a folder; gives the path of each and its number of rows. Raises InputError."""
    made = {name: make(folder) for name, make in FILES.items()}  # nothing is written if one cannot be made
    for name in made:
        check_file(out / name, _ROWS, reads=[folder])
    with telling(out, "name another folder with --out"):
        make_folder(out)
        for name, content in made.items():
            write(out / name, content)
            yield out / name, content.count(b"\n")


def _recorded(folder: Path, decided: tuple[Preregistration, str] | None = None) -> _Recorded:
    plan, sha256 = decided or read_preregistration(folder)
    items = {item.id: item for item in items_of(folder)}
    with reading(folder, sha256) as db:

        def rows(statement: str) -> list[sqlite3.Row]:
            return db.execute(statement).fetchall()

        tabs: dict[int, list[Row]] = {}
        for row in rows("SELECT * FROM tab ORDER BY task, number"):
            tabs.setdefault(row["task"], []).append(row)
        return _Recorded(
            plan,
            sha256,
            items,
            rows("SELECT * FROM agent ORDER BY id"),
            rows("SELECT * FROM task ORDER BY id"),
            rows(f"{_ANSWERED} ORDER BY agent, task.id"),
            tabs,
            erased_items(folder),
        )


def _writing(row: Row, of: _Recorded) -> Writing:
    item, with_draft = of.items[row["item"]], row["arm"] == "draft"
    counted = reduce(add, (Counters.read(json.loads(tab["counters"])) for tab in of.tabs[row["task"]]), Counters())
    return Writing(
        agent=row["agent"],
        item=item.id,
        network=item.network,
        sentiment=item.sentiment,
        arm=row["arm"],
        period=row["period"],
        position=row["position"],
        system=of.plan.writing_system if with_draft else None,
        active_seconds=counted.active_seconds,
        pauses=counted.pauses,
        idle_seconds=of.plan.idle_seconds,
        keystrokes=counted.keystrokes,
        pasted_characters=counted.pasted_characters,
        draft=item.drafts[of.plan.writing_system] if with_draft else None,
        final=row["text"],
        outcome=row["outcome"],
        submitted_at=_iso(row["at"]),
    )


def _rating(row: Row, writers: dict[int, str]) -> Rating:
    sides = ("one", "other") if row["one_left"] else ("other", "one")
    return Rating(
        rater=row["agent"],
        item=row["item"],
        kind=row["kind"],
        left=row[sides[0]],
        right=row[sides[1]],
        choice=row["choice"],
        reasons=tuple(json.loads(row["reasons"])),
        position=row["position"],
        submitted_at=_iso(row["at"]),
        writers=tuple(writers[row[f"{side}_text"]] for side in sides) if row["kind"] == "finals" else None,
    )


def _iso(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


# --- who did what


def _flow(of: _Recorded) -> dict[str, Any]:
    """Count who was invited, began, finished and left, and what became of each task that was planned."""
    left = [row for row in of.agents if row["left"]]  # those erased among them
    undone = {row["agent"] for row in of.tasks if row["kind"] == "writing" and row["done"] is None}
    finished = [row for row in of.agents if row["began"] and not row["erased"] and row["id"] not in undone]
    gone = {row["id"] for row in left}
    return {
        "preregistration_sha256": of.sha256,
        "invited": len(of.agents),
        "began": sum(row["began"] is not None for row in of.agents),
        "finished": len(finished),
        "left": len(left),
        "left_before_the_end": len(gone & undone),
        "left_why": dict(Counter(row["why"] or "" for row in left)),
        "sequences": dict(Counter(row["sequence"] for row in of.agents if row["began"])),
        **{kind: _fates([row for row in of.tasks if row["kind"] == kind], gone) for kind in _KINDS},
        "arms": {arm: sum(row["arm"] == arm for row in of.answers) for arm in ARMS},
        "items": _coverage(of),
        "beyond_clock": [
            [row["agent"], row["item"]]
            for row in of.answers
            if row["kind"] == "writing" and any(tab["beyond"] for tab in of.tabs[row["task"]])
        ],
        "erased_items": of.erased,
        "erased_agents": sum(row["erased"] for row in of.agents),
    }


_KINDS = ("writing", "drafts", "finals")


def _fates(tasks: list[Row], gone: set[str]) -> dict[str, Any]:
    """Count tasks by what became of them; the sum of all but `given` is `given`."""
    undone = [row for row in tasks if row["done"] is None]
    skipped = Counter(row["skipped"] for row in tasks if row["skipped"])
    return {
        "given": len(tasks),
        "done": len(tasks) - len(undone) - skipped.total(),
        "left_out": dict(sorted(skipped.items())),
        "not_begun": sum(row["opened"] is None for row in undone if row["agent"] not in gone),
        "begun": sum(row["opened"] is not None for row in undone if row["agent"] not in gone),
        "of_agents_who_left": sum(row["agent"] in gone for row in undone),
    }


def _coverage(of: _Recorded) -> dict[str, int]:
    """Tell how evenly reviews were written: in both arms, and the fewest and the most replies in an arm."""
    written = Counter((row["item"], row["arm"]) for row in of.answers if row["kind"] == "writing")
    counts = [[written[item, arm] for arm in ARMS] for item in of.items]
    return {
        "all": len(counts),
        "in_both_arms": sum(all(each) for each in counts),
        "fewest_in_an_arm": min(map(min, counts), default=0),
        "most_in_an_arm": max(map(max, counts), default=0),
    }
