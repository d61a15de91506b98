"""Dates, times of day and lengths of time that a reply may not invent.

Each is compared by value with what review and prompt hold: "en mars" is known where the review says "12/03/2024", "deux
mois" where it says "2 mois".
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from plume.checks.case import NOTHING, Case, Result, none_of
from plume.checks.coordinates import blank
from plume.french.numbers import NUMBER, ROUGH, WORDS, value
from plume.french.text import fold, words

_MONTHS = words("janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre")
_MONTH = r"(janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre)\b"
# As an abbreviation a month is read after its day only.
_SHORT_MONTH = r"(janv?|f[ée]vr?|avr|juil|sept|oct|nov|d[ée]c)\b\.?"
_YEAR = r"((?:19|20)\d{2})"
_WEEKDAY = r"(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)"
_DAY = rf"\d{{1,2}}|1er|premier|(?<=le ){WORDS}|(?<=du ){WORDS}|(?<=au ){WORDS}"
_DAY_MONTH = re.compile(rf"\b({_DAY})[ -](?:{_MONTH}|{_SHORT_MONTH})(?:[ -]{_YEAR}\b)?", re.IGNORECASE)
# Days of a list or a range share the month that is named last: "du 3 au 12 mars", "les 2, 9 et 16 avril".
_DAYS = re.compile(
    rf"\b(\d{{1,2}}|1er)(?=(?:(?:, | et | ou | au | - ?|-)(?:le )?(?:\d{{1,2}}|1er)){{1,4}} {_MONTH})", re.IGNORECASE
)
_NUMERIC = re.compile(
    r"(?<![\d/.-])(\d{1,2})( ?[/.-] ?)(\d{1,2})\2(\d{4}|\d{2})(?![\d/-])|(?<![\d/])(\d\d)/(\d\d)(?![\d/])"
)
_MONTH_YEAR = re.compile(r"(?<![\d/])(0[1-9]|1[0-2])/((?:19|20)\d\d)(?![\d/])")
_ISO = re.compile(r"(?<![\d-])(\d{4})[-/](\d\d)[-/](\d\d)(?![\d-])")
_DAY_ONLY = re.compile(
    rf"\b(?:{_WEEKDAY} (\d{{1,2}}|1er)\b(?! ?(?:h|heures)\b)"
    rf"|le ({_DAY})(?= (?:du|de ce|de chaque) mois| (?:prochain|courant)\b))(?: (?:du|de ce|de chaque) mois)?",
    re.IGNORECASE,
)
_BRINGS = (
    r"\b(?:en|depuis|fin|début|courant|mi-|dès|d'ici|mois de|mois d'|avant|jusqu'en|jusqu'à|année|pour) ?(?:fin "
    r"|début |mi-)?"
)
_OTHER_MONTH = r"(?<![\w-])(janvier|f[ée]vrier|avril|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre)\b"
_MONTH_ONLY = re.compile(
    rf"(?:{_BRINGS})?{_MONTH} {_YEAR}\b|(?:{_BRINGS}|\b(?:de|entre|et|ou|après) ){_MONTH}(?!-| (?:19|20)\d\d)"
    rf"|{_OTHER_MONTH}",
    re.IGNORECASE,
)
_YEAR_ONLY = re.compile(
    rf"(?<!n°)(?<!n° )(?<!numéro )(?<!formulaire )(?<!imprimé )(?<!cerfa )(?<!déclaration )\b(?:en "
    rf"|depuis )?{_YEAR}\b(?![.,]\d|-\d{{2,4}}\b"
    r"| ?(?:€|%|euros?|personnes|demandes|dossiers|usagers|agents|avis))"
)
_SPELLED_YEAR = re.compile(
    rf"\b(?:en|depuis|année|fin|début|{_MONTH[1:-3]}) (deux mille(?:[- ](?:{WORDS}))?"
    rf"|mille neuf cent(?:[- ](?:{WORDS}))?)\b",
    re.IGNORECASE,
)
_RELATIVE_DAY = re.compile(rf"\b({_WEEKDAY}) (?:prochain|dernier)\b", re.IGNORECASE)
_HOUR = (
    r"\d{1,2}|une|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|dix-sept"
    r"|dix-huit|dix-neuf|vingt"
)
_MINUTES = {"quinze": 15, "vingt": 20, "trente": 30, "quarante-cinq": 45, "et quart": 15, "et demie": 30}
_SPELLED_MINUTES = re.compile(rf" ({'|'.join(_MINUTES)})\b(?! minutes)", re.IGNORECASE)
# A time of day has minutes, or a word before it that no length of time has. "de 9 h" wants an end: "à 12 h".
_CLOCK = re.compile(
    rf"(?<![\w,.])(?:(?:(?<!\b[1-5] )(?<!deux )(?<!trois )(?<!quatre )à|(?:dès|jusqu'à|(?:à partir|à compter"
    rf"|au-delà) de|passé|avant|après|vers|entre|et)) ({_HOUR}) ?(?:h|heures?)(?: ?([0-5]\d))?(?! ?/)\b"
    r"(?! (?:de|d'|par|sur|plus)\b| d')"
    rf"|de ({_HOUR}) ?(?:h|heures?)?(?: ?([0-5]\d))?(?= ?(?:à|-|jusqu'à) ?(?:midi|(?:(?<=h à )(?:{_HOUR})"
    rf"|(?<=h-)(?:{_HOUR})|(?<=\d\d à )(?:{_HOUR})|[89]|1\d|2[0-3]) ?(?:h|heures?)))"
    r"|([01]?\d|2[0-3]) ?(?:h|heures?|:) ?([0-5]\d)(?![\d:])"
    r"|([01]?\d|2[0-3]) ?h(?: ?([0-5]\d))?(?= ?[-–/à] ?(?:[01]?\d|2[0-3]) ?h)|(?<=\dh[-–/])([01]?\d|2[0-3]) ?h\b())",
    re.IGNORECASE,
)
_NOON = re.compile(r"(?<![\w-])(?:à|jusqu'à|dès|avant|de|entre|et|vers) (midi|minuit)\b(?! et deux)", re.IGNORECASE)
_ALWAYS_OPEN = re.compile(
    r"\b(?:24 ?h(?:eures)?(?: ?/ ?| sur )24(?: ?h(?:eures)?)?|7 ?j(?:ours)?(?: ?/ ?| sur )7(?: ?j(?:ours)?)?)\b"
    r"|\bvingt-quatre heures sur vingt-quatre\b|\bsept jours sur sept\b",
    re.IGNORECASE,
)

_DIGIT = re.compile(r"\d")
Moment = tuple[int | None, int | None, int | None]  # day, month, year; None where the text does not say


def _month(name: str) -> int:
    return next(i for i, month in enumerate(_MONTHS, 1) if month.startswith(fold(name)))


def _day(text: str) -> int:
    return 1 if text.lower() in ("1er", "premier") else int(value(text))


def _dates(text: str) -> Iterator[tuple[str, Moment]]:
    """Every date once: what one pattern reads is blanked out for the vaguer ones that follow."""
    lower = text.lower()
    named, digits = any(month in lower for month in _NAMED), _DIGIT.search(text) is not None
    for pattern, needs_digit, needs_month, read in _READERS:
        if (needs_digit and not digits) or (needs_month and not named):
            continue
        matches = list(pattern.finditer(text))
        for m in matches:
            if (date := read(m)) is not None:
                yield m.group(), date
        if matches:
            text = pattern.sub(lambda m: " " * len(m.group()), text)


def _numeric(m: re.Match[str]) -> Moment | None:
    day, month, year = int(m[1] or m[5]), int(m[3] or m[6]), int(m[4]) if m[4] else None
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    return day, month, year + 2000 if year is not None and year < 100 else year


# A pattern, whether it wants a digit, whether the full name of a month, and how it is read.
_READERS: list[tuple[re.Pattern[str], bool, bool, Callable[[re.Match[str]], Moment | None]]] = [
    (_ISO, True, False, lambda m: (int(m[3]), int(m[2]), int(m[1]))),
    (_DAYS, True, True, lambda m: (_day(m[1]), _month(m[2]), None)),
    (_DAY_MONTH, False, False, lambda m: (_day(m[1]), _month(m[2] or m[3]), int(m[4]) if m[4] else None)),
    (_NUMERIC, True, False, _numeric),
    (_MONTH_YEAR, True, False, lambda m: (None, int(m[1]), int(m[2]))),
    (_DAY_ONLY, False, False, lambda m: (_day(m[1] or m[2]), None, None)),
    (_SPELLED_YEAR, False, False, lambda m: (None, None, int(value(m[1])))),
    (_MONTH_ONLY, False, True, lambda m: (None, _month(m[1] or m[3] or m[4]), int(m[2]) if m[2] else None)),
    (_YEAR_ONLY, True, False, lambda m: (None, None, int(m[1]))),
]
_NAMED = (
    *words(
        "janvier février fevrier mars avril mai juin juillet août aout septembre octobre novembre décembre decembre"
    ),
)
_HINTS = (*_NAMED, *_WEEKDAY[3:-1].split("|"), "midi", "minuit", "heure", "mille", "du mois")


@lru_cache(maxsize=32)
def _given_dates(text: str) -> frozenset[Moment]:
    """All dates of a text, and any month or year it so much as names."""
    named = {(None, _month(m[1]), None) for m in re.finditer(rf"\b{_MONTH}", text, re.IGNORECASE)}
    years = {(None, None, int(y)) for y in re.findall(rf"(?<!\d){_YEAR}(?!\d)", text)}
    days = {(_day(d), None, None) for d in re.findall(r"\ble (\d{1,2}|1er)\b", text)}
    return frozenset({d for _, d in _dates(text)} | named | years | days)


def _agrees(said: Moment, given: Moment) -> bool:
    """A date may be said less exactly than it was given ("en mars" for 12/03/2024), never more exactly."""
    return all(part is None or part == known for part, known in zip(said, given, strict=True))


def _times(text: str) -> Iterator[tuple[str, tuple[float, float], re.Match[str]]]:
    """Times of day as (hour, minute)."""
    for m in _CLOCK.finditer(text):
        hour, minute = next((m[i], m[i + 1]) for i in (1, 3, 5, 7, 9) if m[i])
        spelled = None if minute else _SPELLED_MINUTES.match(text, m.end())
        if value(hour) < 24:
            minutes = float(_MINUTES[spelled[1].lower()]) if spelled else value(minute or "0")
            yield m.group() + (spelled.group() if spelled else ""), (value(hour), minutes), m


@lru_cache(maxsize=32)
def _given_times(text: str) -> frozenset[tuple[float, float]]:
    """Times of a text, and any number of hours or with a colon, whatever it counts."""
    loose = re.findall(rf"(?<![\d\w])({_HOUR}) ?(?:h|heures?|:)(?: ?(\d\d))?(?!\w)", text, re.IGNORECASE)
    noon = {"midi": (12.0, 0.0), "minuit": (0.0, 0.0)}
    return frozenset(
        {t for _, t, _ in _times(text)}
        | {(value(h), value(m or "0")) for h, m in loose}
        | {(value(h), 0.0) for h in re.findall(r"(?:de|entre) (\d{1,2}) (?:à|et) \d{1,2} ?h", text)}
        | {noon[word] for word in noon if word in text.lower()}
    )


def invented_dates(case: Case) -> Result:
    """Days, months, years and times of day."""
    draft = _ALWAYS_OPEN.sub(" ", blank(case.draft))
    lower = draft.lower()
    if not (_DIGIT.search(draft) or any(hint in lower for hint in _HINTS)):
        return True, NOTHING
    given = blank(case.given)
    known, hours = _given_dates(given), _given_times(given)
    faults = [text for text, date in _dates(draft) if not any(_agrees(date, k) for k in known)]
    faults += [text for text, time, _ in _times(draft) if time not in hours]
    faults += [
        m.group() for m in _NOON.finditer(draft) if m[1].lower() not in given.lower() and (12.0, 0.0) not in hours
    ]
    faults += [m.group() for m in _RELATIVE_DAY.finditer(draft) if m[1].lower() not in given.lower()]
    return none_of(faults, "dates ou horaires absents de l'avis et de la consigne")


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
    "journée": 24,
    "nuit": 24,
    "semaine": 168,
    "mois": 730,
    "trimestre": 2190,
    "semestre": 4380,
    "an": 8760,
    "année": 8760,
    "décennie": 87600,
    "siècle": 876000,
}
_TIME_UNIT = "|".join(sorted((f"{unit}s?" for unit in _HOURS if unit not in ("h", "j", "mois")), key=len, reverse=True))
_DURATION = re.compile(
    rf"({NUMBER})(?: ?(?:à|ou|et|-|/) ?({NUMBER}))? ?(mois|{_TIME_UNIT}|h|j)\b( et demie?\b)?(?! ?\d\d\b)",
    re.IGNORECASE,
)
_J_PLUS = re.compile(r"\b(?:J|M) ?\+ ?(\d{1,3})\b")
_FORTNIGHT = re.compile(r"\b(?:sous|d'ici|dans la) (huitaine|quinzaine)\b", re.IGNORECASE)
# In a passage in English, the plainest form.
_ENGLISH_UNITS = {"hour": "heure", "day": "jour", "week": "semaine", "month": "mois", "year": "an"}
_ENGLISH_NUMBERS = {w: i for i, w in enumerate(words("one two three four five six seven eight nine ten"), 1)} | {
    str(i): i for i in range(100)
}
_ENGLISH = re.compile(
    rf"\b(?:within|in|for|after) (?:about )?({'|'.join(_ENGLISH_NUMBERS)}) (?:working |business )?"
    rf"({'|'.join(_ENGLISH_UNITS)})s?\b",
    re.IGNORECASE,
)
_ROUGHLY = re.compile(
    rf"\b({'|'.join(ROUGH)}) d(?:e |')(jours|semaines|mois|heures|années|ans|minutes)\b", re.IGNORECASE
)
_QUARTERS = re.compile(r"\b(?:(trois quarts)|un quart) d'heure\b", re.IGNORECASE)
# "un jour" may be an idiom: one of something is a deadline only after such a word, or if it is never an idiom.
_DEADLINE = re.compile(
    r"(?:sous|dans|d'ici|en|après|pour|sur|(?:délai|moins|plus|bout|période|durée|validité|maximum|attente"
    r"|au-delà) d[e']"
    r"|environ|maximum|valables?|pendant|durant|dure|durera|prend|prendra|compte[rz]|attend\w+|tous les) ?$",
    re.IGNORECASE,
)
_NEVER_IDIOM = frozenset(("mois", "trimestre", "semestre", "semaine", "demi-heure"))
_IDIOM = re.compile(
    r" ?(?:ou l'autre|à l'autre|sur l'autre|sur deux|de plus|après l'autre|donnée?|(?:in)?compl[eè]te?\b|manquante?\b"
    r"|(?<=journée )d[e'] ?\w|pleine?\b|travaillée?\b|chargée?\b|déjà\b|si |aussi |où\b|comme|sans )",
    re.IGNORECASE,
)

_THOSE = re.compile(
    r"(?<!dans )(?<!sous )(?<!pendant )(?<!durant )(?<!après )(?<!avant )(?<!d'ici )(?<!pour )\b[lcs]es $",
    re.IGNORECASE,
)


def _durations(text: str) -> Iterator[tuple[str, list[float], bool]]:
    """The text, its one or two lengths in hours, and whether it is surely a duration."""
    for m in _DURATION.finditer(text):
        name = m[3].lower() if m[3].lower() == "mois" else m[3].lower().rstrip("s")
        unit = _HOURS[name]
        lengths = [value(n) + (0.5 if m[4] else 0) for n in m.groups()[:2] if n]
        # "huit jours" and "quinze jours" are a week and two.
        lengths = [{8: 7, 15: 14}.get(n, n) if unit == 24 else n for n in lengths]
        sure = lengths != [1] or bool(_DEADLINE.search(text[max(0, m.start() - 20) : m.start()]))
        # "les deux années" are those just spoken of; "dans les deux années" is a term.
        sure &= not (name in ("an", "année") and _THOSE.search(text[max(0, m.start() - 20) : m.start()]))
        idiom = lengths == [1] and _IDIOM.match(text, m.end())
        sure = (sure or name in _NEVER_IDIOM) and not idiom
        yield m.group(), [round(n * unit, 4) for n in lengths], sure
    for m in _ROUGHLY.finditer(text):
        unit = _HOURS[m[2].lower() if m[2].lower() == "mois" else m[2].lower().rstrip("s")]
        number = ROUGH[m[1].lower()]
        yield m.group(), [(14 if unit == 24 and number == 15 else number) * unit], True
    for m in _J_PLUS.finditer(text):
        yield m.group(), [float(m[1]) * 24], True
    for m in _QUARTERS.finditer(text):
        yield m.group(), [0.75 if m[1] else 0.25], True
    for m in _ENGLISH.finditer(text):
        yield m.group(), [_ENGLISH_NUMBERS.get(m[1].lower(), -1) * _HOURS[_ENGLISH_UNITS[m[2].lower()]]], True
    for m in _FORTNIGHT.finditer(text):
        yield m.group(), [168.0 if m[1].lower() == "huitaine" else 336.0], True


@lru_cache(maxsize=32)
def _given_durations(text: str) -> frozenset[float]:
    return frozenset(length for _, lengths, _ in _durations(text) for length in lengths)


# How old the citizen or somebody of theirs is: told by who answers, it is personal data (`plume.checks.privacy`).
_RELATIVE = (
    r"(?:garçon|fils|fille|fillette|enfant|bébé|petit|petite|mère|père|maman|papa|mari|femme|époux|épouse|conjointe?"
    r"|compagn\w+"
    r"|frère|sœur|grand-mère|grand-père|neveu|nièce|proche|parente?|ado|adolescente?)"
)
AGE = re.compile(
    rf"\b(?:votre|vos) (?:\w+ )?{_RELATIVE}s?\b[^.!?;\n]{{0,25}}?\b(?:à|de|a|âgée?s? de|ses|d') ?({NUMBER}) (?:ans"
    rf"|mois)\b"
    rf"|\b(?:à|malgré|avec|de|du haut de) (?:vos|ses) ({NUMBER}) ans\b|\bvous (?:avez|aviez|aurez"
    rf"|allez avoir) ({NUMBER}) ans\b(?! (?:de|pour|d'))"
    rf"|\b(?<!d')(?<!de )(?:âgée? de|à) ({NUMBER}) ans,? (?:vous|votre (?:\w+ )?{_RELATIVE}|il|elle)\b(?! (?:pourr"
    rf"|dev|est possible|faut))",
    re.IGNORECASE,
)


def invented_deadlines(case: Case) -> Result:
    """Lengths of time, in figures or in words, but for somebody's age."""
    draft = AGE.sub(lambda m: " " * len(m.group()), _ALWAYS_OPEN.sub(" ", blank(case.draft)))
    for _, _, m in list(_times(draft)):
        draft = draft[: m.start()] + " " * len(m.group()) + draft[m.end() :]
    said = [(text, lengths) for text, lengths, sure in _durations(draft) if sure]
    known = _given_durations(blank(case.given)) if said else frozenset()
    faults = [text for text, lengths in said if not known.issuperset(lengths)]
    return none_of(faults, "délais ou durées absents de l'avis et de la consigne")
