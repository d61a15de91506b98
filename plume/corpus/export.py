"""Reading the platform's export: flat rows, one an experience, with up to three structures each.

Field names are the slugs of the open-data API (`id_experience`, `reponse_structure_1` …). Every value is a string or
None; what is empty is None. The CSV's French labels become the same slugs. `formats` knows the shapes of file.
"""

import datetime as dt
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plume.corpus.formats import read_records
from plume.errors import InputError

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
# Spellings of other years and of hand-made extracts -> today's slug.
ALIASES = {
    **dict.fromkeys(("identifiant_experience", "id_de_l_experience", "identifiant_de_l_experience"), "id_experience"),
    **dict.fromkeys(("ecrite_le", "date_d_ecriture", "date_de_l_experience", "redige_le"), "ecrit_le"),
    **dict.fromkeys(("publie_le", "publiee_le", "date_publication"), "date_de_publication"),
    **dict.fromkeys(
        ("date_premiere_reponse", "date_de_la_premiere_reponse", "date_de_1ere_reponse"), "date_de_premiere_reponse"
    ),
    **dict.fromkeys(("titre_de_l_experience", "titre_experience"), "titre"),
    **dict.fromkeys(("description_de_l_experience", "description_experience"), "description"),
    **dict.fromkeys(("pseudonyme", "pseudonyme_de_l_usager", "pseudo_usager"), "pseudonyme_usager"),
    **dict.fromkeys(("ressenti", "ressenti_de_l_usager"), "ressenti_usager"),
    **dict.fromkeys(("etat_de_l_experience", "etat"), "etat_experience"),
    **dict.fromkeys(("statut_experience", "statut"), "statut_de_l_experience"),
    **dict.fromkeys(("departement_usager", "departement"), "intitule_departement_usager"),
    **dict.fromkeys(("code_departement_usager", "code_departement"), "code_insee_departement_usager"),
    **{
        f"{old}_{n}": f"{new}_{n}"
        for n in STRUCTURES
        for old, new in (
            ("typologie", "intitule_typologie"),
            ("structure", "intitule_structure"),
            ("reponse", "reponse_structure"),
            ("reponse_de_la_structure", "reponse_structure"),
            ("statut_reponse", "statut_reponse_structure"),
            ("statut_de_la_reponse_structure", "statut_reponse_structure"),
            ("canaux", "canaux_typologie"),
            ("taux_de_similarite_ia_structure", "taux_de_similarite_reponse_ia_structure"),
        )
    },
}

# The fields of structure N, without their suffix's place: some carry N in the middle of their name.
STRUCTURE_FIELDS = {
    "network": "intitule_typologie_{n}",
    "structure": "intitule_structure_{n}",
    "channels": "canaux_typologie_{n}",
    "status": "statut_reponse_structure_{n}",
    "reply": "reponse_structure_{n}",
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
    """The columns met in an export: which hold an experience's fields, and which are none that plume knows."""

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()  # slug -> records in which it holds something
        self._slugs: dict[str, str] = {}

    def row(self, fields: dict[str, object]) -> tuple[Row, bool]:
        """The fields under their slugs, and whether a byte of them could not be read."""
        row: Row = {}
        damaged = False
        for name, value in fields.items():
            slug = self._slugs.get(name)
            if slug is None:
                slug = self._slugs[name] = slug_of(name)
            text, bad = _text(value)
            damaged |= bad
            if slug not in KNOWN and text is not None:
                self.unknown[slug] += 1
            if row.get(slug) is None:  # two spellings of one column: the first that holds something
                row[slug] = text
        return row, damaged


def read_rows(path: str | Path, columns: Columns | None = None) -> Iterator[Row | Unreadable]:
    """Every record of an export, in file order, those that are no experience included.

    Raises InputError if the file is missing, unreadable, empty or truncated, or if no record has the required fields.
    """
    columns = columns or Columns()
    count = 0
    missing: list[str] | None = None  # in every record so far
    for record in read_records(path):
        count += 1
        if record.fields is None:
            yield Unreadable(record.line, "not_a_record", record.problem or "")
            continue
        row, damaged = columns.row(record.fields)
        lacking = [name for name in REQUIRED if name not in row]
        if lacking:
            missing = lacking if missing is None else [name for name in missing if name in lacking]
            yield Unreadable(record.line, "missing_field", f"line {record.line} has no field {', '.join(lacking)}")
        elif damaged:
            missing = []
            yield Unreadable(record.line, "undecodable", f"line {record.line} holds bytes that are not UTF-8")
        else:
            missing = []
            yield row
    if not count:
        raise InputError(f"{path}: holds no experience; download the export again")
    if missing is None:
        raise InputError(f"{path}: none of its {count} records is an object of fields; give the platform's export")
    if missing:
        raise InputError(
            f"{path}: no record has the field {', '.join(missing)}; give the export of experiences, unmodified"
        )


def read_experiences(path: str | Path) -> Iterator[Row]:
    """The experiences of an export, without the records that are none (see `read_rows`)."""
    return (row for row in read_rows(path) if not isinstance(row, Unreadable))


def slug_of(label: str) -> str:
    """The API's name of a column: lower case, without accents, other characters `_`; older spellings as today's."""
    letters = unicodedata.normalize("NFKD", label.strip().lower().replace("œ", "oe"))
    slug = re.sub(r"[^a-z0-9]+", "_", "".join(c for c in letters if not unicodedata.combining(c))).strip("_")
    return ALIASES.get(slug, slug)


def _text(value: object) -> tuple[str | None, bool]:
    """A value as text, None if it is empty; and whether a byte of it was not UTF-8 (see `formats`)."""
    if value is None:
        return None, False
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return (text if text.strip() else None), False
    damaged = any("\udc80" <= c <= "\udcff" for c in text)
    # Half an emoji (a lone surrogate) cannot be written to a file.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return (text if text.strip() else None), damaged


def structures(row: Row) -> list[dict[str, str | None]]:
    """The structures that an experience was sent to: `number` (1 to 3) and STRUCTURE_FIELDS, absent ones left out."""
    found = []
    for n in STRUCTURES:
        fields = {name: row.get(slug.format(n=n)) for name, slug in STRUCTURE_FIELDS.items()}
        if any(fields[name] for name in ("network", "structure", "status", "reply")):
            found.append({"number": str(n), **fields})
    return found


_DATES = (
    (re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ].*)?$"), (1, 2, 3)),
    (re.compile(r"(\d\d)/(\d\d)/(\d{4})(?:[T ].*)?$"), (3, 2, 1)),
)


def parse_date(text: str | None) -> dt.date | None:
    """A date as the platform has written it over the years: `YYYY-MM-DD`, ISO with a time, `DD/MM/YYYY`; else None."""
    if not text:
        return None
    text = text.strip()
    for pattern, order in _DATES:
        if match := pattern.match(text):
            try:
                return dt.date(*(int(match[i]) for i in order))
            except ValueError:
                return None
    return None
