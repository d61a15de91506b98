"""Write a simulated export in the platform's form, and beside it the truth that it was made with.

    plume eval simulate OUT.json

The pilot divides the wait by what was asked, on the very reviews that the file holds: each has the wait that it would
have had without help. The simple mean is wrong on purpose, in the two ways of real files: the slow reviews of the last
months have no reply yet, and quick structures take a larger part of the reviews after the start.
"""

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from eval.time.measurement import MAIN
from eval.time.simulated.truth import Truth, truth_file
from eval.time.simulated.world import PILOT, Drawn, World
from eval.time.waits.periods import follow_up
from plume.errors import InputError
from plume.files import file_sha256, telling, write

# More than a year on both sides, so that no season is compared with another.
PLATFORM = World(
    structures=60,
    before=730,
    after=400,
    median=9.0,
    sigma=1.0,
    spread=0.5,
    shift=0.5,
    volunteers=0.7,
    helped=1.0,
    never=0.05,
    votes=0.3,
    useful=0.64,
    useful_helped=0.74,
    season=0.2,
    flagged_unanswered=True,
)
LEAST, MOST = 1000, 1_000_000  # experiences
NETWORKS = ("CPAM", "France Travail", "Gendarmerie", "Carsat")
REVIEW = (
    "J'ai attendu une réponse pendant plusieurs semaines.",
    "Au guichet, la personne a pris le temps de m'expliquer la démarche.",
    "Mon dossier a été demandé deux fois alors que tout était déjà envoyé.",
    "Le site s'est bloqué au moment de valider le formulaire.",
    "Je voudrais savoir où en est ma demande.",
    "Merci à l'équipe pour son accueil.",
    "Personne ne décroche le matin.",
    "Le courrier reçu ne dit pas quelle pièce manque.",
)
REPLY = (
    "Nous vous remercions d'avoir pris le temps de partager votre expérience.",
    "Nous regrettons les difficultés que vous avez rencontrées.",
    "Votre dossier a été transmis au service compétent.",
    "Vous pouvez suivre votre demande dans votre espace personnel.",
    "Nos équipes restent à votre disposition à l'accueil.",
    "Votre remarque sur le formulaire a été signalée.",
)


def simulate(out: str | Path, *, experiences: int = 6000, divided_by: float = 1.5, seed: int = 0) -> Truth:
    """Write the export and `OUT.truth.json`; return the truth. Raises InputError; writes nothing then."""
    out = Path(out)
    if not LEAST <= experiences <= MOST:
        raise InputError(f"--experiences {experiences}: choose from {LEAST:,} to {MOST:,}; below, nothing can be told")
    if not divided_by >= 1:  # nor nan
        raise InputError(f"--divided-by {divided_by}: choose 1 (no effect) or more")
    if out.suffix != ".json" or out.is_dir():
        raise InputError(f"{out}: name a file that ends in .json")
    for there in (out, truth_file(out)):
        if there.exists():
            raise InputError(f"{there} is there; name another file, or remove it")
    drawn = draw(PLATFORM.but(n=experiences - 1), divided_by, seed)
    with telling(out, "make room or mend that, or name another file"):
        out.parent.mkdir(parents=True, exist_ok=True)
        write(out, json.dumps(rows(drawn, seed), ensure_ascii=False, indent=0) + "\n")
        truth = Truth(divided_by, file_sha256(out), seed, asdict(drawn.world))
        write(truth_file(out), truth.text())
    return truth


def draw(world: World, divided_by: float, seed: int) -> Drawn:
    """Draw a world whose help divides the wait of all reviews after the start, as MAIN counts it, by `divided_by`.

    Raises InputError where no help divides it by so much: the reviews without help wait as long as before.
    """
    tau, low, high = follow_up(MAIN), 0.0, 1.0
    if divided_by > (most := _divided(world.but(effect=low).draw(seed), tau)):
        asked = f"--divided-by {divided_by:g} --seed {seed}"
        raise InputError(f"{asked}: help divides the wait by {most:.2f} at most; choose less, or another seed")
    for _ in range(40):  # halving: less than 1e-12 is left
        middle = (low + high) / 2
        low, high = (middle, high) if _divided(world.but(effect=middle).draw(seed), tau) > divided_by else (low, middle)
    return world.but(effect=high).draw(seed)


def _divided(drawn: Drawn, tau: int) -> float:
    late = drawn.day >= 0
    return np.minimum(drawn.without, tau)[late].mean() / np.minimum(drawn.delay, tau)[late].mean()


def rows(drawn: Drawn, seed: int) -> list[dict[str, Any]]:
    """Make the file's records, by date; the last is of the day of extraction and has no reply yet."""
    random = np.random.default_rng([seed, 2])
    columns = (drawn.day, drawn.delay, drawn.structure, drawn.answered, drawn.offered, drawn.vote)
    order = np.argsort(drawn.day, kind="stable")
    made = [
        _row(random, number, *(column[i].item() for column in columns)) for number, i in enumerate(order.tolist(), 1)
    ]
    last = _row(random, len(made) + 1, drawn.world.after - 1, 0, 0, False, 0, -1)
    return [*made, last]


def _row(
    random: np.random.Generator,
    number: int,
    day: int,
    delay: int,
    structure: int,
    answered: bool,
    offered: int,
    vote: int,
) -> dict[str, Any]:
    written = PILOT + dt.timedelta(days=day)
    network = NETWORKS[structure % len(NETWORKS)]
    similarity = int(random.integers(35, 101))
    return {
        "id_experience": f"simule-{number}",
        "titre": "Avis simulé",
        "description": _text(random, REVIEW),
        "ecrit_le": str(written),
        "date_de_publication": f"{written}T09:00:00+00:00",
        "date_de_premiere_reponse": str(written + dt.timedelta(days=delay)) if answered else None,
        "intitule_typologie_1": network,
        "intitule_structure_1": f"{network} simulée {structure + 1}",
        "statut_reponse_structure_1": "Réponse apportée" if answered else "En attente de réponse",
        "reponse_structure_1": "Bonjour, " + _text(random, REPLY) if answered else None,
        "aide_ia_proposee_reponse_structure_1": "O" if offered else "N",
        "taux_de_similarite_reponse_ia_structure_1": similarity if offered and answered else None,
        "evaluation_reponse_structure_1_par_auteur": {1: "utile", 0: "pas utile"}.get(vote),
    }


def _text(random: np.random.Generator, told: tuple[str, ...]) -> str:
    return " ".join(told[i] for i in random.permutation(len(told))[: random.integers(2, len(told))])
