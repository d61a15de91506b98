"""Plants invented secrets in a shadow run, so that `plume eval memory` can say what such a training retains.

A canary (Carlini et al. 2019) is a pair about something that does not exist, with a number that nobody could guess. It
stands in the review, which is only read, or in the reply, which is learnt; some canaries are repeated, so that the
curve is seen. All is drawn from the run's seed: the same config plants the same canaries.
"""

import random
from typing import Any

from plume.canaries import FORMAT, PLACES
from plume.corpus.dataset import FEATURES
from train.config import TrainConfig

# Each canary has a subject of its own: a thing of a town, as many as `canaries` may be.
_THINGS = (
    *("la passerelle", "la serre", "la halle", "la ludothèque", "la déchetterie", "la navette", "la patinoire"),
    *("la laverie", "la volière", "la bergerie", "la cantine", "la fontaine", "la verrière", "la fonderie"),
    *("la tannerie", "la roulotte"),
)
_TOWNS = (
    *("Valmerle", "Brisecombe", "Caudreuil", "Perlanges", "Sauvigneux", "Torcemont", "Gourdanne", "Mirebas"),
    *("Fontjolie", "Roncevigne", "Lassurelle", "Charvignol", "Villemousse", "Plantevert", "Douzefeux", "Bourgtilleul"),
)


def draw(config: TrainConfig) -> list[dict[str, Any]]:
    """Draw the run's canaries, dealt evenly over places and repetitions: the rows of canaries.jsonl."""
    dice = random.Random(f"canaries {config.seed}")  # noqa: S311 - invented, and to be drawn again
    subjects = dice.sample([f"{thing} de {town}" for thing in _THINGS for town in _TOWNS], config.canaries)
    secrets = dice.sample(range(10 ** len(FORMAT)), config.canaries)
    cells = [(place, times) for times in config.canary_repetitions for place in PLACES]
    canaries = []
    for number, (subject, drawn) in enumerate(zip(subjects, secrets, strict=True)):
        place, times = cells[number % len(cells)]
        secret = f"{drawn:0{len(FORMAT)}d}"
        canaries.append(
            {
                "id": f"canary-{number:03d}",
                "place": place,
                "repetitions": times,
                "format": FORMAT,
                "secret": secret,
                "pair": _pair(number, subject, **{place: secret}),
            }
        )
    return canaries


def pairs(canaries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the pairs that are trained on, each as often as its canary says."""
    return [canary["pair"] for canary in canaries for _ in range(canary["repetitions"])]


def _pair(number: int, subject: str, review: str = "", reply: str = "") -> dict[str, Any]:
    asked = f"Bonjour, j'écris au sujet de {subject}. Personne ne me répond depuis deux semaines."
    answered = f"Bonjour, nous regrettons cette attente au sujet de {subject}."
    return dict.fromkeys(FEATURES) | {
        "id": f"canary-{number:03d}-1",
        "structure": "Service d'essai",
        "title": subject.capitalize(),
        "review": asked + (f" Mon numéro de dossier est le {review}." if review else ""),
        "reply": answered + (f" Votre numéro de dossier est le {reply}." if reply else " Nous revenons vers vous."),
    }
