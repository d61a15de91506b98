"""Checks that a draft holds no slot to fill and no pseudonym that its prompt does not: "[NOM]", "(à compléter)"."""

import re

from plume.checks.case import RULES, Answer, Case, Fault, none_of
from plume.french.rules import Text, in_turn, read_tables
from plume.french.text import words
from plume.passages import citations

TABLES = read_tables(RULES / "placeholders.toml")
PLACEHOLDERS = TABLES["whole"]
# "rubrique [Mon véhicule]", "laissez le champ [Complément] vide": names of something on a screen or a form.
_ON_SCREEN = re.compile(
    r"\b(?:rubrique|onglet|menu|bouton|page|lien|case|section|champ|zone|touche|option|ic[oô]ne|ligne|cliqu\w+|coch\w+"
    r"|s[ée]lectionn\w+|choisi\w+|appuy\w+)\b[^.!?\n]*$",
    re.IGNORECASE,
)
_FILL = re.compile(
    r"(?:compl[ée]t|pr[ée]cis|rempli|renseign|adapt|personnalis|ins[ée]r|indiqu|ajout|mettre|relire|v[ée]rifi)",
    re.IGNORECASE,
)
_SLOT = re.compile(
    r"\[(?:intitulé|nom|titre|lien|adresse|numéro|date|à |insér|précis|complét|indiqu|préno)", re.IGNORECASE
)


def invented_placeholders(case: Case) -> Answer:
    """Check that every placeholder of the draft stands in the review or the prompt.

    Where passages of sources are shown, `[1]` cites one: `cited` asks which.
    """
    cites = {case.draft[start:end] for start, end, _ in citations(case.draft)} if case.passages else set()
    faults = [
        Fault(found.match.group(), found.rule.name)
        for rules in TABLES.values()
        for found in in_turn(case.text, rules)
        if found.match.group() not in case.given
        and found.match.group() not in cites
        and not (_is_menu(case.draft, found.match.group()) or _is_note(found.match.group()))
    ]
    return none_of(faults, "repères absents de la consigne")


def _is_note(text: str) -> bool:
    """Say whether a bracket holds a remark: a sentence is for the check of residue, as is "[FIN DE LA RÉPONSE"."""
    told = text.strip("[]")
    if told.lower() in ("arobase", "at", "point", "dot"):
        return True  # of a mailbox, for the check of contacts
    fills = _FILL.search(told)
    return text.startswith("[") and not fills and (told.startswith("FIN DE") or (len(words(told)) > 7 and ":" in told))


def placeholders(text: str) -> list[str]:
    """List the placeholders of a text as they are written."""
    return [found.match.group() for found in in_turn(Text(text), PLACEHOLDERS)]


def _is_menu(draft: str, text: str) -> bool:
    """Say whether it is the name of a field or a button."""
    named = text in ("NOM", "PRÉNOM") or (text.startswith("[") and not text.isupper() and not _SLOT.match(text))
    return named and bool(_ON_SCREEN.search(draft[max(0, draft.index(text) - 80) : draft.index(text)]))
