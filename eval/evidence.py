"""Hashes all that a verdict rests on, and says in French what each hash is of."""

from pathlib import Path
from typing import Any

from eval.drafts import Drafts
from eval.probes import Probed
from eval.ratings import Ratings
from eval.rule import ARMS, rule_sha256
from eval.score import scorer_sha256
from plume.files import json_sha256, sha256

_OF_ALL = {
    "split": "Partie jugée du jeu de données",
    "split_sha256": "Avis de cette partie",
    "gate_sha256": "Règle",
    "scorer_sha256": "Code qui note",
    "probes_sha256": "Avis piégés",
}
RATINGS = "ratings_sha256"
_IF_GIVEN = {RATINGS: "Choix des personnes"}
_OF_A_SYSTEM = {
    "drafts_sha256": "brouillons",
    "probe_drafts_sha256": "brouillons des avis piégés",
    "scores_sha256": "notes",
    "gate_sha256": "règle connue avant l’écriture",
    "adapter_sha256": "adaptateur",
    "prompt": "consigne",
    "examples_sha256": "exemples montrés",
    "sources_sha256": "sources montrées",
    "system_sha256": "description",
    "fingerprint": "réglages d’écriture",
}


def evidence(
    arms: dict[str, Drafts],
    gate: str | Path,
    scores: dict[str, bytes],
    probed: Probed | None = None,
    ratings: Ratings | None = None,
) -> dict[str, Any]:
    """Hash what verdict.json calls its inputs; `promote` compares the adapters' with the registered version's."""
    described = arms["champion"].meta["data"]
    found = described["split"], described["sha256"], rule_sha256(gate), scorer_sha256(), probed and probed.sha256
    inputs = dict(zip(_OF_ALL, found, strict=True))
    for arm, drafts in arms.items():
        system = drafts.meta["system"]
        found = (
            drafts.sha256,
            probed.drafts[arm].sha256 if probed and arm in probed.drafts else None,
            sha256(scores[arm]),
            drafts.meta.get("gate_sha256"),
            system.get("adapter_sha256"),
            system.get("prompt"),
            json_sha256(system["examples"]) if system.get("examples") else None,
            (system.get("sources") or {}).get("sha256"),
            json_sha256(system),
            drafts.meta["fingerprint"],
        )
        inputs |= {f"{arm}_{name}": value for name, value in zip(_OF_A_SYSTEM, found, strict=True)}
    return inputs | ({RATINGS: ratings.sha256} if ratings else {})


def label(name: str) -> str:
    """`champion_drafts_sha256` -> `Système en service : brouillons`; an input added since is shown by its own name."""
    arm, _, rest = name.partition("_")
    if arm not in ARMS:
        return (_OF_ALL | _IF_GIVEN).get(name, name)
    return f"Système {ARMS[arm]} : {_OF_A_SYSTEM.get(rest, rest)}"
