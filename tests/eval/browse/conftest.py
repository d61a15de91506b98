"""840 reviews and the drafts of three systems, whose scores are written by hand: to score them takes half a minute."""

import json

import pytest
from fastapi.testclient import TestClient

from eval.browse.app import make
from eval.browse.inputs import Browsed, Failure, System
from eval.browse.items import Items, index
from eval.browse.notes import Notes
from eval.drafts import Drafts

N = 840
EVIL = '<script>document.title = "pris"</script>'
DRAFTS = (
    "Bonjour, merci de votre avis sur le guichet numéro {i}. Nous regrettons l’attente.",
    "Bonjour, merci de votre avis sur l’accueil numéro {i}. Nous vous rappellerons demain. Cordialement, l’équipe.",
    "=1+1 {i}. Rien de commun ici avec ces autres textes.",
)
PROMISE = Failure(
    "promesse ou décision sur un dossier : « Nous vous rappellerons »",
    ("promise.we-shall",),
    (("Nous vous rappellerons", ("promise.we-shall",)),),
)
GREETING = Failure("commence par « =1+1 »", ("greeting.none",), (("=1+1", ("greeting.none",)),))


def a_pair(i):
    return {
        "id": f"{i:04d}-1",
        "network": "CAF" if i % 2 else "Préfectures",
        "structure": "Accueil",
        "department": "Nord",
        "sentiment": "Négatif" if i % 3 else "Positif",
        "title": "Attente",
        "review": f"J’ai attendu {i} minutes au guichet." + " C’était trop long." * (i % 7) + (EVIL if i == 7 else ""),
        "reply": f"Bonjour, nous vous remercions de votre avis numéro {i}.",
        "written_on": "2023-05-17",
    }


def a_system(place, name, failures):
    rows = {f"{i:04d}-1": {"id": f"{i:04d}-1", "draft": DRAFTS[place].format(i=i)} for i in range(N)}
    if place == 1:
        rows["0005-1"] = {"id": "0005-1", "error": "cut off"}
    return System(name, Drafts("-", rows, {"system": {"prompt": "v1"}}, str(place)), failures)


@pytest.fixture(scope="session")
def browsed(tmp_path_factory):
    """System 0 fails nothing but item 10; 1 promises in every tenth item; 2 greets nowhere."""
    ids = [f"{i:04d}-1" for i in range(N)]
    failures = (
        {ids[10]: {"check:promises": PROMISE}},
        {i: {"check:promises": PROMISE} for n, i in enumerate(ids) if n % 10 == 1},
        {i: {"check:greeting": GREETING} for i in ids},
    )
    names = ("En service : base", "Candidat : plume-reply 4", f"autre {EVIL}")
    systems = [a_system(n, name, failed) for n, (name, failed) in enumerate(zip(names, failures, strict=True))]
    folder = tmp_path_factory.mktemp("browse")
    return Browsed("Verdict, avis par avis", systems, [a_pair(i) for i in range(N)], folder / "notes.jsonl")


@pytest.fixture(scope="session")
def indexed(browsed):
    return index(browsed)


@pytest.fixture
def items(browsed, indexed, tmp_path):
    """All items, with no note yet."""
    return Items(browsed, indexed, Notes(tmp_path / "notes.jsonl"))


@pytest.fixture
def client(items):
    return TestClient(make(items), base_url="http://127.0.0.1:8765")


@pytest.fixture
def note_on(client):
    """note_on(id, text): what saving a note answers."""

    def save(item, text, **changed):
        page = client.get(f"/items/{item}").text
        hidden = {name: page.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("token", "before")}
        return client.post(f"/items/{item}", data=hidden | {"note": text} | changed, follow_redirects=False)

    return save


@pytest.fixture
def lines():
    return lambda path: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
