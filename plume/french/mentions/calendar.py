"""Finds what the calendar names without a figure: a weekday, "hier", "le mois dernier", "à l'automne". Pure.

Deadlines are for `terms`, days and months with a figure for `dates`. What fits any year ("en été", "chaque trimestre",
"avant les vacances") names no date.
"""

import re
from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.rules import Rule, Text, after, before, in_turn, table
from plume.french.vocabulary import any_of, folded

_DAYS = tuple(sorted(folded("weekdays")))
_DAY = any_of(_DAYS)
_SHORT_DAY = rf"(?:{'|'.join(sorted({day[:3] for day in _DAYS}))})"
_SEASON = r"(?:ete|automne|hiver|printemps)"
_FEAST = (
    r"(?:noel|paques|toussaint|ascension|assomption|pentecote|nouvel an|jour de l'an|epiphanie|chandeleur|mardi gras"
    r"|careme|ramadan|aid|armistice|fete nationale|saint-(?:jean|sylvestre|nicolas|martin|michel|valentin))"
)
# Those whose day is the same each year: day and month.
FEASTS = {
    "noel": (25, 12),
    "saint-sylvestre": (31, 12),
    "jour de l'an": (1, 1),
    "nouvel an": (1, 1),
    "epiphanie": (6, 1),
    "chandeleur": (2, 2),
    "saint-valentin": (14, 2),
    "fete nationale": (14, 7),
    "assomption": (15, 8),
    "toussaint": (1, 11),
    "armistice": (11, 11),
}
_SPAN = rf"(?:semaine|mois|an|annee|trimestre|semestre|week-end|saison|rentree|quinzaine|{_SEASON}|{_FEAST})"
_ORDINAL = r"(?:premier|1er|deuxieme|second|2e|2nd|2eme|troisieme|3e|3eme|quatrieme|4e|4eme|dernier|prochain)"
_OPEN = re.compile(r"\b(?:ouvert|ouvr|ferm|acces|accueil|recoi|recev|joignable|permanence|guichet|disponible|horaire)")
# "Au printemps, les demandes affluent" says so of any year.
_OF_ANY_YEAR = re.compile(
    r"\b(?:afflu|pics?\b|saison|souvent|toujours|d'ordinaire|generalement|recommand|deconseil|evit|frequent|allong|engorg"
    r"|satur|chaque|la taille|tailler\b|planter\b|nidif)"
)
_CALENDAR = table(
    Rule(
        "calendar.weekday",
        rf"(?<![\w-]){_DAY}s?\b(?! (?:1er|\d{{1,2}})\b(?! ?h))",
        hint=_DAYS,
        unless=(
            before(r"\bdu "),  # "les ateliers du mercredi"; "du lundi au jeudi" and "d'ici jeudi" are for `terms`
            before(r"\b(?:d'ici(?: a)?|avant|des|pour|jusqu'a|au plus tard|a (?:partir|compter) de) (?:le )?"),
            before(rf"\bdu {_DAY} (?:matin |midi |soir )?au "),
            after(r" et (?:les )?jours feries|,? (?:on|sont|restent|c'est|il y a)\b"),
        ),
        examples=("le premier ‹mardi› du mois", "ouvert ‹lundi› et ‹jeudi›", "mardi 12 mars", "l'atelier du mercredi"),
    ),
    Rule(
        "calendar.short-days",
        rf"(?<![\w-]){_SHORT_DAY}\.?(?: ?[-–/à] ?| au | a ){_SHORT_DAY}\b(?!\w)\.?",
        hint=tuple(sorted({day[:3] for day in _DAYS})),
        examples=("ouvert ‹lun-ven›", "‹lun. au ven.›", "mar et mer"),
    ),
    Rule(
        "calendar.ago",
        r"\b(?:avant-)?hier\b(?: (?:matin|soir|midi|apres-midi))?",
        hint=("hier",),
        unless=before(r"\b(?:date|datent|ne) (?:pas )?d'"),
        examples=("envoyé ‹hier soir›", "cela ne date pas d'hier", "un fichier"),
    ),
    Rule(
        "calendar.last",
        rf"\b(?:l[ae] |l'|au |du |cet |de |depuis |a ){_SPAN} "
        r"(?:derni(?:er|ere)|passee?(?! (?:a|aux?|dans|sans|avec|en|chez|par|et)\b)"
        r"|ecoulee?|precedente?)\b",
        hint=("dernier", "derniere", "passe", "ecoule", "precedent"),
        # "l'examen a été passé": the "été" of a verb.
        unless=lambda match, text: match[0].startswith("a ete") and text.written[match.start()] not in "àÀ",
        examples=(
            "depuis ‹le mois dernier›",
            "‹l'été passé›",
            "où l'examen a été passé",
            "la semaine passée à attendre",
            "le dernier mois",
        ),
    ),
    Rule(
        "calendar.next",
        rf"\b(?:l[ae] |l'|au |du |cet |de |des |a ){{1,2}}"
        rf"(?:prochaine? {_SPAN}|(?!semaine|mois|an|trimestre|ete|rentree){_SPAN} prochaine?)\b",
        hint=("prochain",),
        examples=("‹à la prochaine rentrée›", "‹au printemps prochain›", "la semaine prochaine", "votre prochain avis"),
    ),
    Rule(
        "calendar.season",
        rf"\b(?:c(?:et|e) {_SEASON}|ce (?:matin|week-end)|cet apres-midi"
        r"|(?:a|des|depuis|apres|jusqu'a|fin|debut|courant|mi-?|a partir de|a compter de) ?l'(?:ete|automne|hiver)"
        r"|(?:au|depuis le|des le|jusqu'au|apres le)(?: debut du| milieu du)? printemps"
        r"|(?:fin|debut) (?:du )?printemps)\b",
        hint=("ete", "automne", "hiver", "printemps", "ce matin", "ce week", "cet apres"),
        unless=lambda match, text: (
            match[0] in ("au printemps", "a l'automne")
            and _OF_ANY_YEAR.search(text.folded, max(0, match.start() - 80), match.end() + 80) is not None
        ),
        examples=(
            "rouvert ‹à l'automne›",
            "‹cet hiver›",
            "au printemps, les demandes affluent",
            "en été",
            "avant l'été",
            "les horaires d'hiver",
        ),
    ),
    Rule(
        "calendar.feast",
        rf"\b(?:a|au|apres|avant|depuis|jusqu'a|jusqu'au|des|pendant|entre|vers) (?:la |le |l')?{_FEAST}\b"
        rf"|\b(?:lundi|jeudi|pont|veille|lendemain|week-end|reveillon|semaine|periode) d(?:e |u |')(?:la "
        rf"|l')?{_FEAST}\b"
        r"|\bvacances (?:scolaires )?d(?:e la |e l'|e |'|u )(?:toussaint|noel|paques|fevrier|mars|avril|fin d'annee"
        r"|(?:ete|hiver|printemps))\b",
        hint=(
            "noel",
            "paques",
            "toussaint",
            "ascension",
            "assomption",
            "pentecote",
            "nouvel an",
            "jour de l'an",
            "epiphanie",
            "chandeleur",
            "mardi gras",
            "careme",
            "ramadan",
            "aid",
            "armistice",
            "nationale",
            "saint-",
            "vacances d",
        ),
        examples=("fermé ‹à Noël›", "aux ‹vacances de la Toussaint›", "Noël approche", "les vacances scolaires"),
    ),
    Rule(
        "calendar.quarter",
        rf"\b{_ORDINAL} (?:trimestre|semestre|quadrimestre)\b",
        hint=("trimestre", "semestre", "quadrimestre"),
        examples=("au ‹deuxième trimestre›", "chaque trimestre"),
    ),
    Rule(
        "calendar.decade",
        r"\bannees (?:[1-9]0|vingt|trente|quarante|cinquante|soixante(?:-dix)?|quatre-vingt(?:-dix)?s?)\b",
        hint=("annees",),
        examples=("depuis les ‹années 90›", "vingt années"),
    ),
    Rule(
        "calendar.noon",
        r"\bentre midi et (?:deux|2|quatorze|14)\b",
        hint=("midi",),
        unless=lambda match, text: not _OPEN.search(text.folded[max(0, match.start() - 90) : match.end() + 40]),
        examples=("ouvert ‹entre midi et deux›", "une pause entre midi et deux", "à midi"),
    ),
)
_KEY = re.compile(
    rf"{_DAY}|hier|matin|apres-midi|soir|{_SEASON}|{_FEAST}|semaine|mois\b|\ban\b|annees?|trimestre|semestre|week-end"
    r"|saison|rentree|quinzaine|vacances|midi|[1-9]0\b|vingt|trente|quarante|cinquante|soixante"
)
_IN_SHORT = re.compile(rf"(?<!\w)({_SHORT_DAY})\b")


def calendar(text: Text) -> Iterator[Mention]:
    """Yield each part of the calendar; its value is the words that tell it apart."""
    for start, end, rule, match in in_turn(text, _CALENDAR):
        yield Mention("calendar", start, end, calendar_words(match[0]), rule.name)


def calendar_words(folded_text: str) -> frozenset[str]:
    """List the words of the calendar that a folded text names, days written short as whole ones."""
    short = {day for day in _DAYS for m in _IN_SHORT.finditer(folded_text) if day.startswith(m[1])}
    return frozenset({word.removesuffix("s") if word != "mois" else word for word in _KEY.findall(folded_text)} | short)
