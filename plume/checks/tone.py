"""Asks how a draft speaks to the citizen. `tone` gates: regret to the unhappy alone, never "tu", no blame, no rudeness.

Thanks and a next step are signals, which are reported and never gate. The rules are in tone.toml; how the review feels,
`feeling` says. What a draft quotes is the citizen's, and a draft in another language is for the check of French.
"""

from collections.abc import Iterator

from plume.checks.case import RULES, Answer, Case, Fault, failed, none_of
from plume.checks.feeling import feeling
from plume.checks.language import FRENCH, QUOTED, language
from plume.french.rules import Text, find, read_tables
from plume.french.text import fold, words

TABLES = read_tables(RULES / "tone.toml")
_NEVER = {"tu": "tutoiement", "familiar": "familiarité", "blame": "reproche", "rude": "propos blessant"}
_IRONY = {"irony": "ironie ou condescendance"}  # the same words may praise: "votre sens de l'humour force l'admiration"
NO_REGRET = "tone.no-regret"
# The rules of joy, which is a fault where the review complains; with those of what no draft may say, all that hurts.
JOY = frozenset(rule.name for rule in TABLES["delight"])
HURTS = JOY.union(rule.name for table in (*_NEVER, *_IRONY) for rule in TABLES[table])


def says(text: str | Text, table: str) -> bool:
    """Say whether a text holds what a table of tone.toml names."""
    return next(find(text, TABLES[table]), None) is not None


def thanks(case: Case) -> Answer:
    """Look for thanks."""
    return Answer(True) if says(case.text, "thanks") else failed("aucun remerciement", "thanks.none")


def next_step(case: Case) -> Answer:
    """Look for what the citizen can do next."""
    return Answer(True) if says(case.text, "next_step") else failed("aucune étape concrète proposée", "next_step.none")


def tone(case: Case) -> Answer:
    """Find what hurts, and what does not go with how the review feels."""
    if language(case.draft) not in (FRENCH, None):
        return Answer(True, "sans objet : pas en français")
    said = case.text.blanked(match.span() for match in QUOTED.finditer(case.draft))
    felt = feeling(case.review, case.sentiment)
    praises = felt == "happy" or fold(case.sentiment or "").startswith("positi")
    hurts = _NEVER if praises else _NEVER | _IRONY
    answers = [none_of(_faults(case, said, table), what) for table, what in hurts.items()]
    match felt:
        case "unhappy":
            answers.append(none_of(_faults(case, said, "delight"), "se réjouit, alors que l'usager se plaint"))
            if not (says(said, "apology") or says(said, "understanding")):
                answers.append(failed("aucun regret, alors que l'usager se plaint", NO_REGRET))
        case "happy":
            answers.append(none_of(_faults(case, said, "apology"), "s'excuse, alors que l'usager ne fait que louer"))
    faulty = [answer for answer in answers if not answer.passed]
    if not faulty:
        return Answer(True)
    rules, faults = (tuple(each for a in faulty for each in of(a)) for of in (lambda a: a.rules, lambda a: a.faults))
    return Answer(False, " ; ".join(a.detail for a in faulty), rules, faults)


def _faults(case: Case, said: Text, table: str) -> Iterator[Fault]:
    """Yield what a table's rules find, but for the review's own words that the draft takes up."""
    for found in find(said, TABLES[table]):
        passage = said.written[found.start : found.end].strip()
        own = table in _NEVER or table in _IRONY
        if not (own and _is_the_citizens(words(passage), case)):
            yield Fault(passage, found.rule.name)


def _is_the_citizens(passage: list[str], case: Case) -> bool:
    """Say whether a draft takes up what the review says, or one word of it in another form ("j'ai râlé", "râler")."""
    if f" {' '.join(passage)} " in f" {case.reviewed} ":
        return True
    alone = passage[0][:4] if len(passage) == 1 and len(passage[0]) > 3 else None
    return bool(alone) and any(word.startswith(alone) for word in case.reviewed_words)
