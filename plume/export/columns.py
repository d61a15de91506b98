"""The columns of an export: their names over the years, and which of a file's columns plume does not know.

Names are the slugs of the open-data API (`id_experience`, `reponse_structure_1` …). `columns.tsv` lists them with
other spellings; the CSV's French labels become the same slugs.
"""

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from plume.export.body_names import find_people_and_contacts
from plume.export.cleaning import clean, repair
from plume.export.values import is_empty, whole
from plume.french.text import fold
from plume.french.vocabulary import folded, rows
from plume.french.words import EVERYDAY

STRUCTURES = (1, 2, 3)  # that an experience may name, each with its reply
REQUIRED = ("id_experience", "description", "ecrit_le")
NO_LABEL = "(not a column's name)"
_HERE = Path(__file__).parent
ExportRow = dict[str, str | None]  # the cells of one row by column; what is empty is None
_SMALL_WORDS = frozenset(["a", "au", "d", "de", "des", "du", "l", "la", "le", "les", "n", "no", "numero", "par"])
_OTHER_WORDS = {"1ere": "premiere", "identifiant": "id", "pseudo": "pseudonyme", "ecrite": "ecrit"}


class Cell(NamedTuple):
    """What is read from a column: the structure that it is of (0: the experience), its name and how it is read."""

    structure: int
    name: str
    kind: str


def _table() -> tuple[dict[str, str], dict[str, str], dict[str, Cell]]:
    """Map other spelling -> column, those whose words tell and those that count as written; column -> what is read."""
    by_words, as_written, cells = {}, {}, {}
    for row in rows("columns", _HERE):
        for n in STRUCTURES if "{n}" in row["column"] else (0,):
            column = row["column"].format(n=n)
            by_words |= dict.fromkeys([column, *row["other spellings"].format(n=n).split()], column)
            as_written |= dict.fromkeys(row["as written"].split(), column)
            if row["name"]:
                cells[column] = Cell(n, row["name"], row["read as"])
    return by_words, as_written, cells


def _key(slug: str) -> str:
    """Give what two spellings of a column share: its words, without small ones and plurals."""
    words = (_OTHER_WORDS.get(word, word) for word in slug.split("_") if word and word not in _SMALL_WORDS)
    return "_".join(word.rstrip("s") or word for word in words)


def _slug(label: str) -> str:
    letters = unicodedata.normalize("NFKD", repair(label).strip().lower().replace("œ", "oe"))
    return re.sub(r"[^a-z0-9]+", "_", "".join(c for c in letters if not unicodedata.combining(c))).strip("_")


def words_of(label: str) -> str:
    """Give what two spellings of any table's column share: `Réponses proposées` and `reponse_proposee` are alike."""
    return _key(_slug(label))


SPELLINGS, _AS_WRITTEN, CELLS = _table()
KNOWN = frozenset(SPELLINGS.values())
_BY_KEY = {_key(spelling): column for spelling, column in SPELLINGS.items()}
_BY_LETTERS = {slug.replace("_", ""): slug for slug in KNOWN}  # "reponseStructure1"


def slug_of(label: str) -> str:
    """Name a column as the API does: lower case, no accents, `_` for other characters; older spellings as today's."""
    slug = _slug(label)
    if slug in KNOWN:
        return slug
    # A catalogue once made "id_expa_c_rience" of "ID expÃ©rience", and "a_crit_le" of "Ã‰crit le".
    mended = re.sub("a_c", "e", re.sub(r"^a_(?=crit|tat|valuation)", "e", slug))
    by_letters = _BY_LETTERS.get(slug.replace("_", "")) or _BY_LETTERS.get(mended.replace("_", ""))
    found = _AS_WRITTEN.get(slug) or _BY_KEY.get(_key(slug)) or by_letters or _unlettered(label)
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


class Columns:
    """What was met in the columns of an export, counted: unknown ones, and values that were not understood.

    Of unknown columns only name and number are kept: what they hold may be about a person, and so may an odd name.
    """

    _MOST = 100  # names, and spellings of a header: a damaged file may hold thousands

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()  # name -> records in which it holds something
        self.misread: Counter[str] = Counter()  # column -> records in which it holds what is not understood
        self._slugs: dict[str, str] = {}
        self._plans: dict[tuple[str, ...], tuple[list[tuple[str, str]], list[tuple[str, str]]]] = {}

    def row(self, fields: dict[str, object]) -> ExportRow:
        """Give the cells that an experience is read from. Of two spellings of a column, the first that says something.

        A cell is text or None; what is absent from the file is absent here.
        """
        read, unknown = self._plan(tuple(fields))
        row: ExportRow = {}
        for label, slug in read:
            if row.get(slug) is None:
                value = fields[label]
                row[slug] = None if value is None else _text(value, slug)
        for label, slug in unknown:
            if fields[label] is not None and _text(fields[label], slug) is not None:
                self._count(label, slug)
        if number := row.get("id_experience"):
            row["id_experience"] = whole(number)
        return row

    def known(self, fields: dict[str, object]) -> set[str]:
        """Give the columns of a record that plume knows, whether it reads them or not."""
        return {slug for label in fields if (slug := self._slug(label)) in KNOWN}

    def _plan(self, labels: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """List (label, column) of what is read and of what is unknown, worked out once for all records of one shape."""
        if plan := self._plans.get(labels):
            return plan
        named = [(label, self._slug(label)) for label in labels]
        plan = [pair for pair in named if pair[1] in CELLS], [pair for pair in named if pair[1] not in KNOWN]
        if len(self._plans) < self._MOST:
            self._plans[labels] = plan
        return plan

    def _slug(self, label: str) -> str:
        if (slug := self._slugs.get(label)) is None:
            slug = slug_of(label)
            if len(self._slugs) < 10 * self._MOST:
                self._slugs[label] = slug
        return slug

    def _count(self, label: str, slug: str) -> None:
        if slug not in self.unknown:
            slug = shown_label(label, slug) if len(self.unknown) < self._MOST else "(others)"
        self.unknown[slug] += 1


def _text(value: object, column: str) -> str | None:
    """Write a cell as text, its accents composed: a decomposed "é" looks the same and is another text everywhere."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if is_empty(text, column):
        return None
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    try:
        text.encode()
    except UnicodeEncodeError:  # half an emoji (a lone surrogate) cannot be written to a file
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


_COLUMN_WORDS = folded("column_words", _HERE)
_NUMBERED = re.compile(r"\d{1,2}[a-z]?")


def shown_label(label: str, slug: str) -> str:
    """Give an unknown column's slug, if it is made of everyday words alone and its label names nobody; else NO_LABEL.

    A name may stand on no list, so a word that is not known to be a column's is not shown.
    """
    plain = clean(label)
    odd = len(slug) > 60 or len(slug.split("_")) > 8 or "@" in plain or re.search(r"\d{3}", plain)
    odd = odd or not all(_may_be_of_a_column(part) for part in slug.split("_"))
    found = find_people_and_contacts
    named = found(plain) or [span for span in found(plain.title()) if span.source != "trigger"]  # "Nom Réel"
    return NO_LABEL if odd or not slug or named else slug


def _may_be_of_a_column(part: str) -> bool:
    short = len(part) < 3 and not part.isdigit()
    return short or part in _COLUMN_WORDS or part in EVERYDAY or bool(_NUMBERED.fullmatch(part))
