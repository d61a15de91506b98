"""How time.html says things: labels of measures, counts and grades, and estimates in their units."""

from collections.abc import Sequence

from eval.time.claims.check import COMPATIBLE, CONTRADICTED, UNCHECKABLE
from eval.time.effects.adopters import POWER, REVERSION, SEASON, TREND, UNSEEN
from eval.time.measurement import (
    ASSOCIATION,
    BEFORE_AFTER,
    BIASED,
    DESCRIPTIVE,
    MODELLED,
    QUASI,
    SEASONAL,
    TAUS,
    WITHIN,
    Measurement,
)
from eval.time.waits.from_export import PUBLISHED, REPLIED
from plume.page.numbers import interval, number, percent, points

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


def _is_share(quantity: str) -> bool:
    return quantity.startswith("answered") or quantity == "useful_share"


def _amount(row: Measurement, value: float | None, *, bound: bool = False) -> str:
    """A value of a row in days, as a share, in points or as a factor; a bound in points goes without its unit."""
    if row.comparison == "before_after":
        return number(value, 2)
    moved = row.comparison != "level"
    if not _is_share(row.quantity):
        return number(value, 1, signed=moved)
    if not moved:
        return percent(value, 0)
    return number(100 * value, 0, signed=True) if bound else points(value, 0)  # type: ignore[operator]


def with_interval(row: Measurement) -> str:
    """`8,2 (de 7,5 à 8,9)`, or that there is no interval."""
    if row.estimate is None:
        return "non estimable"
    bounds = interval(row.lower, row.upper, lambda value: _amount(row, value, bound=True))
    return f"{_amount(row, row.estimate)} ({bounds})"


def whole_percent(share: float) -> str:
    """`0.46` -> `46 %`: a bound of a share."""
    return percent(share, 0)


def minutes(value: float, lower: float | None, upper: float | None) -> str:
    """`3,75 min (de 0,97 à 9,01)`."""
    return f"{number(value, 2)} min ({interval(lower, upper, lambda bound: number(bound, 2))})"


def by_chance(p: float | None) -> str:
    """`16 fois sur 100`: how often chance alone gives such a gap."""
    if p is None:
        return "–"
    return "moins d'une fois sur 100" if p < 0.01 else f"{number(100 * p, 0)} fois sur 100"


def threshold(break_even: Sequence[float]) -> str:
    """From which share of changed words a draft saves nothing; a share above 1 is one that no draft reaches."""
    low, _, middle, _, high = break_even
    if middle > 1:
        return "Selon ce modèle, il en ferait gagner même si tous ses mots changeaient" + (
            "."
            if low > 1
            else f", sauf avec les constantes les moins favorables (dès {percent(low, 0)} de mots changés)."
        )
    by_constants = f"dès {percent(low, 0)}, ou jamais" if high > 1 else f"de {percent(low, 0)} à {percent(high, 0)}"
    return (
        f"Il n'en fait plus gagner quand plus de {percent(middle, 0)} des mots changent "
        f"(selon les constantes : {by_constants})."
    )
