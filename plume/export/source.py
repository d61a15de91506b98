"""Reading the platform's export: flat rows, one an experience, with up to three structures each.

Field names are the slugs of the open-data API (`id_experience`, `reponse_structure_1` …). Every value is a string or
None; what is empty (`values`) is None. The CSV's French labels become the same slugs. `formats` knows the shapes.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plume.corpus.clean import repair
from plume.errors import InputError
from plume.export.formats import Progress, read_records
from plume.export.values import is_empty, misread, whole
from plume.french.text import fold

Row = dict[str, str | None]

STRUCTURES = (1, 2, 3)
REQUIRED = ("id_experience", "description", "ecrit_le")
_ONCE = """
    id_experience titre pays description ecrit_le date_de_publication date_de_premiere_reponse etat_experience
    statut_de_l_experience motif_de_rejet poste_comme pseudonyme_usager ressenti_usager accessibilite
    information_explication reactivite relation simplicite_complexite intitule_departement_usager
    code_insee_departement_usager intitule_region_usager code_insee_region_usager demarches_saisies_par_usager
    tags_metiers experiences_similaires hors_structure amelioration_de_service_a_considerer action date_action_engagee
    date_action_realisee audio cle_de_tracking
"""
_PER_STRUCTURE = """
    canaux_typologie_{n} id_typologie_{n} intitule_typologie_{n} code_postal_typologie_{n} pays_typologie_{n}
    id_structure_{n} intitule_structure_{n} statut_reponse_structure_{n} reponse_structure_{n}
    evaluation_reponse_structure_{n}_par_auteur evaluation_utile_reponse_structure_{n}_par_visiteurs
    evaluation_inutile_reponse_structure_{n}_par_visiteurs aide_ia_proposee_reponse_structure_{n} top_ia_structure_{n}
    taux_de_similarite_reponse_ia_structure_{n} vote_de_l_agent_reponse_ia_structure_{n}
"""
KNOWN = frozenset([*_ONCE.split(), *(s.format(n=n) for n in STRUCTURES for s in _PER_STRUCTURE.split())])
_SMALL_WORDS = frozenset(["a", "au", "d", "de", "des", "du", "l", "la", "le", "les", "n", "no", "numero", "par"])
_OTHER_WORDS = {"1ere": "premiere", "identifiant": "id", "pseudo": "pseudonyme", "ecrite": "ecrit"}


def _key(slug: str) -> str:
    """What two spellings of a column share: its words, without small ones and plurals."""
    words = (_OTHER_WORDS.get(word, word) for word in slug.split("_") if word and word not in _SMALL_WORDS)
    return "_".join(word.rstrip("s") or word for word in words)


# Spellings of other years and of hand-made extracts -> today's slug; those that `_key` does not bring together.
_ALIASES = {
    **dict.fromkeys(("date_d_ecriture", "date_de_l_experience", "redige_le", "date_de_redaction"), "ecrit_le"),
    **dict.fromkeys(("experience_id",), "id_experience"),
    **dict.fromkeys(("ecrit_le_date",), "ecrit_le"),
    **dict.fromkeys(("publie_le", "publiee_le"), "date_de_publication"),
    **dict.fromkeys(("premiere_reponse_le", "date_de_reponse"), "date_de_premiere_reponse"),
    **dict.fromkeys(("titre_de_l_experience", "titre_experience"), "titre"),
    **dict.fromkeys(("description_de_l_experience", "description_experience"), "description"),
    **dict.fromkeys(("pseudonyme",), "pseudonyme_usager"),
    **dict.fromkeys(("ressenti",), "ressenti_usager"),
    **dict.fromkeys(("etat",), "etat_experience"),
    **dict.fromkeys(("statut",), "statut_de_l_experience"),
    **dict.fromkeys(("departement_usager", "departement"), "intitule_departement_usager"),
    **dict.fromkeys(("code_departement_usager", "code_departement"), "code_insee_departement_usager"),
    **{
        f"{old}_{n}": f"{new}_{n}"
        for n in STRUCTURES
        for old, new in (
            ("typologie", "intitule_typologie"),
            ("structure", "intitule_structure"),
            ("reponse", "reponse_structure"),
            ("statut_reponse", "statut_reponse_structure"),
            ("canaux", "canaux_typologie"),
            ("taux_de_similarite_ia_structure", "taux_de_similarite_reponse_ia_structure"),
        )
    },
}
_BY_KEY = {_key(slug): slug for slug in KNOWN} | {_key(old): new for old, new in _ALIASES.items()}

# As written only: "expérience", which is all that `_key` leaves of them, heads a column of texts.
_EXACT = dict.fromkeys(
    ("n_experience", "n_de_l_experience", "numero_experience", "numero_de_l_experience"), "id_experience"
)
_BY_LETTERS = {slug.replace("_", ""): slug for slug in KNOWN}  # "reponseStructure1"

# The fields of structure N, without their suffix's place: some carry N in the middle of their name.
STRUCTURE_FIELDS = {
    "network": "intitule_typologie_{n}",
    "structure": "intitule_structure_{n}",
    "channels": "canaux_typologie_{n}",
    "status": "statut_reponse_structure_{n}",
    "reply": "reponse_structure_{n}",
    "ai_enabled": "top_ia_structure_{n}",
    "ai_offered": "aide_ia_proposee_reponse_structure_{n}",
    "ai_similarity": "taux_de_similarite_reponse_ia_structure_{n}",
    "agent_vote": "vote_de_l_agent_reponse_ia_structure_{n}",
    "author_vote": "evaluation_reponse_structure_{n}_par_auteur",
}


@dataclass(frozen=True)
class Unreadable:
    """A record that is no experience: where it stands, and why."""

    line: int
    reason: str
    detail: str


class Columns:
    """The columns met in an export: which hold an experience's fields, and which are none that plume knows.

    Of those only name and number are kept: what they hold may be about a person, and so may an odd name.
    """

    _MOST = 100  # names: a damaged file may hold thousands

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()  # slug -> records in which it holds something
        self.misread: Counter[str] = Counter()  # slug -> records in which it holds what is not understood
        self._slugs: dict[str, str] = {}

    def row(self, fields: dict[str, object]) -> Row:
        """The fields under their slugs. Of two spellings of one column, the first that holds something."""
        row: Row = {}
        for name, value in fields.items():
            slug = self._slugs.get(name) or self._learn(name)
            text = None if value is None else _text(value, slug)  # most fields of most records hold nothing
            if slug not in KNOWN:
                if text is not None:
                    self._count(name, slug)
            elif row.get(slug) is None:
                row[slug] = text
        if number := row.get("id_experience"):
            row["id_experience"] = whole(number)
        self.misread.update(misread(row))
        return row

    def _learn(self, name: str) -> str:
        slug = slug_of(name)
        if len(self._slugs) < 10 * self._MOST:
            self._slugs[name] = slug
        return slug

    def _count(self, label: str, slug: str) -> None:
        if slug not in self.unknown:
            from plume.export.columns import column_name

            slug = column_name(label, slug) if len(self.unknown) < self._MOST else "(others)"
        self.unknown[slug] += 1


def read_rows(
    path: str | Path, columns: Columns | None = None, progress: Progress | None = None
) -> Iterator[Row | Unreadable]:
    """Every record of an export, in file order, those that are no experience included.

    Raises InputError if the file is missing, unreadable, empty or truncated, or if no record has the required fields.
    """
    columns = columns or Columns()
    count = 0
    missing: list[str] | None = None  # in every record so far
    met: set[str] = set()  # columns, while none of the records is an experience
    for record in read_records(path, progress):
        count += 1
        if record.fields is None:
            yield Unreadable(record.line, "unreadable_record", record.problem or "")
            continue
        row = columns.row(record.fields)
        lacking = [name for name in REQUIRED if name not in row]
        missing = lacking if missing is None else [name for name in missing if name in lacking]
        if missing:
            met.update(KNOWN.intersection(row))
        if lacking:
            yield Unreadable(record.line, "missing_field", f"line {record.line} has no field {', '.join(lacking)}")
        else:
            yield row
    if not count:
        raise InputError(f"{path}: holds no experience; download the export again")
    if missing is None:
        raise InputError(f"{path}: none of its {count} records is an object of fields; give the platform's export")
    if missing:
        known = ", ".join(sorted(met)[:6]) or "none"
        raise InputError(
            f"{path}: no record has the field {', '.join(missing)} ({count} records seen; of an experience's columns "
            f"they have {known}); give the export of experiences, unmodified"
        )


def read_experiences(path: str | Path) -> Iterator[Row]:
    """The experiences of an export, without the records that are none (`read_rows` tells those)."""
    return (row for row in read_rows(path) if not isinstance(row, Unreadable))


def slug_of(label: str) -> str:
    """The API's name of a column: lower case, without accents, other characters `_`; older spellings as today's."""
    letters = unicodedata.normalize("NFKD", repair(label).strip().lower().replace("œ", "oe"))
    slug = re.sub(r"[^a-z0-9]+", "_", "".join(c for c in letters if not unicodedata.combining(c))).strip("_")
    if slug in KNOWN:
        return slug
    # A catalogue once made "id_expa_c_rience" of "ID expÃ©rience", and "a_crit_le" of "Ã‰crit le".
    mended = re.sub("a_c", "e", re.sub(r"^a_(?=crit|tat|valuation)", "e", slug))
    by_letters = _BY_LETTERS.get(slug.replace("_", "")) or _BY_LETTERS.get(mended.replace("_", ""))
    found = _EXACT.get(slug) or _BY_KEY.get(_key(slug)) or by_letters or _unlettered(label)
    if not found and (plain := re.sub(r"\([^()]*\)\s*$", "", label)) != label:  # "Titre (facultatif)"
        return slug_of(plain) if slug_of(plain) in KNOWN else slug
    return found or slug


def _unlettered(label: str) -> str | None:
    """The column of a label whose accents were lost to "?" or "\ufffd", if it can be one only."""
    if not re.search("[?\ufffd]", label):
        return None
    letters = re.sub(r"[^a-z0-9?\ufffd]", "", fold(label))
    pattern = re.compile(re.sub("[?\ufffd]+", "[a-z]{1,2}", letters))
    found = [slug for spelling, slug in _BY_LETTERS.items() if pattern.fullmatch(spelling)]
    return found[0] if len(found) == 1 else None


def _text(value: object, column: str) -> str | None:
    """A field as text, its accents composed: a decomposed "é" looks the same and is another text everywhere."""
    text = unicodedata.normalize("NFC", value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if is_empty(text, column):
        return None
    try:
        text.encode()
    except UnicodeEncodeError:  # half an emoji (a lone surrogate) cannot be written to a file
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def structures(row: Row) -> list[dict[str, str | None]]:
    """The structures that an experience was sent to: `number` (1 to 3) and STRUCTURE_FIELDS, absent ones left out."""
    found = []
    for n in STRUCTURES:
        fields = {name: row.get(slug.format(n=n)) for name, slug in STRUCTURE_FIELDS.items()}
        if any(fields[name] for name in ("network", "structure", "status", "reply")):
            found.append({"number": str(n), **fields})
    return found
