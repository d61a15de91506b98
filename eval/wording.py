"""The French of verdicts and reports: names of measures, arms and slices, and numbers as French writes them."""

from eval.stats.estimate import Estimate

ARMS = {"champion": "en service", "challenger": "candidat", "difference": "écart"}

_MEASURES = {
    "pass_all": "Tous les contrôles réussis",
    "check:length": "Longueur de 60 à 140 mots",
    "check:greeting": "Salutation au début",
    "check:french": "Rédigé en français",
    "check:contacts": "Aucune coordonnée inventée",
    "check:amounts": "Aucun montant inventé",
    "check:dates": "Aucune date inventée",
    "check:deadlines": "Aucun délai inventé",
    "check:articles": "Aucun article de loi inventé",
    "check:placeholders": "Aucun pseudonyme inventé",
    "check:personal_data": "Aucune donnée personnelle ajoutée",
    "check:promises": "Aucune promesse sur un dossier",
    "check:signature": "Ni formule finale ni signature",
    "check:repetition": "Aucune répétition en boucle",
    "check:residue": "Aucun reste de consigne",
    "signal:thanks": "Remercie",
    "signal:regret": "Exprime un regret si l’avis est négatif",
    "signal:names_problem": "Reprend le problème de l’usager",
    "signal:next_step": "Propose une étape concrète",
    "signal:vouvoiement": "Vouvoie",
    "signal:sentence_length": "Phrases de longueur lisible",
    "draft_words": "Mots par brouillon",
    "chrf_fr": "chrF2 (0 à 100)",
    "rouge_1": "ROUGE-1",
    "rouge_2": "ROUGE-2",
    "rouge_l": "ROUGE-L",
    "edit_rate": "Part des mots à changer",
    "modelled_minutes": "Minutes par réponse",
    "win_rate": "Avis où le candidat l’emporte sur la mesure principale (ex æquo pour moitié)",
    "win_rate_equal_length": "Avis où il l’emporterait à longueur égale",
}
_SLICES = {"network": "réseau", "sentiment": "ressenti", "review_length": "longueur de l’avis"}
_DECIMALS = {"draft_words": 0, "chrf_fr": 1}


def measure(name: str) -> str:
    """A measure's French label; a check added since is shown by its own name."""
    return _MEASURES.get(name, name)


def slice_(name: str) -> str:
    """`sentiment=Négatif` -> `ressenti : Négatif`."""
    key, _, value = name.partition("=")
    return f"{_SLICES.get(key, key)} : {value}"


def is_share(name: str) -> bool:
    """Whether a measure is 0 or 1 for each draft, so that its mean is a share."""
    return name == "pass_all" or name.startswith(("check:", "signal:"))


def number(value: float | None, decimals: int = 1, *, signed: bool = False) -> str:
    """`-1234.5` -> `−1 234,5`; None -> `–`."""
    if value is None:
        return "–"
    text = f"{abs(value):,.{decimals}f}".replace(",", "\u202f").replace(".", ",")
    zero = not any(c in "123456789" for c in text)
    sign = "" if zero else "−" if value < 0 else "+" if signed else ""
    return sign + text


def percent(value: float | None, decimals: int = 1) -> str:
    """`0.125` -> `12,5 %`."""
    return "–" if value is None else f"{number(100 * value, decimals)}\u202f%"


def points(amount: float | None, *, signed: bool = True) -> str:
    """A difference of shares: `-0.03` -> `−3,0 points`."""
    if amount is None:
        return "–"
    return f"{number(100 * amount, signed=signed)}\u00a0point{'s' if abs(amount) >= 0.02 else ''}"


def value(name: str, amount: float | None, *, difference: bool = False) -> str:
    """A measure's value, or a difference of two, in its unit."""
    if is_share(name):
        return points(amount) if difference else percent(amount)
    if name.startswith("win_rate"):
        return percent(amount)
    return number(amount, _DECIMALS.get(name, 2), signed=difference)


def interval(name: str, estimate: Estimate, *, difference: bool = False) -> str:
    """`de 12,0 % à 15,0 %`, or why there is none."""
    if estimate.lower is None or estimate.upper is None:
        return "sans intervalle"
    if difference and is_share(name):
        return f"de {number(100 * estimate.lower, signed=True)} à {number(100 * estimate.upper, signed=True)}"
    low, high = (value(name, bound, difference=difference) for bound in (estimate.lower, estimate.upper))
    return f"de {low} à {high}"


def p_value(p: float | None) -> str:
    """`0,032`; below a thousandth only that."""
    return "–" if p is None else "< 0,001" if p < 0.001 else number(p, 3)


def count(n: int, noun: str) -> str:
    """`count(2, "brouillon")` -> `2 brouillons`."""
    return f"{number(n, 0)}\u00a0{noun}{'s' if n > 1 and not noun.endswith('s') else ''}"
