"""From experiences to waits: one record per experience and structure, with its start, first reply and author's vote.

The clock starts at publication, or at writing where the publication date is absent. Who has no genuine reply is still
waiting on the day of extraction; the platform's placeholder is not a reply. Dates that cannot be are counted, not used.
The export dates only the first reply of an experience: where several structures replied, each carries that date.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from plume.corpus.export import Row, parse_date, structures
from plume.corpus.placeholders import is_placeholder

WRITTEN, PUBLISHED, REPLIED = "ecrit_le", "date_de_publication", "date_de_premiere_reponse"

# What is counted, in the order of the report. The kinds of IMPOSSIBLE are left out of every delay.
IMPOSSIBLE = ("no_start", "unreadable_reply", "reply_before_start", "after_extraction")
COUNTS = (
    "experiences",
    "waits",
    "replied",
    "placeholder",
    "unanswered",
    "from_publication",
    "from_writing",
    "undated_reply",
    "shared_date",
    "date_without_reply",
    *IMPOSSIBLE,
)


@dataclass(frozen=True, slots=True)
class Wait:
    """One citizen waiting for one structure. `replied_on` is None if unanswered, or if the reply's date is unusable."""

    network: str | None
    structure: str | None
    start: dt.date
    replied: bool
    replied_on: dt.date | None
    vote: str | None

    @property
    def timed(self) -> bool:
        """Whether it says something about delays: answered on a known day, or still waiting."""
        return self.replied_on is not None or not self.replied


@dataclass(frozen=True)
class Waits:
    """The waits of an export, the day it was extracted on, what was counted, and the date columns that hold nothing."""

    records: tuple[Wait, ...]
    extracted_on: dt.date
    extraction_given: bool
    counts: dict[str, int]
    missing: tuple[str, ...]

    @property
    def has_delays(self) -> bool:
        return REPLIED not in self.missing


def read_waits(rows: Iterable[Row], extracted_on: dt.date | None = None) -> Waits | None:
    """Every wait of an export (None if no row has a readable date). `extracted_on` defaults to the latest date seen."""
    rows = list(rows)
    missing = tuple(column for column in (PUBLISHED, REPLIED) if not any(row.get(column) for row in rows))
    seen = [day for row in rows for column in (WRITTEN, PUBLISHED, REPLIED) if (day := parse_date(row.get(column)))]
    if not seen:
        return None
    last = extracted_on or max(seen)
    counts: Counter[str] = Counter(experiences=len(rows))
    records = [wait for row in rows for wait in _waits_of(row, last, counts)]
    counted = {name: counts[name] for name in COUNTS}
    return Waits(tuple(records), last, extracted_on is not None, counted, missing)


def _waits_of(row: Row, last: dt.date, counts: Counter[str]) -> list[Wait]:
    sent_to = structures(row)
    counts["waits"] += len(sent_to)
    published = parse_date(row.get(PUBLISHED))
    start = published or parse_date(row.get(WRITTEN))
    if start is None:
        counts["no_start"] += len(sent_to)
        return []
    if start > last:
        counts["after_extraction"] += len(sent_to)
        return []
    counts["from_publication" if published else "from_writing"] += len(sent_to)
    waits = []
    for fields in sent_to:
        text, status = fields["reply"], fields["status"] or ""
        # An adopted or withdrawn reply may leave no text; its status still says that the citizen was answered.
        replied = not is_placeholder(text) if text else status.startswith("Réponse")
        counts["placeholder" if is_placeholder(text) else "replied" if replied else "unanswered"] += 1
        replied_on = _reply_date(row.get(REPLIED), start, last, counts) if replied else None
        waits.append(Wait(fields["network"], fields["structure"], start, replied, replied_on, fields["author_vote"]))
    dated = sum(wait.replied_on is not None for wait in waits)
    counts["shared_date"] += dated if dated > 1 else 0
    counts["date_without_reply"] += bool(row.get(REPLIED)) and not any(wait.replied for wait in waits)
    return waits


def _reply_date(text: str | None, start: dt.date, last: dt.date, counts: Counter[str]) -> dt.date | None:
    if not text:
        counts["undated_reply"] += 1
        return None
    day = parse_date(text)
    if day is None:
        counts["unreadable_reply"] += 1
    elif day < start:
        counts["reply_before_start"] += 1
    elif day > last:
        counts["after_extraction"] += 1
    else:
        return day
    return None
