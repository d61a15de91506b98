"""From experiences to waits: one entry per experience and structure, as columns of numbers; no text is kept.

The clock starts at publication, or at writing where the publication date is absent. Who has no genuine reply is still
waiting on the day of extraction; the platform's placeholder is not a reply. Dates that cannot be are counted, not used.
The export dates only the first reply of an experience: where several structures replied, each carries that date.
"""

import datetime as dt
import re
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, get_origin
from zoneinfo import ZoneInfo

import numpy as np

from plume.export.experience import Experience, StructureAnswer
from plume.export.reader import Unreadable
from plume.french.vocabulary import rows

WRITTEN, PUBLISHED, REPLIED = "ecrit_le", "date_de_publication", "date_de_premiere_reponse"

# What is counted, in the order of the report. The kinds of IMPOSSIBLE are left out of every delay.
IMPOSSIBLE = ("no_start", "unreadable_reply", "reply_before_start", "after_extraction")
COUNTS = {row["count"]: row["label"] for row in rows("counts", Path(__file__).parent)}  # with their French labels
NONE, UNREADABLE = 0, -1  # a reply's day that is absent, or that is no date; else its ordinal
NO_NAME = "(nom illisible)"
_FRANCE = ZoneInfo("Europe/Paris")
# What an agent has to check: addresses, e-mails, and figures of any kind.
_FACT = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|\d[\d .,/:-]*")
_LATE, _GAP = 0.001, 60  # the last 1 ‰ of dates, if they come more than 60 days after all others, are typing errors


# A column of Waits, with the code of the `array` that a file is read into.
Ints, Flags, Floats = (Annotated[np.ndarray, code] for code in "ibf")


@dataclass(frozen=True)
class Waits:
    """Holds the waits of an export, shape (n,) each, and what was counted. Days are proleptic Gregorian ordinals.

    `reply` is 0 for who is unanswered, or whose reply has no usable date; flags are 1, 0, or -1 where unknown.
    """

    start: Ints
    reply: Ints
    replied: Flags  # bool
    structure: Ints  # index in `names`
    vote: Flags  # the author's: 1 utile, 0 pas utile
    offered: Flags  # an AI draft was proposed
    agent_vote: Flags
    similarity: Floats  # of draft and published reply, 0 to 100, NaN
    review_words: Ints  # 0 where no similarity is known
    reply_words: Ints
    reply_facts: Ints  # of those, what has to be checked
    names: tuple[tuple[str, str], ...]  # (network, structure)
    extracted_on: dt.date
    extraction_given: bool
    counts: dict[str, int]
    missing: tuple[str, ...]  # date columns that hold nothing
    review_words_of: dict[str, int]  # of the pairs asked for
    misread: dict[str, int] = field(default_factory=dict)  # column -> records in which it was not understood

    def __len__(self) -> int:
        return len(self.start)

    @property
    def has_delays(self) -> bool:
        return REPLIED not in self.missing

    @property
    def timed(self) -> np.ndarray:
        """Mask those that say something about delays: answered on a known day, or still waiting."""
        return (self.reply > 0) | ~self.replied

    @property
    def end(self) -> int:
        return self.extracted_on.toordinal()

    @property
    def month(self) -> np.ndarray:
        """Give the month in which each wait began, as year * 12 + month - 1."""
        epoch = dt.date(1970, 1, 1).toordinal()
        return (self.start - epoch).astype("datetime64[D]").astype("datetime64[M]").astype(int) + 1970 * 12

    @property
    def network(self) -> np.ndarray:
        """Give the index of each wait's network in `networks`."""
        index = {name: i for i, name in enumerate(self.networks)}
        of_structure = np.array([index[network] for network, _ in self.names], dtype=np.int64)
        return of_structure[self.structure] if len(self.names) else np.zeros(0, dtype=np.int64)

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(sorted({network for network, _ in self.names}))

    def where(self, mask: np.ndarray) -> "Waits":
        """Keep the waits of a mask; what was counted stays that of the file."""
        columns = {name: getattr(self, name)[mask] for name in _COLUMNS}
        return Waits(**{**vars(self), **columns})


_COLUMNS = {one.name: one.type.__metadata__[0] for one in fields(Waits) if get_origin(one.type) is Annotated}


def read_waits(
    records: Iterable[Experience | Unreadable], extracted_on: dt.date | None = None, *, pairs: Iterable[str] = ()
) -> Waits | None:
    """Read every wait of an export, in one pass; None if no record has a readable date.

    `extracted_on` defaults to the latest date seen, save lone ones far behind all others and those yet to come. `pairs`
    are ids (`<id_experience>-<1..3>`) of which the words of the review are wanted.
    """
    reader = _Reader(frozenset(pairs))
    for record in records:
        if isinstance(record, Unreadable):
            reader.counts["unreadable"] += 1
        else:
            reader.add(record)
    return reader.finish(extracted_on)


class _Reader:
    def __init__(self, pairs: frozenset[str]) -> None:
        self.counts: Counter[str] = Counter()
        self.columns = {name: array(code) for name, code in _COLUMNS.items()}
        self.names: dict[tuple[str, str], int] = {}
        self.seen: set[str] = set()
        self.held: set[str] = set()
        self.dates = array("i")
        self.pairs = pairs
        self.review_words_of: dict[str, int] = {}
        self.experience = array("i")  # of each wait, to know which share a date

    def add(self, experience: Experience) -> None:
        counts = self.counts
        counts["experiences"] += 1
        if experience.id and experience.id in self.seen:
            counts["duplicate"] += 1
            return
        self.seen.add(experience.id or "")
        if experience.is_rejected:
            counts["rejected"] += 1
            return
        written = _ordinal(experience, WRITTEN, experience.written_on)
        published = _ordinal(experience, PUBLISHED, experience.published_on)
        first_reply = _ordinal(experience, REPLIED, experience.replied_on)
        self.held.update(name for name, day in ((PUBLISHED, published), (REPLIED, first_reply)) if day != NONE)
        self.dates.extend(day for day in (written, published, first_reply) if day > 0)
        answers = experience.answers
        counts["waits"] += len(answers)
        start = published if published > 0 else written
        if start <= 0:
            counts["no_start"] += len(answers)
            return
        counts["from_publication" if published > 0 else "from_writing"] += len(answers)
        counts["published_before_written"] += 0 < published < written
        answered = [self._answered(answer, alone=len(answers) == 1, dated=first_reply > 0) for answer in answers]
        counts["date_without_reply"] += first_reply != NONE and not any(answered)
        for answer, replied in zip(answers, answered, strict=True):
            drafted = answer.ai_similarity is not None  # only of drafts is it asked how long the texts are
            if self.pairs and (pair := f"{experience.id or ''}-{answer.number}") in self.pairs:
                self.review_words_of[pair] = _words(experience.review)
            # Named as the corpus names them: no person in it, no text of shifted columns.
            key = tuple(
                NO_NAME if i in answer.illegible else name or ""
                for i, name in enumerate((answer.network, answer.structure))
            )
            self.experience.append(counts["experiences"])
            for name, value in {
                "start": start,
                "reply": first_reply if replied else NONE,
                "replied": replied,
                "structure": self.names.setdefault(key, len(self.names)),
                "vote": _VOTES[answer.author_vote],
                "offered": -1 if answer.ai_offered is None else answer.ai_offered,
                "agent_vote": _VOTES[answer.agent_vote],
                "similarity": answer.ai_similarity if drafted else float("nan"),
                "review_words": _words(experience.review) if drafted else 0,
                "reply_words": _words(answer.reply) if drafted else 0,
                "reply_facts": facts(answer.reply or "") if drafted else 0,
            }.items():
                self.columns[name].append(value)

    def _answered(self, answer: StructureAnswer, *, alone: bool, dated: bool) -> bool:
        placeholder = answer.is_placeholder
        if answer.reply:
            replied = not placeholder
        elif answer.status:  # an adopted or withdrawn reply may leave no text; its status still says that there was one
            replied = answer.says_published
        else:
            replied = alone and dated
        self.counts["placeholder" if placeholder else "replied" if replied else "unanswered"] += 1
        return replied

    def finish(self, extracted_on: dt.date | None) -> Waits | None:
        if not self.dates:
            return None
        last = extracted_on.toordinal() if extracted_on else _latest(np.array(self.dates))
        columns = {name: np.array(values) for name, values in self.columns.items()}
        columns["replied"] = replied = columns["replied"].astype(bool)
        start, reply = columns["start"], columns["reply"]
        faults = {
            "undated_reply": replied & (reply == NONE),
            "unreadable_reply": replied & (reply == UNREADABLE),
            "reply_before_start": replied & (reply > 0) & (reply < start),
            "after_extraction": (start > last) | (replied & (reply > last)),
        }
        self.counts.update({name: int(mask.sum()) for name, mask in faults.items()})
        unusable = np.logical_or.reduce([faults[name] for name in IMPOSSIBLE if name in faults])
        columns["reply"] = np.where(unusable | (reply < 0), NONE, reply)
        dated = np.array(self.experience)[columns["reply"] > 0]
        times = np.bincount(dated, minlength=1)
        self.counts["shared_date"] = int(times[times > 1].sum())
        kept = start <= last
        return Waits(
            **{name: values[kept] for name, values in columns.items()},
            names=tuple(self.names),
            extracted_on=dt.date.fromordinal(last),
            extraction_given=extracted_on is not None,
            counts={name: self.counts[name] for name in COUNTS},
            missing=tuple(name for name in (PUBLISHED, REPLIED) if name not in self.held),
            review_words_of=self.review_words_of,
        )


def _latest(days: np.ndarray) -> int:
    """Find the day of extraction: the latest date up to today, unless a few lie far behind all others."""
    today = dt.datetime.now(_FRANCE).date().toordinal()
    days = np.sort(days[days <= today])
    if not len(days):
        return today
    first = len(days) - max(1, int(_LATE * len(days)))
    if len(days) >= 100 and (gaps := np.flatnonzero(np.diff(days[first - 1 :]) > _GAP)).size:
        return int(days[first - 1 + gaps[0]])
    return int(days[-1])


def facts(text: str) -> int:
    """Count the things in a text that have to be checked."""
    return sum(1 for m in _FACT.finditer(text) if len(m.group().strip()) > 1)


def _words(text: str | None) -> int:
    return len((text or "").split())


def _ordinal(experience: Experience, column: str, day: dt.date | None) -> int:
    if day is None:
        return UNREADABLE if column in experience.misread else NONE
    return day.toordinal()


_VOTES = {None: -1, "pas utile": 0, "utile": 1}
