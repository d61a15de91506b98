"""Dataset folders and drafts for the tests of scoring and comparison: invented texts, no model."""

import hashlib
import json

import pytest

from eval.drafts import tie
from plume.paths import ROOT

GOOD = (
    "Bonjour, merci d'avoir pris le temps de partager votre expérience avec notre accueil. Nous regrettons sincèrement "
    "l'attente que vous décrivez au guichet et le manque d'information sur votre demande. Votre retour est "
    "précieux et nous aide à mieux comprendre ce que vivent les personnes que nous "
    "accueillons. Pour toute question sur votre situation, "
    "vous pouvez consulter votre espace personnel en ligne ou vous présenter à notre accueil aux heures d'ouverture. "
    "Nous restons à votre écoute et espérons que votre prochaine visite se passera dans de meilleures conditions, "
    "dossier {}."
)
WORSE = "Votre avis est noté, dossier {}."  # too short, no greeting
REPLY = (
    "Bonjour, nous vous remercions de votre avis. Nous regrettons l'attente au guichet, dossier {}. Nos équipes "
    "travaillent à une meilleure organisation de l'accueil et restent à votre écoute pour toute question."
)


def _lines(path, rows):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def make_data(tmp_path):
    """make_data(n) -> a dataset folder whose test split holds n pairs of n experiences."""

    def make(n, name="data", review="J'ai attendu une heure au guichet sans information, dossier {}."):
        folder = tmp_path / name
        folder.mkdir()
        pairs = [
            {
                "id": f"{i:04d}-1",
                "network": "Préfectures" if i % 2 else "CAF",
                "structure": "Accueil",
                "sentiment": "Négatif" if i % 3 else "Positif",
                "title": "Attente",
                "review": review.format(i) + " Trop long." * (i % 7),
                "reply": REPLY.format(i),
            }
            for i in range(n)
        ]
        contents = {"train": [], "validation": [], "test": pairs}
        splits = {s: {"sha256": _lines(folder / f"{s}.jsonl", rows)} for s, rows in contents.items()}
        (folder / "manifest.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def few_probes(tmp_path):
    """Four of the probes, for rules that ask for no more."""
    path = tmp_path / "probes.jsonl"
    lines = (ROOT / "datasets" / "probes" / "probes.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[::60]), encoding="utf-8")
    return path


@pytest.fixture
def make_drafts(tmp_path, few_probes):
    """make_drafts(data, "name", text_of) -> drafts.jsonl; text_of(i) is a draft, None (absent) or an exception.

    Beside it, one draft for each of `few_probes`: `probe_text`, None for no such file.
    """

    def make(data, name, text_of, probe_text=GOOD, split="test", **meta):
        pairs = [json.loads(line) for line in (data / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]
        rows = []
        for i, pair in enumerate(pairs):
            text = text_of(i)
            if isinstance(text, Exception):
                rows.append({"id": pair["id"], "system": name, "error": str(text)})
            elif text is not None:
                rows.append({"id": pair["id"], "system": name, "draft": text})
        path = tmp_path / f"{name}.jsonl"
        sha = hashlib.sha256((data / f"{split}.jsonl").read_bytes()).hexdigest()
        described = {
            "system": {"name": name, "base": {"model": "tiny"}, "adapter_sha256": None, "prompt": "v1"},
            "decoding": {"strategy": "greedy"},
            "fingerprint": "f",
            "data": {"split": split, "sha256": sha},
        } | meta
        tied, sealed = tie(rows, described)
        _lines(path, tied)
        path.with_suffix(".meta.json").write_text(json.dumps(sealed), encoding="utf-8")
        if probe_text:
            answered = {"split": "probes", "sha256": hashlib.sha256(few_probes.read_bytes()).hexdigest()}
            rows = [
                {"id": json.loads(line)["id"], "system": name, "draft": probe_text}
                for line in few_probes.read_text(encoding="utf-8").splitlines()
            ]
            tied, sealed = tie(rows, described | {"data": answered})
            _lines(path.with_suffix(".probes.jsonl"), tied)
            path.with_suffix(".probes.meta.json").write_text(json.dumps(sealed), encoding="utf-8")
        return path

    return make


@pytest.fixture
def texts():
    """The texts of a draft that passes every gating check, of one that fails, and of a published reply."""
    return {"good": GOOD, "worse": WORSE, "reply": REPLY}
