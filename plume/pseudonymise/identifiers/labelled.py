"""Lines and cells of a form: what a label, or the head of a column, says that a value is.

"Pathologie : surdité", "Domicile : ferme des Trois-Puits", and under the head "nom ; âge ; ville" each line's cells.
"""

import re
from collections.abc import Iterator

from plume.french.phrases import SERVICE
from plume.french.rules import Place, Text, table
from plume.french.vocabulary import word_set
from plume.french.words import EVERYDAY
from plume.pseudonymise.identifiers.rule import Identifier
from plume.pseudonymise.spans import Span

# Up to the end of its line, of its cell, or to the next label.
_VALUE = r"((?:(?!, [\w'’ ]{1,24} ?:)(?! [A-ZÀ-Þ][\w'’ ]{1,24} ?: )(?!\. [A-ZÀ-Þ])[^\n|;•\t]){2,70}+)"
_NOTHING = word_set("neant aucun aucune non oui inconnu inconnue idem nc sans rien vide refuse manquant voir cf")
_SERVICE = re.compile(rf"\b(?:{SERVICE}|mail|http|www|internet)\b|@")


def _is_empty(match: re.Match[str], text: Text) -> bool:
    """Say whether nothing is told behind a label, or a service is."""
    value = text.folded[slice(*match.span(1))]
    first = re.match(r"[a-z]+", value)
    return bool(first and first[0] in _NOTHING) or _SERVICE.search(value) is not None


def _trimmed(match: re.Match[str], _: Text) -> Place:
    return match.start(1), match.start(1) + len(match[1].rstrip(" .,:"))


def _label(name: str, kind: str, label: str, hint: tuple[str, ...], *examples: str) -> Identifier:
    return Identifier(
        f"labelled.{name}",
        rf"(?:(?<![^\n])|(?<=[;|•\t\n/] )|(?<=[;|•\t/])|(?<=[.,] ))(?i:{label})(?: ?\([\w ]{{1,20}}\))? ?: ?{_VALUE}",
        kind=kind,
        hint=hint,
        reads="written",
        shape=_trimmed,
        unless=_is_empty,
        examples=examples,
    )


LABELLED = table(
    _label(
        "health",
        "SANTE",
        r"pathologies?(?: d[ée]clar[ée]es?)?|maladies?|diagnostic|allergies?|affections?|handicaps?|nature du handicap"
        r"|[ée]tat de sant[ée]|sant[ée]|traitements?(?: en cours)?|ant[ée]c[ée]dents?|ald|motif m[ée]dical",
        (
            "patholog",
            "maladie",
            "diagnos",
            "allergi",
            "affection",
            "handicap",
            "sante",
            "traitement",
            "antecedent",
            "ald",
        ),
        "Pathologie : ‹surdité de naissance›. Demande : aide",
        "Allergie : néant",
        "le droit à la santé : chacun y veille",
    ),
    _label(
        "address",
        "ADRESSE",
        r"adresse(?: (?:postale|actuelle|exacte|compl[èe]te|personnelle))?|domicile|r[ée]sidence|logement",
        ("adresse", "domicil", "residence", "logement"),
        "Domicile : ‹ferme des Trois-Puits, Montvert›\nObjet : litige",
        "Adresse : mairie de Lens",
    ),
)
_SEPARATOR = re.compile(r"[;|\t]|(?<=\w), ")
_HEADS = {
    "AGE": re.compile(r"ages?(?: .*)?$"),
    "DATE_NAISSANCE": re.compile(r"(?:date de )?naissance|nee?(?:\(e\))?(?: le)?$|ddn$"),
    "TEL": re.compile(r"tel\b.*|telephone|portable|mobile"),
    "ADRESSE": re.compile(r"adresse|domicile"),
    "VILLE": re.compile(r"ville|commune|residence"),
    "SANTE": re.compile(r"pathologie|maladie|handicap|allergie|sante$"),
    "DOSSIER": re.compile(r"(?:n°|numero|no|ref)\b.*|dossier|matricule|reference|allocataire|nir|identifiant"),
}
_MOST_LINES = 40


def columns(text: Text) -> Iterator[Span]:
    """Find the cells of a table whose first line says what its columns are."""
    lines = text.folded.split("\n")
    if len(lines) < 2:
        return
    at, kinds = 0, {}
    for line in lines[:_MOST_LINES]:
        cells = _cells(line)
        heads = {i: kind for i, (start, end) in enumerate(cells) if (kind := _kind_of_head(line[start:end]))}
        if len(cells) > 1 and heads and not any(char.isdigit() for char in line):
            kinds = heads
        elif len(cells) > 1:
            for i, (start, end) in enumerate(cells):
                if kind := _fits(kinds.get(i), line[start:end]):
                    yield Span(at + start, at + end, kind, "rule", "labelled.column")
        at += len(line) + 1


def _cells(line: str) -> list[Place]:
    """List where a line's cells begin and end, without the blanks around them."""
    ends = [(match.start(), match.end()) for match in _SEPARATOR.finditer(line)]
    starts = [0, *(end for _, end in ends)]
    return [
        _stripped(line, start, end) for start, end in zip(starts, [*(at for at, _ in ends), len(line)], strict=True)
    ]


def _stripped(line: str, start: int, end: int) -> Place:
    cell = line[start:end]
    return start + len(cell) - len(cell.lstrip()), end - len(cell) + len(cell.rstrip())


def _kind_of_head(cell: str) -> str | None:
    return next((kind for kind, head in _HEADS.items() if head.match(cell.strip(" :|"))), None)


def _fits(kind: str | None, cell: str) -> str | None:
    """Give the kind of a column where a cell of it may hold such a value."""
    if kind is None or not cell or cell in EVERYDAY or cell in _NOTHING:
        return None
    return kind if kind in ("VILLE", "SANTE", "ADRESSE") or any(char.isdigit() for char in cell) else None
