"""Experiences become review/reply pairs, or go to the quarantine with a reason."""

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from plume.checks.case import Case
from plume.checks.contacts import invented
from plume.checks.language import FRENCH, language
from plume.config import Config
from plume.contacts import Directory
from plume.corpus.clean_reply import clean_reply
from plume.corpus.dataset import FEATURES
from plume.export.body_names import is_id
from plume.export.cleaning import clean
from plume.export.experience import Experience, StructureAnswer
from plume.export.reader import Unreadable
from plume.french.text import fold
from plume.pseudonymise.identifiers.contacts import is_public_email


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
        "quarantine", description="replies with a phone, e-mail or web address that the directory does not hold"
    )
    residual_suspicion: Literal["mask", "quarantine"] = Field(
        "mask",
        description="what still looks like a part of an identifier beside the masks: masked, or its pair left out",
    )
    near_duplicate: float = Field(
        0.8, ge=0.5, le=1, description="Jaccard similarity of word triples from which two texts are near-duplicates"
    )
    near_duplicates_per_structure: int = Field(
        3, ge=1, description="pairs of one structure that may have nearly the same reply; the others are left out"
    )
    near_duplicates_in_all: int = Field(30, ge=1, description="the same, of all structures together")


@dataclass
class UnmaskedPair:
    """Holds one review with one structure's reply, still carrying the pseudonym that only the pseudonymiser needs."""

    values: dict[str, Any]
    pseudonym: str | None
    closing: str = ""
    unlisted_contacts: int = 0


@dataclass
class Quarantined:
    """Holds a row left out. Its text stays in the export: a dataset folder holds none that is not pseudonymised."""

    id: str
    reason: str
    detail: str
    network: str | None = None
    structure: str | None = None


# Keys that are made here, or by a later step; the others are as they were read.
MADE = ("id", "title", "review", "reply", "ai_similarity", "sources")
_TELLING = 12  # words, among which French has a small one
_WORD = 20  # characters a word may take, blanks included, before a text counts as too long


def outcomes(
    record: Experience | Unreadable,
    number: int,
    selection: Selection,
    directory: Directory,
    is_repeated: Callable[[str], bool],
) -> Iterator[UnmaskedPair | Quarantined]:
    """Yield a pair or a quarantined row for each answer of an experience; one row if it is none, or was sent nowhere.

    `number` is the record's, from 1. `is_repeated` tells whether an id was met before.
    """
    if isinstance(record, Unreadable):
        yield Quarantined(f"record-{number}", record.reason, record.detail)
    elif not (experience := record).id:
        yield Quarantined(f"record-{number}", "no_id", f"record {number} has no id_experience")
    elif not is_id(experience.id):  # a phone, a name: the columns are shifted, and it must not be written
        told = f"record {number}: its id_experience is not the platform's number"
        yield Quarantined(f"record-{number}", "bad_id", told)
    elif is_repeated(experience.id):
        yield Quarantined(experience.id, "duplicate_experience", f"record {number} repeats an id_experience")
    elif not experience.answers:
        yield Quarantined(experience.id, "no_structure", "sent to no structure")
    else:
        for answer in experience.answers:
            yield _outcome(experience, answer, selection, directory)


def _outcome(
    experience: Experience, answer: StructureAnswer, selection: Selection, directory: Directory
) -> UnmaskedPair | Quarantined:
    pair_id = f"{experience.id}-{answer.number}"

    def out(reason: str, detail: str) -> Quarantined:
        return Quarantined(pair_id, reason, detail, answer.network, answer.structure)

    if answer.illegible:
        return out("bad_structure", "text where the name of a network or a structure is meant")
    title, review = clean(experience.title), clean(experience.review)
    if _is_longer(title + review, selection.max_review_words):
        return out("review_too_long", f"at most {selection.max_review_words} words wanted")
    if _is_longer(answer.reply or "", selection.max_reply_words):
        return out("reply_too_long", f"at most {selection.max_reply_words} words wanted")
    reply, closing = clean_reply(answer.reply)
    if not reply:
        return out("no_reply", f"status: {_STATUSES.get(answer.status, 'unknown' if answer.status else 'none')}")
    if not selection.placeholders and answer.is_placeholder:
        return out("placeholder_reply", "the platform's placeholder, not a reply")
    if not selection.unpublished and answer.is_unpublished:
        return out("unpublished_reply", f"not published; status: {_STATUSES.get(answer.status, 'another')}")
    if not selection.unpublished and experience.is_rejected:
        return out("rejected_experience", "the platform's moderation rejected the review")
    if experience.written_on is None:
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
    # Rounded down: 49.5 is below 50, and is written so.
    similarity = None if answer.ai_similarity is None else math.floor(answer.ai_similarity)
    if similarity is not None and similarity >= selection.ai_similarity_below:
        return out(
            "written_by_ai", f"{similarity} % similar to an AI draft, less than {selection.ai_similarity_below} wanted"
        )
    unlisted = unlisted_contacts(reply, review, directory)
    if unlisted and selection.unlisted_contacts == "quarantine":
        return out("unlisted_contact", f"{unlisted} contacts that neither directory nor review holds")
    made = dict(zip(MADE, (pair_id, title, review, reply, similarity, None), strict=True))
    # What is written as it is was read by type, so that shifted columns cannot carry text past the masks.
    told = vars(experience) | vars(answer) | made
    values = {key: day.isoformat() if isinstance(day := told[key], dt.date) else day for key in FEATURES}
    return UnmaskedPair(values, experience.pseudonym, closing, unlisted)


_STATUSES = {
    fold(status): status
    for status in ("Réponse apportée", "En attente de réponse", "Réponse dépubliée", "Réponse adoptée")
}


def _is_longer(text: str, words: int) -> bool:
    """Say whether a text is far too long: told before it is cleaned and read, which takes time."""
    return len(text) > _WORD * words


# What every phone, e-mail and web address holds, told fast.
_MAY_BE_CONTACT = re.compile(r"\d\d|@|\w\.\w|://|\b(?:at|arobase|appele[rz]|compose[rz])\b", re.IGNORECASE)


def unlisted_contacts(reply: str, review: str, directory: Directory) -> int:
    """Count the phones, e-mails and web addresses of a reply that no directory lists, though the review gives them.

    A mailbox of a function on an official domain ("contact@….gouv.fr") counts as listed: no directory names them all.
    """
    if not _MAY_BE_CONTACT.search(reply):
        return 0
    found = invented(Case.of(reply, review, "", directory, None))
    return sum(not (d.kind == "email" and is_public_email(d.value, directory)) for d in found)
