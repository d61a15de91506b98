"""Checks that nothing of the prompt is left in a draft: markers of a format, labels, talk about the task."""

import re
from functools import lru_cache

from plume.checks.case import RULES, Answer, Case, Fault, none_of
from plume.checks.form import LEAST, MOST, opens_with_greeting
from plume.french.rules import Found, in_turn, read_tables
from plume.french.text import holds_run, runs, words

TABLES = read_tables(RULES / "residue.toml", LEAST=str(LEAST), MOST=str(MOST))


def residue(case: Case) -> Answer:
    """Check for markers of a conversation format, HTML, talk about the task, instructions copied out."""
    faults = [Fault(case.draft[found.start : found.end], found.rule.name) for found in find_markers(case)]
    faults += [Fault(found.match.group(), found.rule.name) for found in in_turn(case.text, TABLES["html"])]
    lines = [line for line in case.draft.split("\n") if line]
    if len(lines) > 1 and not opens_with_greeting(lines[0]) and any(map(_GREETS.match, lines[1:4])):
        faults.append(Fault(lines[0], "residue.before-the-greeting"))
    elif again := next((line for line in lines[2:] if _GREETS.match(line)), None):
        faults.append(Fault(again, "residue.second-reply"))
    if echoed := copied(case, _ECHO):
        faults.append(Fault(" ".join(echoed), "residue.copied"))
    return none_of(faults, "reste de la consigne")


def copied(case: Case, length: int) -> tuple[str, ...] | None:
    """Give the first run of so many words that a draft has from the instructions, None if it has none."""
    given = _instructions(case.prompt, case.review, length)
    return next((run for run in runs(case.tokens, length) if run in given), None) if given else None


def find_markers(case: Case) -> list[Found]:
    """Find what the rules of `markers` do, once a draft, but for what quotes the review."""
    found = case.text.once(lambda text: [*in_turn(text, TABLES["markers"])])
    return [one for one in found if not _is_quoted(case, one.start, one.end)]


def _is_quoted(case: Case, start: int, end: int) -> bool:
    """Say whether a passage stands in the review, or in quotation marks around words of the review."""
    if case.draft[start:end].strip() in case.review:
        return True
    opened, closed = case.draft.rfind("«", 0, end), case.draft.find("»", start)
    quoted = opened >= 0 and closed > opened and case.draft.find("»", opened, start) < 0
    return quoted and holds_run(words(case.review), words(case.draft[opened:closed]))


_GREETS = re.compile(r"\W*(?:bonjour|bonsoir|madame,? monsieur)\b[^,.!?\n]{0,40}(?:[,!]|$)", re.IGNORECASE)
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
