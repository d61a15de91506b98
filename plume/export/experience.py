"""One row of the export, read once: an experience with its answers, every value typed.

The corpus and the time analysis both start from it. What a cell holds and nobody understands is None in the record,
and `misread` names its column.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from plume.export.body_names import body_name
from plume.export.cleaning import clean
from plume.export.placeholders import is_placeholder
from plume.export.values import READERS, STRUCTURES
from plume.french.text import fold

Row = dict[str, str | None]  # the cells of one row by column; what is empty is None


@dataclass(slots=True)
class Answer:
    """A structure that the experience was sent to, and its reply as written.

    `network` and `structure` are as the corpus writes them, people masked; `illegible` tells which of the two (0, 1)
    hold a text that is no name. `status` is folded ("reponse apportee"), "" where there is none.
    """

    number: int  # 1 to 3
    network: str | None
    structure: str | None
    illegible: tuple[int, ...]
    status: str
    reply: str | None
    ai_enabled: bool | None
    ai_offered: bool | None
    ai_similarity: float | None  # of an AI draft and the reply, 0 to 100
    agent_vote: str | None  # "utile" or "pas utile"
    author_vote: str | None

    @property
    def is_placeholder(self) -> bool:
        """Whether the platform answered in the structure's place."""
        return is_placeholder(self.reply)

    @property
    def is_unpublished(self) -> bool:
        """Whether the status says that the reply is not, or no longer, published."""
        return bool(_UNPUBLISHED.search(self.status))

    @property
    def says_published(self) -> bool:
        """Whether the status alone says that a reply was published, be it withdrawn since."""
        return self.status.startswith("reponse") and not _NEVER_PUBLISHED.search(self.status)


@dataclass(slots=True)
class Experience:
    """A citizen's review with its answers. `title`, `review` and `pseudonym` are as written."""

    id: str | None
    title: str | None
    review: str | None
    pseudonym: str | None
    written_on: dt.date | None
    published_on: dt.date | None
    replied_on: dt.date | None  # of the first reply
    department: str | None
    sentiment: str | None
    is_rejected: bool
    answers: list[Answer]
    misread: list[str]  # columns that hold what is not understood

    @classmethod
    def of(cls, row: Mapping[str, str | None]) -> "Experience":
        """Read a row's cells; of the columns of READ, those that are absent count as empty."""
        values = {
            column: _value(column, text) for column, text in row.items() if text is not None and column in READERS
        }
        misread = [column for column, value in values.items() if value is None]
        answers = []
        for n, (network, structure, status, reply, *others) in _OF_ANSWER.items():
            texts = row.get(network), row.get(structure), row.get(status), row.get(reply)
            if any(texts):
                names = body_name(texts[0]), body_name(texts[1])
                illegible = tuple(i for i in (0, 1) if texts[i] and not names[i])
                misread += [(network, structure)[i] for i in illegible]
                answers.append(Answer(n, *names, illegible, _status(texts[2]), texts[3], *map(values.get, others)))
        identity = row.get("id_experience")
        return cls(
            (identity or "").strip() or None,
            row.get("titre"),
            row.get("description"),
            row.get("pseudonyme_usager"),
            values.get("ecrit_le"),
            values.get("date_de_publication"),
            values.get("date_de_premiere_reponse"),
            values.get("code_insee_departement_usager"),
            values.get("ressenti_usager"),
            _is_rejected(*map(row.get, _REJECTION)),
            answers,
            misread,
        )


_REJECTION = ("motif_de_rejet", "statut_de_l_experience", "etat_experience")
_OF_ANSWER = {
    n: (
        f"intitule_typologie_{n}",
        f"intitule_structure_{n}",
        f"statut_reponse_structure_{n}",
        f"reponse_structure_{n}",
        f"top_ia_structure_{n}",
        f"aide_ia_proposee_reponse_structure_{n}",
        f"taux_de_similarite_reponse_ia_structure_{n}",
        f"vote_de_l_agent_reponse_ia_structure_{n}",
        f"evaluation_reponse_structure_{n}_par_auteur",
    )
    for n in STRUCTURES
}
READ = frozenset(
    [
        *("id_experience", "titre", "description", "pseudonyme_usager", *_REJECTION, *READERS),
        *(column for columns in _OF_ANSWER.values() for column in columns),
    ]
)

_UNPUBLISHED = re.compile(
    r"\b(?:depubli|(?:non|pas) publi|en attente|a valider|retir|supprim|rejet|refus|brouillon|masqu)"
)
_NEVER_PUBLISHED = re.compile("en attente|non publi")  # a withdrawn reply had been published
_REJECTED = re.compile(r"\b(?:depubli|(?:non|pas) publi|supprim|rejet|refus|masqu)")
_NO_REASON = re.compile(  # folded, without punctuation
    r"(?:(?:aucune?|pas|sans|non|n|so|na|n a|ras|nul|null|none|nan|rien|neant|false|0)"
    r"(?: (?:de )?(?:motif|rejet|objet|rejete))?)?"
)


@lru_cache(maxsize=1 << 15)
def _value(column: str, text: str) -> Any:
    return READERS[column](text)


@lru_cache(maxsize=1 << 10)
def _status(text: str | None) -> str:
    return fold(clean(text))


@lru_cache(maxsize=1 << 12)
def _is_rejected(reason: str | None, *states: str | None) -> bool:
    """Whether moderation rejected a review: a reason is given, or the review's own status says so."""
    words = " ".join(re.findall(r"\w+", _status(reason)))
    return not _NO_REASON.fullmatch(words) or any(_REJECTED.search(_status(state)) for state in states)
