"""One row of the export, read once: an experience with its answers, every value typed.

The corpus and the time analysis both start from it. `columns.tsv` says what is read from which column, `values.py`
how. What a cell holds and nobody understands is None in the record, and `misread` names its column.
"""

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from plume.export.columns import CELLS, STRUCTURES
from plume.export.placeholders import is_placeholder
from plume.export.values import READERS, words


class StructureAnswer(SimpleNamespace):
    """A structure that the experience was sent to, and its reply as written; more attributes as `columns.tsv` names.

    `network` and `structure` are as the corpus writes them, people masked; `illegible` tells which of the two (0, 1)
    hold a text that is no name. `status` is folded ("reponse apportee"), "" where there is none.
    """

    number: int  # from 1
    network: str | None
    structure: str | None
    illegible: tuple[int, ...]
    status: str
    reply: str | None
    ai_offered: bool | None
    ai_similarity: float | None  # of an AI draft and the reply, 0 to 100
    agent_vote: str | None  # "utile" or "pas utile"
    author_vote: str | None

    @property
    def is_placeholder(self) -> bool:
        """Say whether the platform answered in the structure's place."""
        return is_placeholder(self.reply)

    @property
    def is_unpublished(self) -> bool:
        """Say whether the status says that the reply is not, or no longer, published."""
        return bool(_UNPUBLISHED.search(self.status))

    @property
    def says_published(self) -> bool:
        """Say whether the status alone says that a reply was published, be it withdrawn since."""
        return self.status.startswith("reponse") and not _NEVER_PUBLISHED.search(self.status)


class Experience(SimpleNamespace):
    """A citizen's review with its answers. `title`, `review` and `pseudonym` are as written."""

    id: str | None
    title: str | None
    review: str | None
    pseudonym: str | None
    written_on: dt.date | None
    published_on: dt.date | None
    replied_on: dt.date | None  # of the first reply
    is_rejected: bool
    answers: list[StructureAnswer]
    misread: list[str]  # columns that hold what is not understood

    @classmethod
    def of(cls, row: Mapping[str, str | None]) -> "Experience":
        """Read a row's cells; of the columns that are read, those that are absent count as empty."""
        read: dict[int, dict[str, Any]] = {n: {} for n in _ABSENT}
        misread = []
        for column, text in row.items():
            if text and column in CELLS:
                cell = CELLS[column]
                read[cell.structure][cell.name] = value = READERS[cell.kind](text)
                if value is None:
                    misread.append(column)
        told = _ABSENT[0] | read.pop(0)
        rejected = _is_rejected(told["rejected_because"], told["own_status"], told["state"])
        answers = [_answer(n, found) for n, found in read.items() if not _SENT.isdisjoint(found)]
        told["id"] = (told["id"] or "").strip() or None
        return cls(**told, is_rejected=rejected, answers=answers, misread=misread)


def _answer(number: int, found: dict[str, Any]) -> StructureAnswer:
    illegible = tuple(i for i, name in enumerate(("network", "structure")) if found.get(name, "") is None)
    told = _ABSENT[number] | found
    told["status"] = told["status"] or ""
    return StructureAnswer(number=number, illegible=illegible, **told)


_SENT = frozenset(["network", "structure", "status", "reply"])  # one of these tells that an experience was sent there
_ABSENT: dict[int, dict[str, Any]] = {
    n: {cell.name: None for cell in CELLS.values() if cell.structure == n} for n in (0, *STRUCTURES)
}

_UNPUBLISHED = re.compile(
    r"\b(?:depubli|(?:non|pas) publi|en attente|a valider|retir|supprim|rejet|refus|brouillon|masqu)"
)
_NEVER_PUBLISHED = re.compile("en attente|non publi")  # a withdrawn reply had been published
_REJECTED = re.compile(r"\b(?:depubli|(?:non|pas) publi|supprim|rejet|refus|masqu)")
_NO_REASON = re.compile(  # folded, without punctuation
    r"(?:(?:aucune?|pas|sans|non|n|so|na|n a|ras|nul|null|none|nan|rien|neant|false|0)"
    r"(?: (?:de )?(?:motif|rejet|objet|rejete))?)?"
)


@lru_cache(maxsize=1 << 12)
def _is_rejected(reason: str | None, *states: str | None) -> bool:
    """Say whether moderation rejected a review: a reason is given, or the review's own status says so."""
    told = " ".join(re.findall(r"\w+", words(reason)))
    return not _NO_REASON.fullmatch(told) or any(_REJECTED.search(words(state)) for state in states)
