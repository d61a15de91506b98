"""Says whether an agent's instruction asks for what no draft may do: to promise, decide, sign, and so on.

An agent may state facts and ask for a form. What the draft may not say it may not be told to say either: the words that
an instruction has it say are read as a draft's, to the citizen.
"""

import re

from plume.checks.case import RULES, Case
from plume.checks.instruction import TABLES as INJECTED
from plume.checks.promises import TABLES as PROMISED
from plume.checks.promises import promises
from plume.contacts import Directory
from plume.french.rules import find, read_tables, reading
from plume.french.text import fold, plain, sentences
from plume.french.verbs import participles

TABLES = read_tables(RULES / "agent_instruction.toml")
# Of what a review may not tell a writer, what an agent may not either; the rest is what instructions are made of.
_ALSO = {
    "injection.override-fr": "rules",
    "injection.override-en": "rules",
    "injection.turn": "rules",
    "injection.markup": "rules",
    "injection.tongue": "language",
}
_INJECTED = [rule for rules in INJECTED.values() for rule in rules if rule.name in _ALSO]
_SETTLES = ("decision.", "outcome.")
# What is mended is no decision: "l'erreur d'affichage a été corrigée".
_DECIDED = re.compile(
    rf"\b(?:est|sont|a été|ont été) (?:\w+ )?(?!corrigé|rétabli)(?:{participles('decide', 'grant')})(?!\w)"
)
# How things are on a file ("le virement est parti"): the agent may know it, and a draft may say what was given.
_STATES = {rule.name for rules in PROMISED for rule in rules if rule.kind == "state"}
_WILL = {"promise.will-be-done", "promise.somebody-will", "promise.going-to-tell"}
_YOU = re.compile(r"\bvo(?:us|tre|s)\b", re.IGNORECASE)
# Said before it, these ask for the contrary: "sans promettre de délai", "rappelle que nous ne pouvons rien décider".
_NOT = re.compile(
    r"(?:\b(?:ne(?! manque)|sans|ni|jamais|aucune?|evite[rz]?|plutot que|au lieu)\b|\bn'(?!oubli|hesit)"
    r"|(?<!oublie )(?<!oubliez )(?<!hesite )(?<!hesitez )\bpas\b)[^.!?;:]{0,40}$"
)
# What an instruction has the draft say: "dis-lui que …", "annonce : …", "précise qu'…".
_SAY = re.compile(
    r"^\W*(?:et |puis )?(?:merci de |veuillez |il faut |tu peux |pense[rz]? a )?(?:(?:lui|leur) )?"
    r"(?:dis|dites|dire|fais(?:-lui)? savoir|annonce[rz]?|indique[rz]?|precise[rz]?|informe[rz]?|confirme[rz]?"
    r"|ajoute[rz]?|explique[rz]?|mentionne[rz]?|assure[rz]?|garanti\w*|rappelle[rz]?|rappeler|ecri\w+|signale[rz]?"
    r"|repond\w*)(?:-(?:lui|leur|le|la))?(?: (?:lui|leur))?(?: (?:aussi|bien|simplement|seulement))?"
    r"(?: (?:a l'usager|au citoyen))? ?(?:qu(?:e |')|:)"
)
_TO_THE_CITIZEN = [  # as a draft says it
    (re.compile(pattern, re.IGNORECASE), said)
    for pattern, said in (
        (r"\b(?:son|sa)\b", "votre"),
        (r"\bses\b", "vos"),
        (r"\b(?:il|elle|l'usager|l'usagère) (?:sera|va être)\b", "vous serez"),
        (r"\b(?:il|elle) (?:recevra|aura|obtiendra|touchera)\b", "vous recevrez"),
        (r"\b(?:le|la|lui) (?=(?:r[ae]|con|in|te|ve|ré)\w+(?:ra|rons|ront)\b)", "vous "),
        (r"\blui (?=(?:est|sont|ser(?:a|ont)|a été|ont été)\b)", "vous "),
        (r"\bl'(?=\w+(?:ra|rons|ront)\b)", "vous "),
        (r"\b((?:va|allons|vont) )(?:le|la|lui) (?=\w+(?:er|ir|re)\b)", r"\1vous "),
        (r"\b((?:va|allons|vont) )l'(?=\w+(?:er|ir|re)\b)", r"\1vous "),
    )
]


def asked_for(instruction: str) -> str | None:
    """Give what an instruction asks for that no draft may do: the name of a table; None if there is nothing."""
    text = reading(plain(instruction))
    for found in find(text, [rule for rules in TABLES.values() for rule in rules] + _INJECTED):
        if not _NOT.search(fold(text.written)[: found.start]):
            return _ALSO.get(found.rule.name, found.rule.kind)
    said = " ".join(map(_as_said, sentences(text.written)))
    faults = promises(Case.of(said, "", "", Directory(), None)).faults
    if any(one.rule.startswith(_SETTLES) or _DECIDED.search(one.text.lower()) for one in faults):
        return "decide"
    # Agents end with no stop, and without one a sentence counts as none; with one, what they may state of their
    # service ("le site sera indisponible dimanche") reads as a promise, unless it is one to the citizen.
    ended = promises(Case.of(f"{said.rstrip(' .')}.", "", "", Directory(), None)).faults
    to_the_citizen = {one.rule for one in ended if one.rule in _WILL and _YOU.search(one.text)}
    return "promise" if {one.rule for one in faults} - _STATES | to_the_citizen else None


def _as_said(sentence: str) -> str:
    """Write a sentence of an instruction as the draft would say it to the citizen."""
    said = sentence[match.end() :] if (match := _SAY.match(fold(sentence))) else sentence
    for pattern, instead in _TO_THE_CITIZEN:
        said = pattern.sub(instead, said)
    return said[:1].upper() + said[1:]
