"""Checks that nothing of the prompt is left in a draft: markers of a format, labels, talk about the task."""

import re
from functools import lru_cache

from plume.checks.case import RULES, Answer, Case, Fault, none_of
from plume.french.rules import in_turn, read_tables
from plume.french.text import runs, words

TABLES = read_tables(RULES / "residue.toml")


def residue(case: Case) -> Answer:
    """Check for markers of a conversation format, HTML, talk about the task, instructions copied out."""
    faults = []
    for found in in_turn(case.text, TABLES["markers"]):
        said = case.draft[found.start : found.end]
        if said.strip() not in case.review:
            faults.append(Fault(said, found.rule.name))
    faults += [Fault(found.match.group(), found.rule.name) for found in in_turn(case.text, TABLES["html"])]
    if echoed := copied(case, _ECHO):
        faults.append(Fault(" ".join(echoed), "residue.copied"))
    return none_of(faults, "reste de la consigne")


def copied(case: Case, length: int) -> tuple[str, ...] | None:
    """Give the first run of so many words that a draft has from the instructions, None if it has none."""
    given = _instructions(case.prompt, case.review, length)
    return next((run for run in runs(case.tokens, length) if run in given), None) if given else None


# plume.prompt writes the system text first, then the citizen's part from this line on.
_CITIZENS_PART = re.compile(r"^(?:Service|Titre|Avis) :", re.MULTILINE)
_INSTRUCTS = re.compile(r"\b(?:tu|ton|tes|rédige|réponds|consignes?|instructions?|règles de)\b", re.IGNORECASE)
_ECHO = 8  # words in a row that only a copy of the instructions would share with them


@lru_cache(maxsize=32)
def _instructions(prompt: str, review: str, length: int = _ECHO) -> frozenset[tuple[str, ...]]:
    """List runs of words of the instructions. Bare facts instruct nobody: a reply may well use their words."""
    cut = _CITIZENS_PART.search(prompt)
    text = prompt[: cut.start()] if cut else prompt.replace(review or "\n", "\n")
    return frozenset(runs(words(text), length)) if cut or _INSTRUCTS.search(text) else frozenset()
