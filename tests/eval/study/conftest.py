"""A study's folder as `plume eval study plan` writes it, small; and an open store with a clock that tests move."""

import json

import pytest

from eval.study import preregistration
from eval.study.config import StudyConfig
from eval.study.preregistration import Preregistration, Primary, Quality
from eval.study.records import Item, write_items
from plume.corpus.split import SPLITS
from plume.files import file_sha256, read_jsonl, to_jsonl

NETWORKS = ("CAF", "Préfectures", "Assurance maladie")


def make_items(n, systems=("v1", "v2"), networks=NETWORKS):
    return [
        Item(
            f"10{i:03}-1",
            networks[i % len(networks)] if networks else None,
            "Accueil",
            ("Négatif", "Positif")[i % 2],
            f"Attente {i}",
            f"J'ai attendu {i + 2} heures au guichet.",
            {name: f"Bonjour, brouillon de {name} pour l'avis {i}. Cordialement." for name in systems},
        )
        for i in range(n)
    ]


@pytest.fixture
def make_study(tmp_path):
    """make_study(agents, items) -> a study's folder that nobody has begun; `items` is how many, or a list of them."""

    def make(agents=4, items=4, *, name="study", systems=("v1", "v2"), **decided):
        folder = tmp_path / name
        folder.mkdir()
        shown = make_items(items, systems) if isinstance(items, int) else items
        write_items(folder / preregistration.ITEMS, shown)
        values = {
            "version": preregistration.VERSION,
            "made_on": "2026-11-30",
            "hypotheses": ("Un brouillon fait gagner du temps.",),
            "primary": Primary(hypothesis="time_ratio < 1"),
            "quality": Quality(hypothesis="finals_won > 0.4", margin=0.1),
            "effect": 0.8,
            "power": 0.8,
            "confidence": 0.95,
            "agents": agents,
            "items": len(shown),
            "comparisons": 3,
            "finals": 3,
            "idle_seconds": 60,
            "sensitivity": (30.0, 120.0),
            "seed": 1,
            "items_sha256": file_sha256(folder / preregistration.ITEMS),
            "systems": dict.fromkeys(systems, "0" * 64),
            "writing_system": systems[0],
            "model": "log(secondes) ~ bras + période + rang + (1 | agent) + (1 | avis)",
            "exclusions": (),
        }
        preregistration.write_preregistration(folder, Preregistration.model_validate({**values, **decided}))
        return folder

    return make


TOPICS = [
    "la carte grise de mon épouse", "le guichet fermé à midi", "un dossier perdu deux fois", "la file du lundi",
    "mon espace en ligne bloqué", "une attestation qui manque", "le parking de l'agence", "un rendez-vous annulé",
]  # fmt: skip


def review_of(i):
    """A review that is like no other: its own topic, number and words."""
    words = " ".join(f"mot{i}{letter}" for letter in "abcdefghij")
    return f"Bonjour, {TOPICS[i % len(TOPICS)]} m'inquiète beaucoup. {words}. Merci de votre aide numéro {i}."


@pytest.fixture
def planned(tmp_path, tmp_path_factory, monkeypatch, make_data, make_drafts, texts):
    """planned(n=24, **overrides) -> a config of a study on n reviews with drafts of two systems."""
    monkeypatch.setenv(
        "PLUME_HOME", str(tmp_path_factory.getbasetemp() / "simulated")
    )  # the tests share what they made

    def make(n=24, texts_of=None, **overrides):
        data = make_data(n, review="{}")
        rows = [row | {"review": review_of(i)} for i, row in enumerate(read_jsonl(data / "test.jsonl"))]
        (data / "test.jsonl").write_bytes(to_jsonl(rows))
        manifest = {"splits": {s: {"sha256": file_sha256(data / f"{s}.jsonl")} for s in SPLITS}}
        (data / "manifest.json").write_text(json.dumps(manifest))
        text_of = texts_of or (lambda i: texts["good"].format(i))
        drafts = [make_drafts(data, name, text_of, probe_text=None) for name in ("v3", "v4")]
        given = {"data": data, "drafts": drafts, "out": tmp_path / "study", "simulations": 20} | overrides
        return StudyConfig.model_validate(given)

    return make


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self):
        self.now = 1_790_000_000.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


NOTHING = {"active_seconds": 0, "pauses": [], "keystrokes": 0, "pasted_characters": 0}


def write_all(store, clock, agents=None, text="Bonjour, réponse.", seconds=60):
    """Let agents do all that is theirs now, in turns; each writing takes `seconds`."""
    from eval.study.store import Task

    agents = agents or store.people.agents()
    while tasks := [(a, t) for a in agents if isinstance(t := store.next_task(a), Task)]:
        for agent, task in tasks:
            tab = store.open_task(agent, task.id).tab
            clock.wait(seconds)
            if task.kind == "writing":
                store.submit(agent, task.id, tab, text, {**NOTHING, "active_seconds": seconds})
            else:
                store.rate(agent, task.id, tab, "left", ["tone"])


@pytest.fixture
def finish():
    return write_all


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_store(make_study, clock):
    """open_store(...) -> an open store of a new study, or of `folder`, whose masker writes [MASQUÉ] for "Durand"."""
    from eval.study.store import Store

    opened = []

    def open_one(*args, folder=None, **decided):
        folder = folder or make_study(*args, **decided)
        opened.append(Store(folder, clock=clock, mask=lambda text: text.replace("Durand", "[MASQUÉ]")))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()
