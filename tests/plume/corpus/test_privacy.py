"""privacy.html: says what manifest, gold set and audit say; tolerates older folders; renders in a real browser."""

import json
import re
import shutil
from pathlib import Path

import pytest

from plume.corpus import audit, forget, privacy
from plume.corpus.dataset import read_manifest
from plume.corpus.gold import share
from plume.pseudonymise import PLACEHOLDERS
from plume.pseudonymise.catalogue import CATALOGUE

K = {
    "smallest": 1,
    "below_5": {"pairs": 7, "share": 0.3684},
    "groups": 9,
    "histogram": {"1": 4, "2-4": 2, "5-9": 2, "10+": 1},
}


@pytest.fixture
def folder(small_dataset, tmp_path) -> Path:
    return Path(shutil.copytree(small_dataset, tmp_path / "data"))


@pytest.fixture
def full(folder):
    """A manifest with all that the page can show."""
    manifest = read_manifest(folder)
    manifest["counts"] |= {
        "rows": 23,
        "quarantined": 4,
        "quarantine": {"no_reply": 3, "a_new_reason": 1},
        "masked": {"TEL": 3, "AGENT": 12},
        "layers": {"rule": 5, "ner": 10},
    }
    manifest["k"] = {"department,structure,month": K, "department,structure,month,age": K}
    return manifest


def text_of(page: str) -> str:
    bare = re.sub(r"<[^>]+>", " ", page.partition("<body>")[2]).replace("&nbsp;", " ").replace("\u202f", " ")
    return " ".join(bare.replace("&#39;", "'").split())


def test_the_page_says_what_the_manifest_says(full):
    text = text_of(privacy.render(full))
    assert "pseudonymisées et minimisées, non anonymes" in text
    assert "23 lignes (une expérience, une structure) = 19 couples conservés + 4 lignes écartées." in text
    assert "Sans réponse 3" in text
    assert "a_new_reason 1" in text  # a reason without French words is not left out
    assert "Agent nommé 12 Téléphone 3" in text
    assert "Noms : reconnaissance par modèle 10" in text
    assert "Département, structure, mois, tranche d'âge 9 1 7 (36,8 %)" in text
    assert "Aucun audit n'a été fait." in text
    for criterion in ("Individualisation", "Corrélation", "Inférence"):
        assert criterion in text
    assert "plume data forget" in text
    assert "signature du délégué" in text


def test_older_folders_lack_keys_and_the_page_says_so(folder):
    text = text_of(privacy.render(read_manifest(folder)))
    assert "La répartition par couche n'est pas connue" in text
    assert "Ce compte n'a pas été fait" in text


def test_recall_is_that_of_first_shots_on_unseen_sets_never_of_tuned_ones(full):
    full["gold"] = {"shares": {"ident": {"direct": share(999, 999)}}}  # the gold set, on which rules were tuned
    text = text_of(privacy.render(full))
    assert "999" not in text
    assert "jeu aveugle 4, formes voulues inattendues 23/11/2026 180 oui 93,4 % 170 sur 182" in text
    assert "textes difficiles, phrases d'un autre style 11/2026 425 non consigné 91,5 % de 87,9 % à 94,2 %" in text
    assert "un jeu est dit réglé" in text
    dates = [row["scored_on"] for row in privacy.first_shots()]
    assert dates == sorted(dates, reverse=True)
    for row in privacy.first_shots():
        for key in ("direct", "names", "keep", "clean"):
            assert (
                row[key] is None
                or row[key]["lower"] is None
                or (row[key]["lower"] <= row[key]["share"] <= row[key]["upper"])
            )


def test_same_folder_same_bytes(folder, full):
    privacy.write_report(folder, full)
    first = (folder / privacy.FILE).read_bytes()
    privacy.write_report(folder, json.loads(json.dumps(full)))
    assert (folder / privacy.FILE).read_bytes() == first
    assert read_manifest(folder)["splits"] == full["splits"]


def test_the_audit_is_shown_with_its_bound_and_one_of_other_splits_is_not_counted(folder):
    manifest = read_manifest(folder)
    known, pairs = audit.Audit.open(folder, manifest, 300, None), audit.read_pairs(folder)
    for pair in known.sample(pairs)[:18]:
        known.answer(pair["id"], "ok")
    privacy.write_report(folder, manifest)
    text = text_of((folder / privacy.FILE).read_text(encoding="utf-8"))
    assert "19 couples tirés au hasard parmi 19, sans remise ; 18 relus" in text
    assert "Audit non terminé : 1 couple reste à lire." in text
    known.answer(known.sample(pairs)[18]["id"], "missed", ["AUTRE"])
    privacy.write_report(folder, manifest)
    text = text_of((folder / privacy.FILE).read_text(encoding="utf-8"))
    assert "au plus 22,64 %" in text  # 1 of 19: root of (1-p)^19 + 19 p (1-p)^18 = 0.05
    assert "Autre donnée 1" in text
    known.splits = "0" * 64
    known.save()
    privacy.write_report(folder, manifest)
    text = text_of((folder / privacy.FILE).read_text(encoding="utf-8"))
    assert "Aucun audit n'a été fait. Le relevé présent dans le dossier porte sur une autre version" in text


CHANCE, LEARNT = ({"estimate": e, "lower": e - 1, "upper": e + 1, "n": 8} for e in (1.5, 6.5))
ESTIMATES = [
    {"quantity": quantity, "system": system, "place": place, "repetitions": 4} | value
    for place, value in (("review", CHANCE), ("reply", LEARNT))
    for quantity, system in (("exposure", "adapter"), ("exposure", "base"), ("extracted", "adapter"))
]


def test_what_a_model_retains_is_shown_if_it_was_measured_and_an_erasure_keeps_it(folder):
    told = {
        "estimates": ESTIMATES,
        "chance_bits": 1.405,
        "most_bits": 7,
        "base": "tiny",
        "trained": {"steps": 70, "epochs": 1.7},
        "inputs": {"train_split_sha256": read_manifest(folder)["splits"]["train"]["sha256"]},
    }

    def shown(content: str) -> str:
        (folder / privacy.MEMORY).write_text(content)
        privacy.write_report(folder, read_manifest(folder))
        return text_of((folder / privacy.FILE).read_text(encoding="utf-8")).replace("\u00a0", " ")

    assert "Cela n'a pas été mesuré. Pour le faire : plume train" in shown("{")
    assert "Cela n'a pas été mesuré." in shown('{"estimates": [{}]}')
    text = shown(json.dumps(told))
    assert "dans la réponse 4 6,50 de 5,5 à 7,5 6,50" in text
    assert "la partie d'apprentissage d'avant" not in text
    found, _ = forget.find(["901"], [folder])
    assert sum(map(forget.forget, found)) == 1
    text = text_of((folder / privacy.FILE).read_text(encoding="utf-8"))
    assert "dans la réponse 4 6,50" in text
    assert "Elle porte sur la partie d'apprentissage d'avant" in text


def test_a_name_cannot_inject_markup(full):
    full["source"]["name"] = "<script>alert(1)</script>.json"
    page = privacy.render(full)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_every_placeholder_has_its_line_in_the_catalogue():
    assert {row["type"] for row in CATALOGUE} - {"PERSONNE"} == PLACEHOLDERS


def test_the_page_is_accessible(full):
    page = privacy.render(full)
    assert '<html lang="fr">' in page
    assert not re.search(r"<th(?! scope=)", page.replace("<thead>", ""))
    assert page.count("<table") == page.count("<caption>")
    assert [int(level) for level in re.findall(r"<h(\d)", page)] == [1] + [2] * 12
    assert "@media print" in page
    assert re.findall(r'(?:src|href)="(.*?)"', page) == ["#contenu"]


def test_the_page_in_a_browser(full, browser, tmp_path):
    full["counts"]["quarantine"].pop("a_new_reason")  # has no French words
    (tmp_path / "privacy.html").write_text(privacy.render(full), encoding="utf-8")
    sheets, headings = browser.look_over(tmp_path / "privacy.html")
    assert sheets <= 8
    assert headings["12. Avis et signature"] == sheets
