"""Fixtures of the tests of the corpus: a small export, a dataset folder to erase from, a registry."""

import json
import random
import shutil
from pathlib import Path

import pytest

from plume.corpus.dataset import read_manifest
from plume.corpus.documents import card
from plume.files import to_jsonl
from plume.french.text import words as words_of

WORDS = words_of(
    """accueil agence attente bureau carte clarté colis conseil copie courrier délai démarche dossier échange écran
    effort enfant erreur étape facture fiche file formulaire guichet heure horaire lettre lien ligne mairie matin
    message mois page papier parking perte place plainte poste preuve projet rappel reçu refus retard réunion salle
    semaine"""
)


def words(number: int) -> str:
    """Words that no other number shares in this order, so that nothing is a near-duplicate."""
    return " ".join(random.Random(number).sample(WORDS, 30))


def experience(number: int, day: int = 1, **fields) -> dict:
    return {
        "id_experience": number,
        "titre": "Attente",
        "description": f"J'attends une réponse à ma demande depuis longtemps : {words(number)}.",
        "ecrit_le": f"2024-01-{day:02d}",
        "intitule_structure_1": "Mairie",
        "statut_reponse_structure_1": "Réponse apportée",
        "reponse_structure_1": f"Bonjour, nous regrettons cette attente. Vous nous parlez de ceci : {words(-number)}.",
    } | fields


@pytest.fixture
def small(tmp_path) -> Path:
    path = tmp_path / "small.json"
    path.write_text(json.dumps([experience(n, n) for n in range(1, 11)]), encoding="utf-8")
    return path


GONE = "903"  # in train; 914 is in validation, 917 in test


@pytest.fixture
def folder(small_dataset, tmp_path) -> Path:
    """A dataset folder with two quarantined rows, one of an experience that has a pair too."""
    folder = Path(shutil.copytree(small_dataset, tmp_path / "data"))
    rows = [
        {"id": f"{GONE}-2", "reason": "no_reply", "detail": "status: none"},
        {"id": "950", "reason": "no_structure", "detail": f"as {GONE}-1 was"},
    ]
    (folder / "quarantine.jsonl").write_bytes(to_jsonl(rows))
    manifest = read_manifest(folder)
    manifest["counts"] |= {"rows": 21, "quarantined": 2, "quarantine": {"no_reply": 1, "no_structure": 1}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "README.md").write_text(card(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def env(tmp_path) -> dict[str, str]:
    return {"PLUME_HOME": str(tmp_path / "home"), "MLFLOW_TRACKING_URI": ""}


@pytest.fixture
def store(empty_store, tmp_path, env):
    """A registry of the test's own: `register(digest, source=…, alias=…)` adds a version as plume train does.

    `before` is train split and export of the adapter that it was trained from.
    """
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")

    def register(
        digest: str, *, source: str | None = "9" * 64, alias: str | None = None, before: tuple[str, str] | None = None
    ) -> int:
        import mlflow

        uri = f"sqlite:///{home / 'mlflow.db'}"
        client = mlflow.MlflowClient(uri, registry_uri=uri)
        if not client.search_registered_models():
            client.create_registered_model("plume-reply")
        adapter = tmp_path / f"adapter-{digest[:4]}-{alias}"
        adapter.mkdir()
        if source:
            training = {"dataset": {"source": {"sha256": source}}}
            if before:
                training["ancestors"] = [{"dataset": {"source": {"sha256": before[1]}}}]
            (adapter / "training.json").write_text(json.dumps(training))
        tags = {"train_split_sha256": digest} | ({"earlier_train_splits": before[0]} if before else {})
        version = client.create_model_version("plume-reply", adapter.as_uri(), tags=tags)
        if alias:
            client.set_registered_model_alias("plume-reply", alias, version.version)
        return int(version.version)

    return register
