"""Finds terms that a calendar gives: deadlines ("d'ici la fin du mois", "dès demain") and opening days. Pure.

What says no date ("dans les meilleurs délais", "prochainement") is none.
"""

import re
from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.rules import Rule, Text, in_turn, table
from plume.french.text import fold
from plume.french.vocabulary import any_of, folded

_DAYS_OF_WEEK = tuple(sorted(folded("weekdays")))
_WEEKDAY = any_of(_DAYS_OF_WEEK)
_SPAN = (
    r"(?:semaine|mois|annee|an\b|trimestre|semestre|journee|matinee|soiree|week-end|quinzaine|ete|automne|hiver"
    r"|printemps|rentree)"
)
_NEXT = (
    r"(?:la semaine|le mois|l'an(?:nee)?|le trimestre|l'ete|la rentree) "
    r"(?:prochaine?|qui vient|a venir)"
)
_COMING = (
    r"(?:demain(?: (?:matin|soir|midi|apres-midi))?|apres-demain|ce soir|cette semaine|ce mois-ci"
    rf"|{_WEEKDAY}(?! \d))"
)
_END = (
    r"(?:la |le |)(?:toute )?(?:fin|debut|milieu|mi-)(?: de)? ?"
    rf"(?:du |de la |de cette |de ce |de l'|d'|cette |ce |l')?{_SPAN}"
)
_SEASON = (
    r"(?:la rentree|noel|paques|l'ete|l'automne|l'hiver|le printemps|les (?:grandes "
    r"|prochaines )?vacances(?: d[eu'] ?\w+)?|les fetes"
    r"|le nouvel an)"
)  # a time to come only after "d'ici"
_ORDINAL = r"(?:deux|trois|quatr|cinqu|six|sept|huit|neuv|dix|quinz)ieme"
_PART_OF_DAY = r"(?:matin|apres-midi|soir|midi)s?"
_USUAL = re.compile(
    r"\b(?:fois|jours?|semaines|mois|chaque|tous|heures|trous?|creux|moments?|soirs?|matins?|creneaux?) $"
    r"|\b(?:fois|plusieurs|jours?)\b[^.,;]{0,12}$"
)
# What a service does, which makes a term of "dans la journée".
_ACTS = re.compile(
    r"\b(?:rappel|repon|repond|trait|vers|envo|contact|rev[ie]|recev|recoi|parv|arriv|regl|pass|effect|activ"
    r"|disponib|interv"
    r"|publi|prend|adress|transm|retabl|repris|reprend|corrig|debloq|delivr|remi[st]|remet|livr|valid|rembours|conv"
    r"|fait|termin)\w*[^.!?;]*$"
)
_NO_DAY = re.compile(r"(?:\b(?:de|du|pour) |d')$")
_OPEN = re.compile(
    r"\b(?:ouvert\w*|ouvr\w+|ferm\w+|joignables?|accueil\w*|recoi\w+|recev\w+|disponibles?|permanences?|horaires?"
    r"|guichets?|repond\w*|present\w*)\b"
)
_OPENS = re.compile(r"\b(?:ouvert|ouvr|ferm|recoi|joignable|accueille)")
_BARE = re.compile(rf"le {_WEEKDAY}|\w+ week-ends?")
_DEADLINES = table(
    Rule(
        "term.by",
        r"\b(?:d'ici(?: a)?|des|avant|pour|jusqu'a|au plus tard|sous|a (?:partir|compter) de|a (?:partir"
        r"|compter)(?= du)) ?"
        rf"(?:{_NEXT}|(?:du|au) (?:mois|trimestre) (?:prochain|suivant)|{_COMING}|{_END}(?! d(?:e |')\w)"
        rf"|l[ae] (?!rentree){_SPAN}\b)|\bd'ici(?: a)? {_SEASON}\b",
        hint=("d'ici", "des ", "avant ", "pour ", "jusqu'a", "plus tard", "sous ", "partir d", "compter d"),
        unless=lambda match, _: match[0].startswith(("pour l", "pour c", "des la r")) and "fin" not in match[0],
        examples=(
            "‹d'ici la fin du mois›",
            "‹des demain›",
            "‹avant la fin de l'annee›",
            "des que possible",
            "d'ici peu",
        ),
    ),
    Rule(
        "term.within",
        r"\b(?:dans (?:la (?:semaine|quinzaine|huitaine|dizaine|demi-journee|journee|matinee|soiree|nuit)|le mois"
        r"|l'(?:annee|heure|apres-midi)"
        r"|les (?:tout(?:e?s)? )?(?:prochaine?s|premiere?s) (?:heures|jours|semaines|mois)"
        r"|les (?:heures|jours|semaines|mois) (?:qui viennent|a venir|prochaine?s|suivants?))"
        r"|le courant d(?:e la|u|e l') ?(?:semaine|mois|annee|journee|trimestre)"
        r"|sous (?:une? )?(?:huitaine|quinzaine|dizaine))(?! (?:dernier|passe|ecoule|d(?:e |'|es |u )))",
        hint=("dans l", "sous "),
        unless=(
            lambda match, _: bool(_USUAL.search(match.string, max(0, match.start() - 30), match.start())),
            lambda match, _: (
                match[0].endswith(("journee", "matinee", "soiree", "nuit", "midi"))
                and not _ACTS.search(match.string, max(0, match.start() - 60), match.start())
            ),
        ),
        examples=(
            "reponse ‹dans la semaine›",
            "un agent rappelle ‹dans la journée›",
            "du soleil dans la journée",
            "‹dans les prochains jours›",
            "deux fois dans la semaine",
            "plus de neuf mois dans l'annee",
        ),
    ),
    Rule(
        "term.next",
        rf"\b(?:{_NEXT}|(?:en|courant|fin|debut)(?: (?:debut|fin|milieu))? (?:de |d')?(?:la )?(?:semaine|mois"
        rf"|annee) prochaine?"
        r"|l[ae] (?:semaine|mois) suivante?|a la fin du mois(?! d)"
        r"|ces (?:tout(?:e?s)? )?prochaine?s (?:jours|semaines|heures|mois)|des le lendemain|ce soir(?!-la)"
        rf"|(?:des|au terme d[eu]|a partir d[eu]|passe|apres) (?:l[ea] )?{_ORDINAL} (?:semaine|mois|jour)"
        r"|demain(?! (?:de|du))(?: (?:matin|soir|apres-midi))?|apres-demain)\b",
        hint=("prochain", "qui vient", "a venir", "demain", "suivant", "fin du mois", "ieme ", "ce soir"),
        unless=lambda match, _: bool(_NO_DAY.search(match.string, max(0, match.start() - 12), match.start())),
        examples=("‹demain matin›", "‹la semaine prochaine›", "l'administration de demain", "du jour au lendemain"),
    ),
)
# When a service is open: days of a range, or parts of all days.
_OPENING = table(
    Rule(
        "opening.days",
        rf"\b(?:du|de) {_WEEKDAY} (?:matin |midi |soir )?au {_WEEKDAY}\b",
        hint=_DAYS_OF_WEEK,
        examples=("‹du lundi au vendredi›", "le lundi"),
    ),
    Rule(
        "opening.every",
        r"\b(?:tou(?:s|tes) les (?:matins|apres-midi|midis|soirs|jours(?: ouvres| ouvrables)?(?= ?(?:de|entre|sauf))"
        rf"|{_WEEKDAY}s?)|(?:le|chaque|les) {_WEEKDAY}s?(?: {_PART_OF_DAY})?"
        rf"(?: et (?:le )?{_WEEKDAY}s?(?: {_PART_OF_DAY})?)?"
        r"|(?:ouvert\w*|joignables?|accueil\w*|recoi\w+|disponibles?) (?:[\w']+ ){0,3}?"
        r"(?:le matin|l'apres-midi|le soir|en soiree|en matinee|le midi)|(?:le|les|chaque"
        r"|ce) week-ends?)\b(?! (?:dernier|prochain|\d))",
        hint=(*_DAYS_OF_WEEK, "tous les", "toutes les", "matin", "midi", "soir", "week-end"),
        unless=lambda match, text: (
            not (_OPENS if _BARE.fullmatch(match[0]) else _OPEN).search(
                text.folded[max(0, match.start() - 110) : match.end() + 50]
            )
        ),
        examples=("ouvert ‹tous les matins›", "Le guichet ouvre ‹le samedi matin›.", "le lundi, il pleut"),
    ),
)
_HEAD = re.compile(
    rf"{_ORDINAL}|lendemain|demain|huitaine|quinzaine|dizaine|nuit|apres-midi|semaine|mois|annee|an\b|trimestre|semestre|journee|matinee"
    r"|soiree|week-end|ete|automne|vacances|fetes|nouvel an"
    rf"|hiver|printemps|rentree|noel|paques|heures?|jours?|soir|{_WEEKDAY}"
)
_LOOSE = re.compile(
    rf"\b(?:{_NEXT}|{_COMING}|{_END}|(?:dans|sous) l[ae] {_SPAN}|lendemain|{_ORDINAL} (?:semaine|mois|jour))"
)
_DAYS = re.compile(rf"{_WEEKDAY}|matin|apres-midi|soir|midi|jours|week-end")


def terms(text: Text) -> Iterator[Mention]:
    """Yield deadlines that no figure says; the value is the part of the calendar: "mois", "demain"."""
    for start, end, rule, match in in_turn(text, _DEADLINES):
        yield Mention("term", start, end, _HEAD.findall(match[0])[-1].rstrip("s"), rule.name)


def loose_terms(text: Text) -> set[str]:
    """List the parts of the calendar that a text so much as names as a time to come or an end."""
    return {_HEAD.findall(match[0])[-1].rstrip("s") for match in _LOOSE.finditer(text.folded)}


def opening_days(text: Text) -> Iterator[Mention]:
    """Yield opening days and parts of days; the value is their words that tell them apart."""
    for start, end, rule, match in in_turn(text, _OPENING):
        yield Mention("opening", start, end, opening_words(match[0]), rule.name)


def opening_words(text: str) -> frozenset[str]:
    """List the days and parts of days that a text names."""
    return frozenset(_DAYS.findall(fold(text)))
