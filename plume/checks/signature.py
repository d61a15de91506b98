"""Checks that a reply ends without a closing formula and without a signature: the platform adds both.

The formulas are in plume/french/closings.toml, who signs in rules/signature.toml.
"""

import re
from dataclasses import replace
from itertools import pairwise

from plume.checks.case import RULES, Answer, Case, Fault, none_of
from plume.checks.form import SOMEBODY, opens_with_greeting
from plume.checks.residue import find_markers
from plume.checks.shape import is_verse
from plume.french.closings import TABLES as CLOSINGS
from plume.french.closings import TEAM, ends_with_closing
from plume.french.phrases import ROLE, SERVICE
from plume.french.rules import Text, in_turn, read_tables
from plume.french.text import fold, lower, words
from plume.french.vocabulary import any_of, word_set
from plume.french.words import FIRST_NAMES, OFFICES

# What makes a sentence of a short line: who speaks, who is spoken to with a verb, a verb that bodies and roles take.
_SENTENCE = (
    r"\b(?:(?:nous|je|merci|sont|est|a|ont|peu(?:t|vent)|doi(?:t|vent)|va|vont|ne|se|reste(?:nt)?|prenez|bravo"
    r"|félicitations"
    r"|vous (?!\W|$|tous|et\b)|joignables?|(?:accueill|répond|renseign|ferm|ouvr|conseill|aid|dispos|propos|assur"
    r"|regrett|souhait|remerci|salu)(?:e?s?|en)t?|permet|reçoi\w+|recevez"
    r"|(?!agent|client|président|référent|adhérent|patient)\w+(?:[^mi]ent|[ei]ra|[ei]ront))\b|[jns]')"
)
_ROLE = rf"(?:{ROLE}|{any_of(OFFICES - {'tout', 'toute'})}|chargee?s? (?:de|des|d')|deleguee?s?)"
TABLES = read_tables(
    RULES / "signature.toml", SOMEBODY=SOMEBODY, TEAM=TEAM, ROLE=_ROLE, BODY=SERVICE, SENTENCE=_SENTENCE
)
# A formula stands at the start of a line or of a sentence, and ends the reply or opens what names its writer.
_START = r"(?m)(?:^|(?<=[.!?…;»])\s+)(?:[–—-] ?)?"
_REST = {
    "words": r"[^\n]{0,60}",
    # Or a name: "Amicalement, Paul."
    "alone": r"(?:[ ,.!]*$|, ?(?!nous|je\b|vous|on\b|ils?\b|elles?\b|c|l[ae]s? |votre|notre)[^\W\d_]{2,20}"
    r"(?:[ -][^\W\d_]{2,20})?[ .]*\Z)",
    "sentences": r"[^\n]{0,60}",
}
_FORMULAS = tuple(
    replace(rule, pattern=f"{_START}{rule.pattern}{_REST[kind]}")
    for kind, rules in (*CLOSINGS.items(), ("sentences", TABLES["formulas"]))
    for rule in rules
)
_SAYS = re.compile(_SENTENCE)
# What opens a wish or names the items of a list: no signature where the line ends like a sentence.
_WISHES = re.compile(
    r"(?:tres |de )?(?:bonn?e?s?|courage|a bientot|belles?|beaux?|excellent\w*|joyeu\w+|agreable|plein\w*"
    r"|bienvenue?s?)\b|[-•*\d]"
)
_BULLET = re.compile(r"[-•*]\s|\d+[.)]\s")
_DRESS = re.compile(r"^[\s*_(«\"–—-]+|[\s*_)»\"]+$")
_PARENTHESES = re.compile(r"^\(|\)[ .]*$")
_LAST_SENTENCE = re.compile(r"(?<=[.!?…] )(?=[^.!?…\n]{3,70}[.]?\)?\Z)")
# What may stand in the name of a service or a role that ends with a full stop: small words and what follows them, words
# with a capital, adjectives. A verb is none of these: "Le greffe délivre la copie."
_SMALL = word_set("le la les l un une de du des d a au aux en et pour sur par votre notre vos nos")
_ADJECTIVE = re.compile(
    r"\w+(?:al|aux|el|ell|iell|if|iv|[^dlp]iqu|air|ain|ier|ois|ien|oint|eur|tric|tion|sion|gers)(?:e|es|ne|s)?$"
    r"|maladie|retraites?|vieillesse|clients?|clientele|usag\w+|civil|accueil|logement|famille"
)
_ENDS = (".", "!", "?", "…", ")", "»", '"', ",")
_TAKES_LEAVE = re.compile(
    r"(?:a (?:tres |bien )?(?:bientot|vite)|(?:tres |bien )?(?:bonne?|belle|excellente)|(?:encore )?merci"
    r"|(?:bien |tres )?(?:chaleureu|amical|cordial|sincere)\w+|courage|au plaisir|dans l'(?:attente|espoir)"
    r"|avec (?:tou|nos|mes|notre)|prenez soin|en vous|nous (?:vous (?:souhait|remerci|salu)|rest|demeur)\w*)\b"
)
_WHO = tuple(r for r in TABLES["signatories"] if r.name not in ("signature.civility", "signature.placeholder"))
_CALLED = re.compile(rf"{SOMEBODY}\b", re.IGNORECASE)
_TAIL, _GREETED = 7, 40  # words of who signs; characters of a greeting
_SHORT, _LINE = 10, 12  # words of a line that may be a closing, a signature


def signature(case: Case) -> Answer:
    """Look for a formula at the start of a line or sentence, a closing line, a last line or sentence that signs."""
    faults = [
        Fault(case.draft[found.start : found.end], found.rule.name)
        for found in in_turn(case.text, _FORMULAS)
        if len(case.draft[found.end :].split()) <= 25  # the same words may open a sentence that goes on
    ]
    lines = _lines_of_prose(_without_residue(case))
    for i in range(max(1, len(lines) - 3), len(lines)):  # a first line is no signature
        rule = _signs(lines[i], lines[i - 1], last=i == len(lines) - 1)
        if rule == "signature.comma" and is_verse(case.draft):
            continue
        if rule and not ("onjour" in lines[i] or (i < len(lines) - 1 and opens_with_greeting(lines[i]))):
            faults.append(Fault(lines[i], rule))
    if (
        lines
        and (cut := _LAST_SENTENCE.search(lines[-1]))
        and (rule := _signatory(_PARENTHESES.sub("", lines[-1][cut.end() :]), alone=False))
    ):
        faults.append(Fault(lines[-1][cut.end() :], rule))
    if found := _after_a_comma(case):
        faults.append(found)
    dashed = in_turn(case.text, TABLES["dashed"])
    return none_of(
        [*faults, *(Fault(case.draft[f.start : f.end], f.rule.name) for f in dashed)],
        "formule de politesse ou signature",
    )


def _after_a_comma(case: Case) -> Fault | None:
    """Find who signs at the end of a last sentence that takes leave: "À bientôt, l'équipe Relation Usagers."."""
    last = (case.sentences or [""])[-1]
    head, comma, tail = last.rpartition(", ")
    tail = tail.rstrip(". !")
    if (
        len(case.sentences) > 1
        and fold(tail) in FIRST_NAMES
        and last[0].isupper()
        and not (head or _is_spoken_to(tail, case))
    ):
        return Fault(last, "signature.full-name")
    if (
        not (comma and _TAKES_LEAVE.match(fold(head)) and len(tail.split()) <= _TAIL)
        or _CALLED.match(tail)
        or _SAYS.search(lower(tail))
    ):
        return None
    found = next(in_turn(Text(tail), _WHO), None)
    if not found or (found.rule.name == "signature.full-name" and _is_spoken_to(tail, case)):
        return None
    return Fault(f"{head}, {tail}", found.rule.name)


def _is_spoken_to(name: str, case: Case) -> bool:
    """Say whether a name is the citizen's: it stands in the review or in the greeting."""
    return not set(words(name)).isdisjoint({*case.reviewed_words, *words(case.draft[:_GREETED])})


def _without_residue(case: Case) -> str:
    """Give the draft without the lines that residue begins: "(87 mots)" signs nothing, and may stand below who does."""
    draft = case.draft
    for found in reversed(find_markers(case)):
        line = draft.rfind("\n", 0, found.start) + 1
        if line and not draft[line : found.start].strip(" <[(*"):
            end = draft.find("\n", found.end)
            draft = draft[:line] + (draft[end:] if end >= 0 else "")
    return draft


def _lines_of_prose(draft: str) -> list[str]:
    """List the lines but those of lists: after a bullet, unless it stands alone, or after a colon."""
    lines, kept, listed = [line for line in draft.split("\n") if line], [], False
    for i, line in enumerate(lines):
        bulleted = _BULLET.match(line) and (_BULLET.match(lines[i - 1]) or listed or i + 1 < len(lines))
        if not (listed or bulleted):
            kept.append(line)
        listed = line.endswith(":") or (listed and not line.endswith((".", "!", "?")))
    return kept


def _signs(line: str, before: str, *, last: bool) -> str | None:
    """Give the rule by which one of the last lines closes a letter or names who writes it."""
    if len(line.split()) > _LINE:
        return None
    bare = _DRESS.sub("", line)
    if rule := _signatory(bare):
        return rule
    after_a_sentence = before.endswith(_ENDS) or ends_with_closing(before)
    if not (after_a_sentence and bare[:1].isalpha() and len(bare.split()) <= _SHORT):
        return None
    if found := next(in_turn(Text(bare), TABLES["leaves"]), None):
        return found.rule.name
    if bare.endswith(",") and not before.endswith(","):  # verse may
        return "signature.comma"  # a sentence never ends so
    unfinished = last and bare[-1] not in '.!?…:;»")' and not _SAYS.search(lower(bare))
    return "signature.bare" if unfinished else None


def _signatory(line: str, *, alone: bool = True) -> str | None:
    """Give the rule by which a short line, or the last sentence of a paragraph, says nothing but who writes."""
    whole, line = line, line.rstrip(",. ")
    if len(line.split()) > (_LINE if alone else _SHORT) or line[-1:] in "!?…:;":
        return None
    if _SAYS.search(lower(line)) or _WISHES.match(fold(line)) or (whole.endswith(".") and not _names(line)):
        return None
    found = next(in_turn(Text(line), TABLES["signatories"]), None)
    return found.rule.name if found and (alone or (line[0].isalpha() and " " in line)) else None


def _names(line: str) -> bool:
    """Say whether a line may be a name: a head, and what small words, commas, capitals and adjectives tie to it."""
    parts = re.findall(r"[\w.-]+|,", line)
    for before, word in pairwise(parts):
        tied = fold(before) in _SMALL or "," in (before, word) or word[0].isupper() or word[0].isdigit()
        if not (tied or fold(word) in _SMALL or _ADJECTIVE.match(fold(word))):
            return False
    return True
