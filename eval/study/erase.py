"""Erase experiences from a study: the reviews that it shows, and all that was written or judged about them.

What was erased leaves no text and no time; that so many reviews were erased is kept, and the analysis says it. Killed
at any moment, the same command goes on.
"""

from collections.abc import Collection
from pathlib import Path

from eval.study.database import Database
from eval.study.preregistration import DATABASE, ITEMS, items_of, note_erasure, read_preregistration
from eval.study.records import write_items
from plume.corpus.split import experience_of
from plume.errors import InputError
from plume.files import telling


def erase(folder: Path, experiences: Collection[str]) -> tuple[int, int]:
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
        tasks = _erase_answers(folder, sha256, gone) if (folder / DATABASE).is_file() else 0
        write_items(folder / ITEMS, kept)  # last: until then the same command finds what to erase
    return len(gone), tasks


def _erase_answers(folder: Path, sha256: str, gone: list[str]) -> int:
    """Delete tasks, tabs and answers about reviews, and what the disk's file holds of them."""
    db = Database(folder, sha256, lambda _: None)
    try:
        with db.changing():
            tasks = sum(db.run("DELETE FROM task WHERE item = ?", item) for item in gone)
        db.compact()
    finally:
        db.close()
    return tasks
