"""Tell the organiser how far each agent is: counts alone, no text, no time that an answer took."""

from dataclasses import dataclass

from eval.study.database import Database


@dataclass(frozen=True)
class Progress:
    """How far one agent is. `last` is when the last answer or autosave came, in seconds since 1970."""

    agent: str
    state: str  # invited, began, finished (wrote all) or left
    linked: bool
    written: int
    to_write: int
    with_draft: int  # of what was written
    to_write_with_draft: int
    skipped: int
    compared: int
    rated: int
    last: float | None
    beyond: int  # tasks whose counters were beyond what the clock allows, in one tab or more


_COUNTS = """
SELECT agent.id, agent.began, agent.left,
    (SELECT count(*) FROM link WHERE holder = agent.id) AS linked,
    count(task.id) FILTER (WHERE kind = 'writing' AND done IS NOT NULL AND skipped IS NULL) AS written,
    count(task.id) FILTER (WHERE kind = 'writing') AS to_write,
    count(task.id) FILTER (WHERE arm = 'draft' AND done IS NOT NULL AND skipped IS NULL) AS with_draft,
    count(task.id) FILTER (WHERE arm = 'draft') AS to_write_with_draft,
    count(task.id) FILTER (WHERE skipped IS NOT NULL) AS skipped,
    count(task.id) FILTER (WHERE kind = 'drafts' AND done IS NOT NULL AND skipped IS NULL) AS compared,
    count(task.id) FILTER (WHERE kind = 'finals' AND done IS NOT NULL AND skipped IS NULL) AS rated,
    count(task.id) FILTER (WHERE kind = 'writing' AND done IS NULL) AS undone,
    (SELECT max(coalesce(saved, tab.opened)) FROM tab JOIN task ON task.id = task WHERE agent = agent.id) AS seen,
    (SELECT count(DISTINCT task) FROM tab JOIN task ON task.id = task WHERE agent = agent.id AND beyond != '')
        AS beyond,
    max(task.done) AS answered
FROM agent LEFT JOIN task ON task.agent = agent.id GROUP BY agent.id ORDER BY agent.id
"""


def progress(db: Database) -> list[Progress]:
    """Count what every agent did, those who left included."""
    found = []
    for row in db.all(_COUNTS):
        state = "left" if row["left"] else "invited" if not row["began"] else "began" if row["undone"] else "finished"
        last = max((t for t in (row["seen"], row["answered"]) if t is not None), default=None)
        names = ("written", "to_write", "with_draft", "to_write_with_draft", "skipped", "compared", "rated")
        counts = (row[name] for name in names)
        found.append(Progress(row["id"], state, bool(row["linked"]), *counts, last, row["beyond"]))
    return found
