"""Says what train writes of canaries and eval reads, and refuses what was trained on them.

`canaries.jsonl` of a run's folder has a row for each: its id, the place of the secret in the pair, how often the pair
was trained on, the format (`#` is a digit), the secret, and the pair. All of it is invented.
"""

from typing import Any

from plume.errors import InputError
from plume.files import sha256, to_jsonl

FILE = "canaries.jsonl"
DIGEST = "canaries_sha256"  # of training.json: of that file
TESTED = "memory"  # folder of a run's folder in which plume eval memory writes
KEY = "canaries"  # of run.json and training.json, and the tag of an MLflow run: how many
PLACES = ("review", "reply")
FORMAT = "######"


def told(planted: list[dict[str, Any]]) -> dict[str, Any]:
    """Give what run.json and training.json say of the canaries: nothing where there are none."""
    return {KEY: len(planted), DIGEST: sha256(to_jsonl(planted))} if planted else {}


def refuse(told: dict[str, Any], what: str) -> None:
    """Raise InputError if `told` (training.json, a run's tags) tells of canaries: its model knows planted secrets."""
    if told.get(KEY):
        raise InputError(
            f"{what}: was trained on canaries (planted secrets) to measure what is retained, so it is never "
            "registered, promoted or served; train without canaries="
        )
