"""Names of networks and structures, and ids: what is written of an export without the masking of a pair's texts.

Shifted columns, or a hand that typed in the wrong field, put a phone or a person there: here it is masked, or refused.
"""

import re
from functools import lru_cache

from plume.export.cleaning import clean
from plume.french.phrases import BODY, NETWORK, ROLE
from plume.french.text import fold
from plume.french.vocabulary import any_of, column
from plume.french.words import Word
from plume.marks import mark
from plume.pseudonymise import find_identifiers
from plume.pseudonymise.catalogue import CATALOGUE, PERSON_TYPE
from plume.pseudonymise.spans import Span

# The platform counts, at seven digits in 2024. Nine that begin with 6 or 7 may be a mobile that lost its zero; an
# extract may number its rows after a word.
_ID = re.compile(r"\d{1,8}|[1-589]\d{8}|(?P<word>[a-z]{1,12})[-_.:]?\d{1,8}", re.IGNORECASE)
_LONGEST = 150  # characters: what is longer is no name of a network or a structure
_DIRECT = frozenset(row["type"] for row in CATALOGUE if row["family"] == "direct") - {"URL"}

_CIVILITIES = {fold(form).strip(".") for form in column("civilities", "form")}
# Bodies bear the names of the famous dead ("CCAS Louis Aragon"): a person is who is called as one, or stands alone.
_CALLED = re.compile(
    rf"\b(?P<how>{any_of(_CIVILITIES)}|{ROLE}|signature|dossier(?: d[eu])?|affaire|allocataire|assuree?|usager|usagere"
    rf"|(?:{NETWORK}|sip) de)\.?\s*[:,]?\s+$"
)
_SET_APART = re.compile(r"(?:\s[-–—/|]|[,;:(/|])\s*$")
_TOWN = re.compile(r"^\s*(?:mairie|commune|ville)\b[^,;:]*$|\bsainte?[\s-]*$", re.IGNORECASE)
_BODY = re.compile(
    rf"\b(?:{BODY}|commune|ville|france|maison|sip|lycee|college|ecole|hopital|chu?|mediatheque|espace|place|rue"
    r"|saint|sainte|brigade)\b"
)


def is_id(text: str) -> bool:
    """Say whether a text is an experience's id, as the platform or an extract ("ligne-12") gives it, and no name."""
    match = _ID.fullmatch(text)
    if not match or not match["word"]:
        return bool(match)
    word = Word.of(match["word"])
    return word.everyday or not word.listed


def body_name(text: str | None) -> str | None:
    """Mask what identifies a person in the name of a network or a structure; None for what is no name at all."""
    return _body_name(text) if text and len(text) <= 10 * _LONGEST else None


@lru_cache(maxsize=1 << 15)  # the platform counts some ten thousand bodies
def _body_name(text: str) -> str | None:
    name = clean(text)
    if not name or len(name) > _LONGEST or "\n" in name:
        return None
    masked, end = [], 0
    for span in _identifying(name):
        masked += [name[end : span.start], mark("TIERS" if span.type == PERSON_TYPE else span.type)]
        end = span.end
    whole = "".join([*masked, name[end:]])
    return whole if len(whole) <= _LONGEST else None


def names_a_person(name: str) -> bool:
    """Say whether a body of unknown kind is somebody: "Étude Jean Dupont", but not "Centre social Louis Aragon"."""
    if body_name(name) != clean(name):
        return True
    return not _BODY.search(fold(name)) and any(
        span.type == "PERSONNE" for span in find_people_and_contacts(clean(name))
    )


def _identifying(name: str) -> list[Span]:
    found = find_people_and_contacts(name)
    people = [span for span in found if span.type == "PERSONNE"]
    if not people:
        return found
    rest = name
    for span in reversed(people):
        rest = f"{rest[: span.start]} {rest[span.end :]}"
    if len(re.findall(r"\w+", rest)) <= 1 and not _BODY.search(fold(rest)):  # "Jean Dupont", "DUPONT Jean"
        return [Span(0, len(name), "PERSONNE", "name")]
    return [
        span for span in found if span.type != "PERSONNE" or _is_called(name[: span.start], name[span.start : span.end])
    ]


def _is_called(before: str, person: str) -> bool:
    if called := _CALLED.search(fold(before)):
        if called["how"].endswith(" de") and "dossier" not in called["how"]:  # "CAF de Saint Martin"
            return " " in person and not fold(person).startswith(("saint", "st "))
        return before[slice(*called.span("how"))] != "DR"  # a "direction régionale"
    return bool(_SET_APART.search(before)) and not _TOWN.search(before)


def find_people_and_contacts(text: str) -> list[Span]:
    """Find what singles a person out by itself, without a recogniser; web addresses are left."""
    return [span for span in find_identifiers(text) if span.type == "PERSONNE" or span.type in _DIRECT]
