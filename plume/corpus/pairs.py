"""From rows of the export to review/reply pairs, or to the quarantine with a reason."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from plume.checks.case import Case
from plume.checks.coordinates import invented, mailbox
from plume.checks.language import FRENCH, language
from plume.config import Config
from plume.contacts import Directory
from plume.corpus.clean import clean, clean_reply
from plume.corpus.placeholders import is_placeholder
from plume.export.columns import body_name, is_id
from plume.export.source import Row, structures
from plume.export.values import department, parse_date, percent, sentiment, vote, yes_or_no
from plume.french.text import fold
from plume.pseudonymise.rules.reach import is_public_email


class Selection(Config):
    """Which pairs are good to learn from."""

    placeholders: bool = Field(False, description="keep the platform's placeholder replies")
    unpublished: bool = Field(
        False, description="keep withdrawn or unpublished replies, and reviews that moderation rejected"
    )
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
    near_duplicates_in_all: int = Field(30, ge=1, description="the same, of all structures together")


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


_TELLING = 12  # words, among which French has a small one
_WORD = 20  # characters a word may take, blanks included, before a text counts as too long


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
    if not is_id(experience):  # a phone, a name: the columns are shifted, and it must not be written
        yield Quarantined(
            f"record-{number}", "bad_id", f"record {number}: its id_experience is not the platform's number"
        )
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
    network, name = body_name(structure["network"]), body_name(structure["structure"])
    status = fold(clean(structure["status"]))

    def out(reason: str, detail: str) -> Quarantined:
        return Quarantined(pair_id, reason, detail, network, name)

    if (network is None) != (structure["network"] is None) or (name is None) != (structure["structure"] is None):
        return out("bad_structure", "text where the name of a network or a structure is meant")
    title, review = clean(row.get("titre")), clean(row.get("description"))
    if _is_longer(title + review, selection.max_review_words):
        return out("review_too_long", f"at most {selection.max_review_words} words wanted")
    if _is_longer(structure["reply"] or "", selection.max_reply_words):
        return out("reply_too_long", f"at most {selection.max_reply_words} words wanted")
    reply, closing = clean_reply(structure["reply"])
    if not reply:
        return out("no_reply", f"status: {_STATUSES.get(status, 'none' if not status else 'unknown')}")
    if not selection.placeholders and is_placeholder(structure["reply"]):
        return out("placeholder_reply", "the platform's placeholder, not a reply")
    if not selection.unpublished and _UNPUBLISHED.search(status):
        return out("unpublished_reply", f"not published; status: {_STATUSES.get(status, 'another')}")
    if not selection.unpublished and _is_rejected(row):
        return out("rejected_experience", "the platform's moderation rejected the review")
    written_on = parse_date(row.get("ecrit_le"))
    if written_on is None:
        return out("bad_date", "ecrit_le is absent or is not a date")
    for what, text, least, most in (
        ("reply", reply, selection.min_reply_words, selection.max_reply_words),
        ("review", review, selection.min_review_words, selection.max_review_words),
    ):
        words = len(text.split())
        if words < least:
            return out(f"{what}_too_short", f"{words} words, at least {least} wanted")
        if words > most:
            return out(f"{what}_too_long", f"{words} words, at most {most} wanted")
    for what, text in (("review", review), ("reply", reply)):
        found = language(text) if selection.french_only else FRENCH
        if found != FRENCH and (found or len(text.split()) >= _TELLING):  # a short one may just hold no small word
            return out(f"{what}_not_french", f"in {found or 'no language known'}, as its small words tell")
    similarity = _percent(structure["ai_similarity"])
    if similarity is not None and similarity >= selection.ai_similarity_below:
        return out(
            "written_by_ai", f"{similarity} % similar to an AI draft, less than {selection.ai_similarity_below} wanted"
        )
    unlisted = unlisted_contacts(reply, review, directory)
    if unlisted and selection.unlisted_contacts == "quarantine":
        return out("unlisted_contact", f"{unlisted} contacts that neither directory nor review holds")
    # What is written as it is must be what its column says, so that shifted columns cannot carry text past the masks.
    return Pair(
        {
            "id": pair_id,
            "network": network,
            "structure": name,
            "department": department(row.get("code_insee_departement_usager")),
            "sentiment": sentiment(row.get("ressenti_usager")),
            "title": title,
            "review": review,
            "reply": reply,
            "written_on": written_on.isoformat(),
            "published_on": _iso(row.get("date_de_publication")),
            "replied_on": _iso(row.get("date_de_premiere_reponse")),
            "ai_enabled": yes_or_no(structure["ai_enabled"]),
            "ai_offered": yes_or_no(structure["ai_offered"]),
            "ai_similarity": similarity,
            "agent_vote": vote(structure["agent_vote"]),
            "author_vote": vote(structure["author_vote"]),
        },
        row.get("pseudonyme_usager"),
        closing,
        unlisted,
    )


_STATUSES = {
    fold(status): status
    for status in ("Réponse apportée", "En attente de réponse", "Réponse dépubliée", "Réponse adoptée")
}
_UNPUBLISHED = re.compile(
    r"\b(?:depubli|(?:non|pas) publi|en attente|a valider|retir|supprim|rejet|refus|brouillon|masqu)"
)
_REJECTED = re.compile(r"\b(?:depubli|(?:non|pas) publi|supprim|rejet|refus|masqu)")
_NO_REASON = re.compile(  # folded, without punctuation
    r"(?:(?:aucune?|pas|sans|non|n|so|na|n a|ras|nul|null|none|nan|rien|neant|false|0)"
    r"(?: (?:de )?(?:motif|rejet|objet|rejete))?)?"
)


def _is_rejected(row: Row) -> bool:
    """Whether moderation rejected a review: a reason is given, or the review's own status says so."""
    reason = " ".join(re.findall(r"\w+", fold(clean(row.get("motif_de_rejet")))))
    states = (fold(clean(row.get(name))) for name in ("statut_de_l_experience", "etat_experience"))
    return not _NO_REASON.fullmatch(reason) or any(_REJECTED.search(state) for state in states)


def _is_longer(text: str, words: int) -> bool:
    """Whether a text is far too long: told before it is cleaned and read, which takes time."""
    return len(text) > _WORD * words


# What every phone, e-mail and web address holds, told fast.
_MAY_BE_CONTACT = re.compile(r"\d\d|@|\w\.\w|://|\b(?:at|arobase|appele[rz]|compose[rz])\b", re.IGNORECASE)


def unlisted_contacts(reply: str, review: str, directory: Directory) -> int:
    """How many phones, e-mails and web addresses of a reply stand neither in the directory nor in the review.

    A mailbox of a function on an official domain ("contact@….gouv.fr") counts as listed: no directory names them all.
    """
    if not _MAY_BE_CONTACT.search(reply):
        return 0
    found = invented(Case.of(reply, review, "", directory, None))
    return sum(not (d.kind == "email" and is_public_email(mailbox(d.text), directory)) for d in found)


def _iso(text: str | None) -> str | None:
    date = parse_date(text)
    return date.isoformat() if date else None


def _percent(text: str | None) -> int | None:
    """Whole per cents, rounded down: 49.5 is below 50, and is written so."""
    value = percent(text)
    return None if value is None else math.floor(value)
