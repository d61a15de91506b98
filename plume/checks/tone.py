"""Asks how a draft speaks to the citizen: thanks, regret, a next step, "vous" and no "tu". The rules are in tone.toml.

These are signals, which are reported and never gate: a human judges tone better than a pattern.
"""

from plume.checks.case import RULES, Answer, Case, Fault, failed, none_of
from plume.french.rules import Text, find, read_tables
from plume.french.text import fold

TABLES = read_tables(RULES / "tone.toml")


def says(text: str | Text, table: str) -> bool:
    """Say whether a text holds what a table of tone.toml names."""
    return next(find(text, TABLES[table]), None) is not None


def thanks(case: Case) -> Answer:
    """Look for thanks."""
    return Answer(True) if says(case.text, "thanks") else failed("aucun remerciement", "thanks.none")


def regret(case: Case) -> Answer:
    """Look for regret where the review is known to be negative ("Négatif", as in the export)."""
    if case.sentiment is None or not fold(case.sentiment).startswith("negati"):
        return Answer(True, "sans objet : avis non négatif ou ressenti inconnu")
    return (
        Answer(True)
        if says(case.text, "regret")
        else failed("aucun regret, alors que l'avis est négatif", "regret.none")
    )


def next_step(case: Case) -> Answer:
    """Look for what the citizen can do next."""
    return Answer(True) if says(case.text, "next_step") else failed("aucune étape concrète proposée", "next_step.none")


def vouvoiement(case: Case) -> Answer:
    """Look for "tu", which no draft may say, then for "vous"."""
    if found := [Fault(found.match.group(), "vouvoiement.tu") for found in find(case.text, TABLES["tu"])]:
        return none_of(found, "tutoiement")
    if says(case.text, "vous"):
        return Answer(True)
    return failed("ne s'adresse pas à l'usager (ni « vous » ni « votre »)", "vouvoiement.none")
