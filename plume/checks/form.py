"""The form of a reply: length, greeting, no signature, no repetition loop, no residue of the prompt."""

import re
from collections import Counter

from plume.checks.case import NOTHING, Case, Result, none_of
from plume.checks.text import count_words, runs, sentences, words

LENGTH = (60, 140)  # words; the platform's replies have a median of 94

_GREETING = re.compile(r"^[\"«* ]*(?:bonjour|bonsoir|madame|monsieur|mesdames|ch[eè]re?s?)\b", re.IGNORECASE)

_CLOSING = re.compile(
    r"(?:^|(?<=[.!?…])\s+)(?:(?:très |bien )?(?:cordialement|respectueusement)\b|sincèrement[ ,.!]*$"
    r"|bien à vous\b|(?:sincères |cordiales |meilleures )?salutations\b|avec nos (?:sincères|cordiales|meilleures)\b"
    r"|(?:nous|je) vous pri(?:ons|e)(?: \S+){0,6}? d['e] ?(?:agréer|croire|recevoir|accepter l)"
    r"|veuillez (?:agréer|croire|recevoir)\b|recevez\b.{0,40}\b(?:salutations|considération|sentiments)\b"
    r"|signé\b).{0,60}",
    re.IGNORECASE | re.MULTILINE,
)
# A last line without a full stop that names a team, a service or a person.
_SIGNATORY = re.compile(
    r"^(?:[–—] ?)?(?:(?:[lv]'équipe|l'administration|(?:le|votre|la) (?:service|direction|caisse|caf|cpam|préfecture|"
    r"mairie|conseill\w+|agence|agent)|service|équipe|direction|préfecture|pour (?:le|la)\b)\b.{0,60}"
    r"|(?:m\.|mme|monsieur|madame) \S.{0,40}|\[(?:AGENT|SIGNATURE|NOM)\w*\].{0,40})$",
    re.IGNORECASE,
)
_FULL_NAME = re.compile(r"^[A-ZÀ-Ý][\w'-]+(?: [A-ZÀ-Ý][\w'-]+){1,2},?$")

_MARKERS = re.compile(
    r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|s|eot_id|reponse|réponse|avis)\b\|?>?|\|>|###+|\[/?INST\]"
    r"|<</?SYS>>|```|^---+$"
    r"|^\W{0,4}(?:système|system|assistant|user|utilisateur|instructions?|consignes?|avis|service|titre|réponse|"
    r"projet de réponse|réponse proposée|prompt)\W{0,3} ?:.{0,30}"
    r"|^(?:system|assistant|user|système)$"
    r"|\btu (?:rédiges|aides|es un|dois|ne dois)\b|\brègles de rédaction\b|\bentre 60 et 140 mots\b|\b60 à 140 mots\b"
    r"|\bvoici (?:une |la |ma |votre |un )?(?:proposition de |projet de )?réponse\b"
    r"|\ben tant qu(?:e modèle|'ia\b|'intelligence artificielle|'assistant)|\bmodèle de langage\b|\bas an ai\b"
    r"|\b(?:selon|conformément à|suivant) (?:les|ces|vos|mes) (?:consignes|instructions)\b",
    re.IGNORECASE | re.MULTILINE,
)
# plume.prompt writes the system text first, then the citizen's part from this line on.
_CITIZENS_PART = re.compile(r"^(?:Service|Titre|Avis) :", re.MULTILINE)
_ECHO = 8  # words in a row that only a copy of the instructions would share with them


def length(case: Case) -> Result:
    low, high = LENGTH
    n = count_words(case.draft)
    return low <= n <= high, f"{n} mots (attendu : {low} à {high})"


def greeting(case: Case) -> Result:
    if _GREETING.search(case.draft):
        return True, NOTHING
    start = " ".join(case.draft.split()[:5])
    return False, f"ne commence pas par une salutation : « {start} »" if start else "brouillon vide, sans salutation"


def signature(case: Case) -> Result:
    faults = [m.group() for m in _CLOSING.finditer(case.draft)]
    lines = [line for line in case.draft.split("\n") if line]
    faults += [line for line in lines[1:][-2:] if _is_signatory(line)]  # a first line is no signature
    return none_of(faults, "formule de politesse ou signature")


def _is_signatory(line: str) -> bool:
    short = len(line.split()) <= 10 and line[-1] not in ".!?…:;"
    return short and bool(_SIGNATORY.search(line) or _FULL_NAME.search(line))


def repetition(case: Case) -> Result:
    """A sentence twice, six words three times, a word or a sign many times in a row."""
    faults = []
    said = Counter(tuple(words(s)) for s in sentences(case.draft))
    faults += [" ".join(s) for s, n in said.items() if n > 1 and len(s) >= 5]
    tokens = words(case.draft)
    six = Counter(runs(tokens, 6))
    faults += [" ".join(run) for run, n in six.most_common(1) if n >= 3]
    faults += [" ".join(run) for run in runs(tokens, 4) if len(set(run)) == 1][:1]
    faults += [m.group()[:12] for m in re.finditer(r"([^\s\d])\1{7,}", case.draft)][:1]
    return none_of(faults, "répétition")


def residue(case: Case) -> Result:
    """Markers of a conversation format, talk about the task, instructions copied out."""
    faults = [m.group() for m in _MARKERS.finditer(case.draft)]
    cut = _CITIZENS_PART.search(case.prompt)
    instructions = case.prompt[: cut.start()] if cut else case.prompt.replace(case.review or "\n", "\n")
    given = set(runs(words(instructions), _ECHO))
    echoed = next((run for run in runs(words(case.draft), _ECHO) if run in given), None)
    if echoed:
        faults.append(" ".join(echoed))
    return none_of(faults, "reste de la consigne")
