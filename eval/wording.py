"""The French of verdicts and reports: names of measures, arms, slices and inputs, and values in their units."""

from collections.abc import Iterable

from eval.stats.estimate import Estimate
from plume.checks.registry import CHECKS, LABELS
from plume.page import numbers
from plume.page.numbers import count, number, percent, points

# The gate, the report and the remarks say numbers through this module, beside the names of what they are numbers of.
__all__ = ["count", "number", "percent", "points"]

ARMS = {"champion": "en service", "challenger": "candidat", "difference": "écart"}

_MEASURES = {
    "pass_all": "Tous les contrôles réussis",
    **LABELS,
    "draft_words": "Mots par brouillon",
    "chrf_fr": "chrF2 (0 à 100)",
    "rouge_1": "ROUGE-1",
    "rouge_2": "ROUGE-2",
    "rouge_l": "ROUGE-L",
    "edit_rate": "Part des mots à changer",
    "win_rate": "Avis où le candidat l’emporte sur la mesure principale (ex æquo pour moitié)",
    "win_rate_equal_length": "Avis où il l’emporterait à longueur égale",
}
_SLICES = {"network": "réseau", "sentiment": "ressenti", "review_length": "longueur de l’avis"}
_INPUTS = {
    "split": "Partie jugée du jeu de données",
    "split_sha256": "Avis de cette partie",
    "gate_sha256": "Règle",
    "scorer_sha256": "Code qui note",
    "drafts_sha256": "Brouillons",
    "scores_sha256": "Notes",
    "adapter_sha256": "Adaptateur",
    "prompt": "Consigne",
    "examples_sha256": "Exemples montrés",
    "system_sha256": "Description",
    "fingerprint": "Réglages d’écriture",
}
_DECIMALS = {"draft_words": 0, "chrf_fr": 1}


def measure(name: str) -> str:
    """A measure's French label; a check added since is shown by its own name."""
    return _MEASURES.get(name, name)


def checks_off(names: Iterable[str]) -> str:
    """Name the checks that a rule switches off, in a sentence for evaluators."""
    told = (f"« {CHECKS[name].label} »" + (" (tolérance zéro)" * CHECKS[name].zero_tolerance) for name in names)
    return f"Contrôles désactivés par la règle, qui n’ont donc rien décidé : {', '.join(told)}."


def slice_(name: str) -> str:
    """`sentiment=Négatif` -> `ressenti : Négatif`."""
    key, _, value = name.partition("=")
    return f"{_SLICES.get(key, key)} : {value}"


def input_(name: str) -> str:
    """`champion_drafts_sha256` -> `Système en service : Brouillons`; an input added since is shown by its own name."""
    arm, _, rest = name.partition("_")
    if arm not in ("champion", "challenger"):
        return _INPUTS.get(name, name)
    label = "Règle connue avant l’écriture" if rest == "gate_sha256" else _INPUTS.get(rest, rest)
    return f"Système {ARMS[arm]} : {label[:1].lower()}{label[1:]}"


def is_share(name: str) -> bool:
    """Whether a measure is 0 or 1 for each draft, so that its mean is a share."""
    return name == "pass_all" or name.startswith(("check:", "signal:"))


def value(name: str, amount: float | None, *, difference: bool = False) -> str:
    """A measure's value, or a difference of two, in its unit."""
    if is_share(name):
        return points(amount) if difference else percent(amount)
    if name.startswith("win_rate"):
        return percent(amount)
    return number(amount, _DECIMALS.get(name, 2), signed=difference)


def interval(name: str, estimate: Estimate, *, difference: bool = False) -> str:
    """`de 12,0 % à 15,0 %`, or that there is none; a difference of shares without its unit."""
    bare = difference and is_share(name)

    def say(bound: float) -> str:
        return number(100 * bound, signed=True) if bare else value(name, bound, difference=difference)

    return numbers.interval(estimate.lower, estimate.upper, say)
