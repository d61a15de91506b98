"""Erase experiences, or agents, from a study: reviews it shows, and all that was written or judged about or by them.

What was erased leaves no text and no time; that so much was erased is kept, and the analysis says it. Killed at any
moment, the same command goes on.
"""

from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from eval.study.database import Database, has_begun, readable
from eval.study.preregistration import DATABASE, ITEMS, items_of, note_erasure, read_preregistration
from eval.study.records import write_items
from plume.corpus.split import experience_of
from plume.errors import InputError
from plume.files import telling

_OF_ITEM = "SELECT id FROM task WHERE item = ?"
_BY_AGENT = "SELECT id FROM task WHERE agent = ?"
_OF_THEIR_TEXTS = (
    "SELECT task.id FROM task JOIN task AS text ON text.id IN (task.one_text, task.other_text) WHERE text.agent = ?"
)


def erase_experiences(folder: Path, experiences: Collection[str]) -> tuple[int, int]:
    """Erase experiences; returns how many reviews and how many tasks about them went.

    Raises InputError, and changes nothing, if the study shows none of them or is being served.
    """
    _, sha256 = read_preregistration(folder)
    items, wanted = items_of(folder), set(experiences)
    gone = [item.id for item in items if {item.id, experience_of(item.id)} & wanted]
    if not gone:
        raise InputError(f"{folder}: this study shows none of {', '.join(sorted(wanted))}; nothing was changed")
    kept = [item for item in items if item.id not in gone]
    with telling(folder, "it is as it was, or the same command finishes this erasure"):
        note_erasure(folder, kept, len(gone))
        tasks = _erase(folder, sha256, [(_OF_ITEM, item) for item in gone]) if has_begun(folder) else 0
        write_items(folder / ITEMS, kept)  # last: until then the same command finds what to erase
    return len(gone), tasks


def erase_agent(folder: Path, agent: str) -> int:
    """Erase what an agent wrote and judged, and what others judged of their replies; returns how many tasks went.

    The agent leaves the study, and that is kept, without a reason. Raises InputError.
    """
    _, sha256 = read_preregistration(folder)
    if not has_begun(folder):
        raise InputError(f"{folder}: nobody has begun this study; nothing was changed")
    return _erase(folder, sha256, [(_OF_THEIR_TEXTS, agent), (_BY_AGENT, agent)], agent)


def _erase(folder: Path, sha256: str, found: list[tuple[str, str]], agent: str | None = None) -> int:
    """Delete the tasks that queries find, with tabs and answers, and what the disk's file holds of them."""
    db = Database(folder, sha256, lambda _: None)
    with closing(db), readable(folder / DATABASE):
        with db.changing():
            if agent and not db.run(
                "UPDATE agent SET left = coalesce(left, made), why = '', experience = NULL, erased = 1 WHERE id = ?",
                agent,
            ):
                raise InputError(f"{folder}: nobody takes part as {agent}; nothing was changed")
            db.run("DELETE FROM link WHERE holder = ?", agent)
            ids = {row["id"] for query, value in found for row in db.all(query, value)}
            for task in ids:
                db.run("DELETE FROM task WHERE id = ?", task)
        db.compact()
    return len(ids)
