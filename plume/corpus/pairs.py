"""From rows of the export to review/reply pairs, or to the quarantine with a reason."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from plume.checks.case import Case
from plume.checks.coordinates import invented
from plume.checks.language import FRENCH, language
from plume.config import Config
from plume.contacts import Directory
from plume.corpus.clean import clean, clean_reply
from plume.corpus.export import Row, parse_date, structures
from plume.corpus.placeholders import is_placeholder


class Selection(Config):
    """Which pairs are good to learn from."""

    min_reply_words: int = Field(15, ge=1, description="shorter replies are left out")
    max_reply_words: int = Field(400, ge=1, description="longer replies are left out")
    min_review_words: int = Field(5, ge=1, description="shorter reviews are left out")
    max_review_words: int = Field(700, ge=1, description="longer reviews are left out")
    french_only: bool = Field(True, description="leave out reviews and replies in another language")
    ai_similarity_below: int = Field(
        50, ge=0, le=101, description="replies this close to an AI draft (0-100) are left out; 101 keeps all"
    )
    unlisted_contacts: Literal["keep", "quarantine"] = Field(
        "quarantine", description="replies with a phone, e-mail or web address that neither directory nor review holds"
    )
    near_duplicate: float = Field(
        0.8, ge=0.5, le=1, description="Jaccard similarity of word triples from which two texts are near-duplicates"
    )
    near_duplicates_per_structure: int = Field(
        3, ge=1, description="pairs of one structure that may have nearly the same reply; the others are left out"
    )


@dataclass
class Pair:
    """One review with one structure's reply, still carrying the pseudonym that only the pseudonymiser needs."""

    values: dict[str, Any]
    pseudonym: str | None
    closing: str = ""
    unlisted_contacts: int = 0


@dataclass
class Quarantined:
    """A row left out. Its text stays in the export: the dataset folder never holds text that was not pseudonymised."""

    id: str
    reason: str
    detail: str
    network: str | None = None
    structure: str | None = None


def outcomes(
    row: Row, number: int, selection: Selection, directory: Directory, is_repeated: Callable[[str], bool]
) -> Iterator[Pair | Quarantined]:
    """What becomes of one row of the export: a pair or a quarantined row for each structure, one row if it has none.

    `number` is the record's, from 1. `is_repeated` tells whether an id was met before.
    """
    experience = (row.get("id_experience") or "").strip()
    if not experience:
        yield Quarantined(f"record-{number}", "no_id", f"record {number} has no id_experience")
        return
    if is_repeated(experience):
        yield Quarantined(experience, "duplicate_experience", f"record {number} repeats an id_experience")
        return
    sent_to = structures(row)
    if not sent_to:
        yield Quarantined(experience, "no_structure", "sent to no structure")
    for structure in sent_to:
        yield _outcome(row, f"{experience}-{structure['number']}", structure, selection, directory)


def _outcome(
    row: Row, pair_id: str, structure: dict[str, str | None], selection: Selection, directory: Directory
) -> Pair | Quarantined:
    def out(reason: str, detail: str) -> Quarantined:
        return Quarantined(pair_id, reason, detail, structure["network"], structure["structure"])

    review = clean(row.get("description"))
    reply, closing = clean_reply(structure["reply"])
    written_on = parse_date(row.get("ecrit_le"))
    similarity = _percent(structure["ai_similarity"])
    if not reply:
        return out("no_reply", f"status: {structure['status'] or 'none'}")
    if is_placeholder(structure["reply"]):
        return out("placeholder_reply", "the platform's placeholder, not a reply")
    if (structure["status"] or "").startswith("Réponse dépubliée"):
        return out("unpublished_reply", "the reply was withdrawn")
    if row.get("motif_de_rejet"):
        return out("rejected_experience", "the platform's moderation rejected the review")
    if written_on is None:
        return out("bad_date", "ecrit_le is absent or is not a date")
    words = len(reply.split())
    if words < selection.min_reply_words:
        return out("reply_too_short", f"{words} words, at least {selection.min_reply_words} wanted")
    if words > selection.max_reply_words:
        return out("reply_too_long", f"{words} words, at most {selection.max_reply_words} wanted")
    words = len(review.split())
    if words < selection.min_review_words:
        return out("review_too_short", f"{words} words, at least {selection.min_review_words} wanted")
    if words > selection.max_review_words:
        return out("review_too_long", f"{words} words, at most {selection.max_review_words} wanted")
    for name, text in (("review", review), ("reply", reply)):
        if selection.french_only and (found := language(text)) not in (None, FRENCH):
            return out(f"{name}_not_french", f"in {found}, as its small words tell")
    if similarity is not None and similarity >= selection.ai_similarity_below:
        return out(
            "written_by_ai", f"{similarity} % similar to an AI draft, less than {selection.ai_similarity_below} wanted"
        )
    unlisted = unlisted_contacts(reply, review, directory)
    if unlisted and selection.unlisted_contacts == "quarantine":
        return out("unlisted_contact", f"{unlisted} contacts that neither directory nor review holds")
    return Pair(
        {
            "id": pair_id,
            "network": structure["network"],
            "structure": structure["structure"],
            "department": row.get("code_insee_departement_usager"),
            "sentiment": row.get("ressenti_usager"),
            "title": clean(row.get("titre")),
            "review": review,
            "reply": reply,
            "written_on": written_on.isoformat(),
            "published_on": _iso(row.get("date_de_publication")),
            "replied_on": _iso(row.get("date_de_premiere_reponse")),
            "ai_offered": {"O": True, "N": False}.get((structure["ai_offered"] or "").strip().upper()),
            "ai_similarity": similarity,
            "author_vote": (structure["author_vote"] or "").strip().lower() or None,
        },
        row.get("pseudonyme_usager"),
        closing,
        unlisted,
    )


def unlisted_contacts(reply: str, review: str, directory: Directory) -> int:
    """How many phones, e-mails and web addresses of a reply stand neither in the directory nor in the review."""
    return len(invented(Case.of(reply, review, "", directory, None)))


def _iso(text: str | None) -> str | None:
    date = parse_date(text)
    return date.isoformat() if date else None


def _percent(text: str | None) -> int | None:
    try:
        return round(float(text)) if text else None
    except (ValueError, OverflowError):
        return None
