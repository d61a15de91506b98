"""How time.html says things: French numbers, labels of measures, counts and grades."""

import datetime as dt
import re

from markupsafe import Markup

from eval.time.check import COMPATIBLE, CONTRADICTED, UNCHECKABLE
from eval.time.delays import PUBLISHED, REPLIED
from eval.time.did import POWER, REVERSION, SEASON, TREND, UNSEEN
from eval.time.rows import (
    ASSOCIATION,
    BEFORE_AFTER,
    BIASED,
    DESCRIPTIVE,
    MODELLED,
    QUASI,
    SEASONAL,
    TAUS,
    WITHIN,
    Estimate,
)

NBSP = "\N{NO-BREAK SPACE}"
QUANTITIES = {
    **{f"rmst_{tau}": f"Attente moyenne limitée à {tau} jours (j)" for tau in TAUS},
    **{f"answered_{days}d": f"Réponse en {days} jours au plus" for days in WITHIN},
    "median_days": "Attente médiane (j)",
}
OUTCOMES = {COMPATIBLE: "compatible", CONTRADICTED: "contredit", UNCHECKABLE: "non vérifiable"}
STATUSES = {"announced": "annonce officielle", "press": "presse", "target": "objectif"}
GRADES = {
    QUASI: "B : structures adoptantes comparées aux autres, tendances antérieures assez bien connues et parallèles",
    BEFORE_AFTER: "C : comparaison sans groupe témoin valable ; n'établit pas la cause",
    SEASONAL: "mêle les saisons : avant/après de moins d'un an de chaque côté ; l'écart peut n'être que la saison",
    ASSOCIATION: "association : les agents choisissent quand ils se servent de l'IA ; n'établit pas la cause",
    DESCRIPTIVE: "description : ce que montre le fichier, sans comparaison",
    MODELLED: "D : calcul à partir de textes et d'hypothèses, non une mesure",
    BIASED: "biaisé : montré pour mémoire, à ne pas citer",
}
SHORT = {
    QUASI: "B",
    BEFORE_AFTER: "C",
    SEASONAL: "mêle les saisons",
    ASSOCIATION: "association",
    DESCRIPTIVE: "description",
    MODELLED: "D",
    BIASED: "biaisé",
}
# Why adopters against others is of grade C.
WEAK = {
    SEASON: "le fichier ne contient pas les mêmes jours un an plus tôt, et compare des saisons différentes",
    UNSEEN: "le fichier remonte trop peu, ou compte trop peu de structures, pour vérifier que les deux groupes "
    "évoluaient de même avant le lancement",
    TREND: "avant le lancement, leurs évolutions différaient déjà",
    POWER: "avant le lancement, une différence d'évolution aussi grande que cet effet ne peut pas être exclue",
    REVERSION: "entre structures aussi lentes avant le lancement, l'effet ne se voit plus ; les adoptantes, plus "
    "lentes ou plus rapides que d'habitude, ont pu revenir à leur moyenne sans l'aide",
}
COLUMNS = {PUBLISHED: "date de publication", REPLIED: "date de première réponse"}
COUNTED = {
    "unreadable": "Enregistrements illisibles, écartés",
    "experiences": "Expériences lues",
    "duplicate": "Expériences déjà lues (même identifiant), écartées",
    "rejected": "Expériences rejetées par la modération, écartées",
    "waits": "Attentes (une par expérience et par structure saisie)",
    "replied": "… avec une réponse",
    "placeholder": "… avec le seul message d'attente de la plateforme, compté comme sans réponse",
    "unanswered": "… sans réponse",
    "from_publication": "Attentes comptées depuis la publication",
    "from_writing": "Attentes comptées depuis l'écriture, faute de date de publication",
    "published_before_written": "Expériences publiées avant d'être écrites (incohérentes, gardées)",
    "undated_reply": "Réponses sans date, exclues des délais",
    "shared_date": "Réponses d'expériences à plusieurs réponses, qui portent la date de la première (délai minimal)",
    "date_without_reply": "Expériences datées d'une réponse qui n'y figure pas, comptées comme sans réponse",
    "no_start": "Date impossible : ni publication ni écriture lisible",
    "unreadable_reply": "Date impossible : première réponse illisible",
    "reply_before_start": "Date impossible : réponse antérieure au départ de l'attente",
    "after_extraction": "Date impossible : postérieure à l'extraction",
}
FATES = {"as_is": "publiés tels quels", "edited": "retouchés", "discarded": "réécrits"}
DECIDED = {
    "all": "Tous",
    "accepted": "Brouillon accepté",
    "edited": "Brouillon retouché",
    "rejected": "Brouillon rejeté",
}
STATUS_OF_CONSTANT = {
    "published": "publié",
    "memory": "publié, cité de mémoire",
    "assumption": "hypothèse",
}


def number(value: float | None, digits: int = 1, *, sign: bool = False) -> str:
    """1.25 -> "1,3"; what is absent is a dash."""
    if value is None:
        return "–"
    value = round(value, digits) or 0.0  # no "−0"
    return f"{value:{'+' if sign and value else ''}.{digits}f}".replace(".", ",").replace("-", "−")


def p_value(p: float | None) -> str:
    """0.164 -> "0,164"; never "0,000"."""
    return "< 0,001" if p is not None and p < 0.001 else number(p, 3)


def share(value: float | None, *, sign: bool = False) -> str:
    """0.74 -> "74 %"."""
    return "–" if value is None else number(100 * value, 0, sign=sign) + f"{NBSP}%"


def is_share(quantity: str) -> bool:
    return quantity.startswith("answered") or quantity == "useful_share"


def amount(row: Estimate, value: float | None) -> str:
    """A value of a row as it is read: days, shares, points or a factor."""
    if row.comparison == "before_after":
        return number(value, 2)
    moved = row.comparison != "level"
    if is_share(row.quantity):
        text = share(value, sign=moved)
        return text.replace("%", "pt") if moved else text
    return number(value, 1, sign=moved)


def with_interval(row: Estimate) -> str:
    """ "8,2 [7,5 ; 8,9]", or why there is no interval."""
    if row.estimate is None:
        return "non estimable"
    if row.lower is None:
        return f"{amount(row, row.estimate)} (intervalle non estimable)"
    return f"{amount(row, row.estimate)} [{amount(row, row.lower)} ; {amount(row, row.upper)}]"


def span(lower: float | None, upper: float | None, show) -> str:
    return "intervalle non estimable" if lower is None else f"[{show(lower)} ; {show(upper)}]"


def day(value: dt.date) -> str:
    return f"{value:%d/%m/%Y}"


def published(date: str) -> str:
    """YYYY, YYYY-MM or YYYY-MM-DD as it is written in French."""
    return "/".join(reversed(date.split("-")))


def typography(page: str) -> Markup:
    """French no-break spaces, so that no line starts with a punctuation mark."""
    page = re.sub(r"(?<=\S) (?=[;:!?»%])", NBSP, page)
    return Markup(page.replace("« ", f"«{NBSP}"))  # noqa: S704 - already escaped: the rendered template
