"""What is written of an export's columns without the pair's masking: ids, names of bodies, names of unknown columns.

Shifted columns, or a hand that typed in the wrong field, put a phone or a person there: here it is masked, or refused.
"""

import re
from functools import lru_cache

from plume.corpus.clean import clean
from plume.corpus.policy import MASKED
from plume.french.text import fold
from plume.french.words import EVERYDAY
from plume.pseudonymise.spans import Span

# The platform counts, at seven digits in 2024. Nine that begin with 6 or 7 may be a mobile that lost its zero; an
# extract may number its rows after a word.
_ID = re.compile(r"\d{1,8}|[1-589]\d{8}|(?P<word>[a-z]{1,12})[-_.:]?\d{1,8}", re.IGNORECASE)
_LONGEST = 150  # characters: what is longer is no name of a network or a structure
_DIRECT = frozenset(kind for kind, masked in MASKED.items() if masked.family == "direct") - {"URL"}
NO_LABEL = "(not a column's name)"

# Bodies bear the names of the famous dead ("CCAS Louis Aragon"): a person is who is called as one, or stands alone.
_CALLED = re.compile(
    r"\b(?P<how>m|mm|mr|mme|mmes|mlle|madame|monsieur|mademoiselle|me|ma[iî]tre|dr|docteur|conseill[eè]re?|agente?|"
    r"directeur|directrice|r[ée]f[ée]rente?|m[ée]diateur|m[ée]diatrice|gestionnaire|responsable|secr[ée]taire|notaire|"
    r"avocate?|contact|signature|dossier(?: d[eu])?|affaire|allocataire|assur[ée]e?|usager|usag[eè]re|"
    r"(?:caf|cpam|msa|carsat|urssaf|sip|pr[ée]fecture|tribunal) de)\.?\s*[:,]?\s+$",
    re.IGNORECASE,
)
_SET_APART = re.compile(r"(?:\s[-–—/|]|[,;:(/|])\s*$")
_TOWN = re.compile(r"^\s*(?:mairie|commune|ville)\b[^,;:]*$|\bsainte?[\s-]*$", re.IGNORECASE)
_BODY = re.compile(
    r"\b(?:mairie|commune|ville|ccas|caf|cpam|msa|carsat|urssaf|france|services?|maison|centre|agence|sip|tribunal|"
    r"lycee|college|ecole|hopital|chu?|mediatheque|espace|place|rue|saint|sainte|caisse|prefecture|brigade)\b"
)


def is_id(text: str) -> bool:
    """Whether a text is an experience's id as the platform gives it, or an extract of its own ("ligne-12"); no name."""
    from plume.pseudonymise.insee import known_names
    from plume.pseudonymise.keep import is_plain_word

    match = _ID.fullmatch(text)
    word = fold(match["word"] or "") if match else ""
    return bool(match) and (word not in known_names() or is_plain_word(word))


def body_name(text: str | None) -> str | None:
    """The name of a network or a structure, what identifies a person in it masked; None for what is no name at all."""
    name = clean(text)
    masked = _masked(name) if name and len(name) <= _LONGEST and "\n" not in name else None
    return masked if masked and len(masked) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _masked(name: str) -> str:
    masked, end = [], 0
    for span in _identifying(name):
        masked += [name[end : span.start], "[TIERS]" if span.type == "PERSONNE" else f"[{span.type}]"]
        end = span.end
    return "".join([*masked, name[end:]])


def names_a_person(name: str) -> bool:
    """Whether a body of unknown kind is somebody: "Étude Jean Dupont", but not "Centre social Louis Aragon"."""
    if body_name(name) != clean(name):
        return True
    return not _BODY.search(fold(name)) and any(span.type == "PERSONNE" for span in _found(clean(name)))


# What names of columns are made of, besides everyday words.
_OF_COLUMNS = frozenset(
    [
        "canal",
        "canaux",
        "champ",
        "code",
        "colonne",
        "column",
        "commentaire",
        "commentaires",
        "commune",
        "created",
        "creation",
        "csv",
        "date",
        "datetime",
        "departement",
        "etat",
        "externe",
        "geo",
        "ia",
        "id",
        "ids",
        "index",
        "insee",
        "interne",
        "intitule",
        "iso",
        "json",
        "lat",
        "latitude",
        "libelle",
        "libre",
        "lon",
        "longitude",
        "modification",
        "nb",
        "nom",
        "num",
        "point",
        "postal",
        "prenom",
        "reel",
        "reelle",
        "ref",
        "refs",
        "region",
        "shape",
        "siren",
        "siret",
        "source",
        "statut",
        "structure",
        "tag",
        "tags",
        "taux",
        "technique",
        "timestamp",
        "top",
        "type",
        "types",
        "typologie",
        "unnamed",
        "updated",
        "uri",
        "url",
        "usager",
        "uuid",
        "version",
        "vote",
        "xml",
    ]
)


def _may_be_of_a_column(part: str) -> bool:
    return (
        part in _OF_COLUMNS
        or (len(part) < 3 and not part.isdigit())
        or part in EVERYDAY
        or bool(_NUMBERED.fullmatch(part))
    )


_NUMBERED = re.compile(r"\d{1,2}[a-z]?")


def column_name(label: str, slug: str) -> str:
    """An unknown column's slug, if it is made of everyday words alone and its label names nobody; else NO_LABEL.

    A name may stand on no list, so a word that is not known to be a column's is not shown.
    """
    plain = clean(label)
    odd = len(slug) > 60 or len(slug.split("_")) > 8 or "@" in plain or re.search(r"\d{3}", plain)
    odd = odd or not all(_may_be_of_a_column(part) for part in slug.split("_"))
    named = _found(plain) or [span for span in _found(plain.title()) if span.source != "trigger"]  # "Nom Réel"
    return NO_LABEL if odd or not slug or named else slug


def _identifying(name: str) -> list[Span]:
    found = _found(name)
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
    if called := _CALLED.search(before):
        if called["how"].lower().endswith(" de") and "dossier" not in called["how"].lower():  # "CAF de Saint Martin"
            return " " in person and not fold(person).startswith(("saint", "st "))
        return called["how"] != "DR"  # a "direction régionale"
    return bool(_SET_APART.search(before)) and not _TOWN.search(before)


def _found(text: str) -> list[Span]:
    from plume.pseudonymise import find_identifiers

    return [span for span in find_identifiers(text) if span.type == "PERSONNE" or span.type in _DIRECT]
