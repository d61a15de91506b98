"""Checks that a reply ends without a closing formula and without a signature: the platform adds both.

The formulas are in plume/french/closings.toml, who signs in rules/signature.toml.
"""

import re
from dataclasses import replace

from plume.checks.case import RULES, Answer, Case, Fault, none_of
from plume.checks.form import SOMEBODY, opens_with_greeting
from plume.french.closings import TABLES as CLOSINGS
from plume.french.closings import TEAM, ends_with_closing
from plume.french.rules import Text, in_turn, read_tables

TABLES = read_tables(RULES / "signature.toml", SOMEBODY=SOMEBODY, TEAM=TEAM)
# A formula stands at the start of a line or of a sentence, and ends the reply or opens what names its writer.
_START = r"(?m)(?:^|(?<=[.!?…;»])\s+)(?:[–—-] ?)?"
_REST = {"words": r"[^\n]{0,60}", "alone": r"[ ,.!]*$", "sentences": r"[^\n]{0,60}"}
_FORMULAS = tuple(
    replace(rule, pattern=f"{_START}{rule.pattern}{_REST[kind]}") for kind, rules in CLOSINGS.items() for rule in rules
)
# What makes a sentence of a last line: who speaks, who is spoken to, and what a list names after its bullet.
_SAYS = re.compile(
    r"\b(?:vous|nous|je|merci|sont|est|n'hésitez|reste|prenez|bonne|bon|courage|à bientôt|bravo|félicitations|belle"
    r"|beaux?|excellente?|joyeu\w+)\b|^[-•*\d]",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[-•*]\s|\d+[.)]\s")


def signature(case: Case) -> Answer:
    """Look for a formula at the start of a line or sentence, or a last line that names who writes."""
    faults = [
        Fault(case.draft[found.start : found.end], found.rule.name)
        for found in in_turn(case.text, _FORMULAS)
        if len(case.draft[found.end :].split()) <= 25  # the same words may open a sentence that goes on
    ]
    lines = [line for line in case.draft.split("\n") if line and not _BULLET.match(line)]
    for i, line in enumerate(lines):
        if i < max(1, len(lines) - 3):  # a first line is no signature
            continue
        if (rule := _signatory(line)) and (line is lines[-1] or not opens_with_greeting(line)):
            faults.append(Fault(line, rule))
    if len(lines) > 1 and (line := lines[-1]) not in [fault.text for fault in faults] and _is_bare(line, lines[-2]):
        faults.append(Fault(line, "signature.bare"))
    faults += [
        Fault(case.draft[found.start : found.end], found.rule.name) for found in in_turn(case.text, TABLES["dashed"])
    ]
    return none_of(faults, "formule de politesse ou signature")


def _signatory(line: str) -> str | None:
    """Give the rule by which a short line that says nothing names who writes."""
    line = re.sub(r"^[–—] ?", "", line).rstrip(",. ")
    if len(line.split()) > 12 or line[-1:] in "!?…:;" or _SAYS.search(line):
        return None
    found = next(in_turn(Text(line), TABLES["signatories"]), None)
    return found.rule.name if found else None


def _is_bare(line: str, before: str) -> bool:
    """Say whether a short last line has no full stop where the paragraph before has one: it can only be a name."""
    return (
        (before[-1:] in ".!?…)" or ends_with_closing(before))
        and re.match(r"[–—] |\w", line) is not None
        and len(line.split()) <= 8
        and line[-1] not in '.!?…:;»")'
        and not _SAYS.search(line)
    )
