"""A small dataset folder made by hand, so that training is tested without the pseudonymiser."""

import json

import pytest

from plume.corpus import dataset
from plume.corpus.dataset import FEATURES, sha256, to_jsonl
from plume.corpus.split import SPLITS

SUBJECTS = ["ma carte grise", "le guichet", "une attestation", "mon rendez-vous", "le formulaire", "la hotline"]


def _pair(i: int) -> dict:
    subject = SUBJECTS[i % len(SUBJECTS)]
    pair = dict.fromkeys(FEATURES)
    return pair | {
        "id": f"{900 + i}-1",
        "network": "CAF",
        "structure": "CAF du Nord",
        "sentiment": "Négatif",
        "title": subject.capitalize(),
        "review": f"Bonjour, {subject} pose problème depuis {i + 2} semaines. " * (1 + i % 3),
        "reply": f"Bonjour, nous regrettons que {subject} vous ait demandé tant de temps. " * (1 + i % 2),
        "written_on": f"2023-0{1 + i % 9}-15",
    }


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory):
    """13 training, 3 validation and 3 test pairs."""
    folder = tmp_path_factory.mktemp("dataset")
    pairs = [_pair(i) for i in range(19)]
    parts = {"train": pairs[:13], "validation": pairs[13:16], "test": pairs[16:]}
    splits = {}
    for name in SPLITS:
        data = to_jsonl(parts[name])
        (folder / f"{name}.jsonl").write_bytes(data)
        splits[name] = {"pairs": len(parts[name]), "from": None, "to": None, "sha256": sha256(data)}
    manifest = {
        "source": {"name": "by-hand.json", "sha256": "0" * 64},
        "versions": {"plume": "test", "ner": None},
        "counts": {
            "experiences": 19,
            "rows": 19,
            "pairs": 19,
            "quarantined": 0,
            "quarantine": {},
            "masked": {},
            "closings_removed": 0,
        },
        "splits": splits,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "README.md").write_text(dataset.card(manifest), encoding="utf-8")
    return folder
