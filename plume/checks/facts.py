"""Facts that a reply may not invent: amounts, dates and times, deadlines, articles of law, placeholders.

Each is compared by value with what review and prompt hold, so "deux mois" is known where the review says "2 mois".
"""

import re
from collections.abc import Callable, Iterator

from plume.checks.case import Case, Result, none_of
from plume.checks.coordinates import blank
from plume.checks.numbers import NUMBER, value
from plume.checks.text import fold, squeeze, words

_AMOUNT = re.compile(
    rf"({NUMBER}) ?(k|milliers? d'|millions? d'|milliards? d')? ?(€|euros?\b|eur\b|%|pour cent\b|centimes?\b)",
    re.IGNORECASE,
)
_SCALE = {"k": 1e3, "millier": 1e3, "million": 1e6, "milliard": 1e9}


def _amounts(text: str) -> Iterator[tuple[str, tuple[float, str]]]:
    for m in _AMOUNT.finditer(text):
        scale = _SCALE.get((m[2] or "").lower().split(" ")[0].rstrip("s"), 1)
        unit = "%" if m[3].lower() in ("%", "pour cent") else "centime" if m[3].lower().startswith("centime") else "€"
        yield m.group(), (value(m[1]) * scale, unit)


def invented_amounts(case: Case) -> Result:
    """Sums and rates. "100 %" says "entirely" and is no rate."""
    known = {key for _, key in _amounts(blank(case.given))} | {(100, "%")}
    faults = [text for text, key in _amounts(blank(case.draft)) if key not in known]
    return none_of(faults, "montants absents de l'avis et de la consigne")


_MONTHS = words("janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre")
_MONTH = r"(janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre)\b"
_YEAR = r"((?:19|20)\d{2})"
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}}|1er|premier) {_MONTH}(?: {_YEAR}\b)?", re.IGNORECASE)
_NUMERIC = re.compile(
    r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-])|(?<![\d/])(\d\d)/(\d\d)(?![\d/])"
)
_ISO = re.compile(r"(?<![\d-])(\d{4})-(\d\d)-(\d\d)(?![\d-])")
_BRINGS = r"\b(?:en|depuis|fin|début|courant|mi-|dès|d'ici|mois de|mois d'|avant|jusqu'en|année|pour) ?"
_MONTH_ONLY = re.compile(rf"(?:{_BRINGS})?{_MONTH} {_YEAR}\b|{_BRINGS}{_MONTH}", re.IGNORECASE)
_YEAR_ONLY = re.compile(
    rf"\b(?:en |depuis )?{_YEAR}\b(?![.,]\d| ?(?:€|%|euros?|personnes|demandes|dossiers|usagers|agents|avis))"
)
_CLOCK = re.compile(
    r"\b(?:à|dès|entre|et|jusqu'à|avant|vers|(?<!délai )(?<!moins )(?<!plus )(?<!près )de) (\d{1,2}) ?(?:h|heures?)"
    r"(?: ?(\d\d))?(?!\w|/)",
    re.IGNORECASE,
)
_ALWAYS_OPEN = re.compile(r"\b(?:24 ?h(?:eures)?(?: ?/ ?| sur )24(?: ?h)?|7 ?j(?:ours)?(?: ?/ ?| sur )7(?: ?j)?)\b")

Moment = tuple[int | None, int | None, int | None]  # day, month, year; None where the text does not say


def _month(name: str) -> int:
    return _MONTHS.index(fold(name)) + 1


def _dates(text: str) -> Iterator[tuple[str, Moment]]:
    """Every date once: what one pattern reads is blanked out for the vaguer ones that follow."""
    for pattern, read in _READERS:
        for m in pattern.finditer(text):
            if (date := read(m)) is not None:
                yield m.group(), date
        text = pattern.sub(lambda m: " " * len(m.group()), text)


def _numeric(m: re.Match[str]) -> Moment | None:
    day, month, year = int(m[1] or m[5]), int(m[3] or m[6]), int(m[4]) if m[4] else None
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    return day, month, year + 2000 if year is not None and year < 100 else year


_READERS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Moment | None]]] = [
    (_ISO, lambda m: (int(m[3]), int(m[2]), int(m[1]))),
    (_DAY_MONTH, lambda m: (int(re.sub(r"\D", "", m[1]) or 1), _month(m[2]), int(m[3]) if m[3] else None)),
    (_NUMERIC, _numeric),
    (_MONTH_ONLY, lambda m: (None, _month(m[1] or m[3]), int(m[2]) if m[2] else None)),
    (_YEAR_ONLY, lambda m: (None, None, int(m[1]))),
]


def _given_dates(text: str) -> set[Moment]:
    """All dates of a text, and any month or year it so much as names."""
    named = {(None, _month(m[1]), None) for m in re.finditer(rf"\b{_MONTH}", text, re.IGNORECASE)}
    return (
        {d for _, d in _dates(text)}
        | named
        | {(None, None, int(y)) for y in re.findall(rf"(?<!\d){_YEAR}(?!\d)", text)}
    )


def _agrees(said: Moment, given: Moment) -> bool:
    """A date may be said less exactly than it was given ("en mars" for 12/03/2024), never more exactly."""
    return all(part is None or part == known for part, known in zip(said, given, strict=True))


def invented_dates(case: Case) -> Result:
    """Days, months, years and times of day."""
    draft, given = _ALWAYS_OPEN.sub(" ", blank(case.draft)), blank(case.given)
    known = _given_dates(given)
    faults = [text for text, date in _dates(draft) if not any(_agrees(date, k) for k in known)]
    hours = {
        (int(h), int(m or 0)) for h, m in re.findall(r"(?<!\d)(\d{1,2}) ?(?:h|heures?|:)(?: ?(\d\d))?(?!\w)", given)
    }
    faults += [m.group() for m in _CLOCK.finditer(draft) if int(m[1]) < 24 and (int(m[1]), int(m[2] or 0)) not in hours]
    return none_of(faults, "dates ou horaires absents de l'avis et de la consigne")


_HOURS = {
    "h": 1,
    "heure": 1,
    "j": 24,
    "jour": 24,
    "semaine": 168,
    "mois": 730,
    "trimestre": 2190,
    "an": 8760,
    "année": 8760,
}
_DURATION = re.compile(
    rf"({NUMBER})(?: ?(?:à|ou|et|-) ?({NUMBER}))? ?"
    r"(heures?|h|jours?|j|semaines?|mois|trimestres?|ans?|années?)\b(?! ?\d\d\b)",
    re.IGNORECASE,
)
# "un jour" may be an idiom: one of something is a deadline only after such a word.
_DEADLINE = re.compile(
    r"(?:sous|dans|d'ici|en|après|(?:délai|moins|plus|bout) d[e']|environ|maximum|valables?|pendant|durant) ?$",
    re.IGNORECASE,
)


def _durations(text: str) -> Iterator[tuple[str, list[float], bool]]:
    """The text, its one or two lengths in hours, and whether it is surely a duration."""
    for m in _DURATION.finditer(text):
        unit = _HOURS[m[3].lower() if m[3].lower() == "mois" else m[3].lower().rstrip("s")]
        lengths = [value(n) for n in m.groups()[:2] if n]
        # "huit jours" and "quinze jours" are a week and two.
        lengths = [{8: 7, 15: 14}.get(n, n) if unit == 24 else n for n in lengths]
        sure = lengths != [1] or bool(_DEADLINE.search(text[: m.start()]))
        yield m.group(), [n * unit for n in lengths], sure


def invented_deadlines(case: Case) -> Result:
    """Lengths of time, in figures or in words, ages among them."""
    known = {length for _, lengths, _ in _durations(blank(case.given)) for length in lengths}
    draft = _ALWAYS_OPEN.sub(" ", blank(case.draft))
    draft = _CLOCK.sub(lambda m: m.group() if int(m[1]) > 23 else " " * len(m.group()), draft)
    faults = [text for text, lengths, sure in _durations(draft) if sure and not known.issuperset(lengths)]
    return none_of(faults, "délais ou durées absents de l'avis et de la consigne")


_ARTICLE = re.compile(
    r"\b(?:articles?|art\.) ?(?:[LRDA]\b\.? ?\*?)?\d+(?:er)?(?:[-.]\d+)*\b"
    r"|\b[LRD]\. ?\d{2,4}(?:-\d+)*\b|\b[LRD] ?\d{2,4}(?:-\d+)+\b"
    r"|\b(?:loi|décret|arrêté|ordonnance|circulaire) (?:n° ?|no ?|numéro )?\d{2,4}-\d+\b",
    re.IGNORECASE,
)


def _article(text: str) -> str:
    return re.sub(r"^(?:articles?|art|loi|decret|arrete|ordonnance|circulaire)(?:no|numero|n)?", "", squeeze(text))


def invented_articles(case: Case) -> Result:
    known = {_article(m.group()) for m in _ARTICLE.finditer(case.given)}
    faults = [m.group() for m in _ARTICLE.finditer(blank(case.draft)) if _article(m.group()) not in known]
    return none_of(faults, "textes de loi absents de l'avis et de la consigne")


# What the pseudonymiser writes ([USAGER], [AGENT_1]) and what models leave to fill in. "[page](adresse)" is a link.
PLACEHOLDER = re.compile(
    r"\[[^\[\]\n]{1,60}\](?!\()|\{\{?[^{}\n]{1,40}\}\}?|\bX{3,}\b|_{4,}|\((?:à compléter|nom du service|nom)\)"
)


def invented_placeholders(case: Case) -> Result:
    known = {m.group() for m in PLACEHOLDER.finditer(case.given)}
    faults = [m.group() for m in PLACEHOLDER.finditer(case.draft) if m.group() not in known]
    return none_of(faults, "repères absents de la consigne")
