"""Finds lengths of time with their values in hours: "deux mois", "48 h", "J+3", "une quinzaine de jours". Pure."""

import re
from collections.abc import Callable, Iterator

from plume.french.mentions import Mention
from plume.french.numbers import NUMBER, ROUGH, value
from plume.french.rules import Rule, Text, in_turn, table
from plume.french.vocabulary import any_of

_HOURS = {
    "seconde": 1 / 3600,
    "minute": 1 / 60,
    "min": 1 / 60,
    "mn": 1 / 60,
    "demi-heure": 0.5,
    "h": 1,
    "heure": 1,
    "j": 24,
    "jour": 24,
    "journee": 24,
    "demi-journee": 12,
    "nuit": 24,
    "semaine": 168,
    "sem": 168,
    "mois": 730,
    "trimestre": 2190,
    "semestre": 4380,
    "an": 8760,
    "annee": 8760,
    "decennie": 87600,
    "siecle": 876000,
}
_UNIT = "|".join(sorted((f"{unit}s?" for unit in _HOURS if unit not in ("h", "j", "mois")), key=len, reverse=True))
_WORDS = frozenset(word + s for unit in _HOURS for word in unit.split("-") for s in ("", "s")) - {"j"}
_HINTS = (*(f"{digit}{blank}j" for digit in range(10) for blank in ("", " ")), " j ", " j.", " j,", " j)")
# In a passage in English, the plainest form.
_ENGLISH_UNITS = {"hour": "heure", "day": "jour", "week": "semaine", "month": "mois", "year": "an"}
_ENGLISH_NUMBERS = {
    w: i for i, w in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1)
} | {str(i): i for i in range(100)}
_MINUTES = (
    r"(?:(?:cinq|dix|quinze|vingt(?:[- ]cinq)?|trente(?:[- ]cinq)?|quarante(?:[- ]cinq)?|cinquante(?:[- ]cinq)?)\b"
    r"(?![- ][a-z]*(?:taine|zaine)))"
)
_DURATION = Rule(
    "duration.number",
    rf"({NUMBER})(?: ?(?:a|ou|et|-|/) ?({NUMBER}))? ?(?:(?:bon|petit|grand|gros|court|plein)(?:ne|te|de|sse|e)?s? )?"
    rf"(mois|{_UNIT}|h|j)\b(?:( et demie?\b| et quart\b)|(?:(?<=heures)|(?<=heure))(?: et)?"
    rf" ({_MINUTES}|\d\d?(?= min)))?(?! ?\d\d\b)",
    hint=_HINTS,
    words=_WORDS,
    examples=("sous ‹deux mois›", "en ‹3 à 5 jours›", "‹deux heures dix› d'attente", "14 h 30", "deux agents"),
)


def _are_two(folded: str, m: re.Match[str]) -> bool:
    """Say whether two numbers that "et" joins are of two things, and no span: "entre 6 et 3 mois"."""
    return folded[m.end(1) : m.start(2)] == " et " and not folded.endswith("entre ", 0, m.start())


def _unit(name: str) -> float:
    return _HOURS[name if name == "mois" else name.rstrip("s")]


# The other ways to say a duration, and their value in hours: all of them surely one.
_OTHERS: dict[Rule, Callable[[re.Match[str]], float]] = {
    Rule(
        "duration.rough",
        rf"\b({any_of(ROUGH)}) d(?:e |')(jours|semaines|mois|heures|annees|ans|minutes)\b",
        hint=tuple(ROUGH),
        examples=("une ‹quinzaine de jours›", "une dizaine d'agents"),
    ): lambda m: (14 if _unit(m[2]) == 24 and ROUGH[m[1]] == 15 else ROUGH[m[1]]) * _unit(m[2]),
    Rule(
        "duration.j-plus",
        r"\b(?:J|M) ?\+ ?(\d{1,3})\b",
        hint=("+",),
        digit=True,
        reads="written",
        examples=("à ‹J+3›", "3 + 2"),
    ): lambda m: float(m[1]) * 24,
    Rule(
        "duration.quarters",
        r"\b(?:(trois quarts)|un quart) d'heure\b",
        hint=("quart",),
        examples=("‹un quart d'heure›", "le quart des dossiers"),
    ): lambda m: 0.75 if m[1] else 0.25,
    Rule(
        "duration.english",
        rf"\b(?:within|in|for|after) (?:about )?({'|'.join(_ENGLISH_NUMBERS)}) (?:working |business )?"
        rf"({'|'.join(_ENGLISH_UNITS)})s?\b",
        hint=tuple(_ENGLISH_UNITS),
        examples=("‹within two days›", "in the day"),
    ): lambda m: _ENGLISH_NUMBERS[m[1]] * _HOURS[_ENGLISH_UNITS[m[2]]],
    Rule(
        "duration.fortnight",
        r"\b(?:sous|d'ici|dans la|une(?: (?:petite|bonne|grosse|grande))?) (huitaine|quinzaine)\b(?! d[e'])",
        hint=("taine", "zaine"),
        examples=("‹sous huitaine›", "comptez ‹une petite quinzaine›", "une quinzaine d'agents"),
    ): lambda m: 168.0 if m[1] == "huitaine" else 336.0,
    Rule(
        "duration.that-hour",
        rf"\bheure et ({NUMBER}) min(?:utes?)?\b",
        hint=("heure et",),
        examples=("cette ‹heure et dix minutes› sous la pluie", "une heure et quart"),
    ): lambda m: 1 + value(m[1]) / 60,
}
table(_DURATION, *_OTHERS)
# "un jour" may be an idiom: one of something is a deadline only after such a word, or if it is never an idiom.
_DEADLINE = re.compile(
    r"(?:sous|dans|d'ici|en|apres|pour|sur|(?:delai|moins|plus|bout|periode|duree|validite|maximum|attente"
    r"|au-dela|pres) d[e']"
    r"|environ|maximum|valables?|pendant|durant|dure|durera|prend|prendra|compte[rz]|attend\w+|tous les) ?$"
)
# "prendre une minute", "après une nuit de garde", "sur une journée": what is told, no term.
_TERM = re.compile(r"(?:sous|dans|d'ici|en|(?:delai|moins|maximum|bout|au-dela) d[e']) ?$")
_SHORT = frozenset(("seconde", "minute", "min", "mn", "nuit", "journee"))
# What somebody gives of his time: "merci d'avoir pris deux minutes".
_TAKEN = re.compile(r"\b(?:pris|prendre|prenant|prene[zr]|accord\w+|consacr\w+|perd\w+) (?:ces |ne serait-ce que )?$")
_TERM_AFTER = re.compile(r" (?:suffi|apres\b|plus tard|de delai|au (?:maximum|plus|moins)|maximum|en moyenne)")
_NEVER_IDIOM = frozenset(("mois", "semestre", "semaine", "demi-heure", "demi-journee"))
# Those of a pension are counted, not waited for.
_OF_PENSION = re.compile(
    r" (?:valid|cotis|assimil|manqu|rachet|acqui|attribu|report|d'assurance|suppl|de plus|en plus)"
)
_PENSION = re.compile(r"\b(?:valid|cotis|assimil|manqu|rachet|acqui|acquer|attribu|report|compt|obten)\w* $")
_IDIOM = re.compile(
    r" ?(?:ou l'autre|a l'autre|sur l'autre|sur deux|de plus|apres l'autre|donnee?|(?:in)?complete?\b|manquante?\b"
    r"|(?<=journee )d[e'] ?\w|(?<=heure )(?:de pointe|d'affluence|creuse|tardive|precise|fixe|convenue|matinale|indue)"
    r"|pleine?\b|travaillee?\b|chargee?\b|deja\b|si |aussi |ou\b|comme|sans )"
)
_IDIOM_OF_ANY = re.compile(
    r" ?(?:ou l'autre|sur l'autre|sur deux|de plus|apres l'autre|deja\b|si |aussi |ou\b"
    r"|comme|sans |incomplet|manquant)"
)
# "les deux années" are those just spoken of; "dans les deux années" is a term.
_THOSE = re.compile(
    r"(?<!tous )(?<!toutes )(?<!dans )(?<!sous )(?<!pendant )(?<!durant )(?<!apres )(?<!avant )(?<!d'ici )(?<!pour )"
    r"\b[lcs]es $"
)


def durations(text: Text, *, unsure: bool = False) -> Iterator[Mention]:
    """Yield what surely is a length of time, or all that may be one; the value is its one or two lengths in hours."""
    for start, end, rule, m in in_turn(text, [_DURATION]):
        name = m[3] if m[3] == "mois" else m[3].rstrip("s")
        more = value(m[5]) / 60 if m[5] else {" et quart": 0.25}.get(m[4], 0.5) if m[4] else 0
        lengths = [value(n) + more for n in m.groups()[:2] if n]
        if len(lengths) > 1 and lengths[0] > lengths[1] and _are_two(text.folded, m):
            start, lengths = m.start(2), lengths[1:]  # "le cerfa 16702 et un mois"
        # "huit jours" and "quinze jours" are a week and two.
        lengths = [{8: 7, 15: 14}.get(n, n) if _HOURS[name] == 24 else n for n in lengths]
        if unsure or _is_sure(text.folded, start, end, name, lengths):
            yield Mention("duration", start, end, tuple(round(n * _HOURS[name], 4) for n in lengths), rule.name)
    for rule, read in _OTHERS.items():
        for start, end, _, m in in_turn(text, [rule]):
            yield Mention("duration", start, end, (read(m),), rule.name)


def _is_sure(folded: str, start: int, end: int, unit: str, lengths: list[float]) -> bool:
    """Say whether a number of units is a length of time, and no idiom ("un jour ou l'autre")."""
    before = folded[max(0, start - 20) : start]
    sure = lengths != [1] or bool(_DEADLINE.search(before) or _TERM_AFTER.match(folded, end))
    sure &= not (unit in ("an", "annee") and (_THOSE.search(before) or before.endswith(("doute sur ", "erreur sur "))))
    if unit == "trimestre" and (_OF_PENSION.match(folded, end) or _PENSION.search(before)):
        return False
    if unit in ("min", "minute") and before.endswith("heure et "):
        return False  # "duration.that-hour" reads both
    if lengths == [107]:
        return False  # "attendre cent sept ans"
    if unit in _SHORT:
        sure &= lengths != [1] or bool(_TERM.search(before))
        sure &= not (unit in ("seconde", "minute") and _TAKEN.search(before))
    idiom = lengths == [1] and (_IDIOM_OF_ANY if unit in _NEVER_IDIOM else _IDIOM).match(folded, end)
    idiom = idiom and not (unit in _NEVER_IDIOM and _TERM.search(before))
    return (sure or unit in _NEVER_IDIOM) and not idiom


_ALWAYS_OPEN = re.compile(
    r"\b(?:24 ?h(?:eures)?(?: ?/ ?| sur )24(?: ?h(?:eures)?)?|7 ?j(?:ours)?(?: ?/ ?| sur )7(?: ?j(?:ours)?)?)\b"
    r"|\bvingt-quatre heures sur vingt-quatre\b|\bsept jours sur sept\b"
)


def without_always_open(text: Text) -> Text:
    """Blank "24 h/24" and "7 j/7" out: neither is a length of time, nor a date."""
    return text.blanked(match.span() for match in _ALWAYS_OPEN.finditer(text.folded))
