"""Scores of sheets and the evidence for the nearest, derived by hand on small folders."""

import math

import numpy as np
import pytest

from plume.sources.index import Asked, Field, Index, rarity, shipped


def sheet(title, text, network=None):
    return [{"id": "F#1", "title": title, "where": [], "text": text, "network": network}]


SHEETS = [
    sheet("Permis de conduire perdu", "Déclarez la perte. Délai : dix jours.", "ANTS"),
    sheet("Passeport perdu", "Déclarez la perte au commissariat.", "Mairie"),
    sheet("Bourse de lycée", "Demandez la bourse avant octobre."),
]


def test_a_word_that_one_document_alone_holds_is_worth_one_however_many_there_are():
    # BM25 of a term once in a document of mean length: rarity * 1 / (1 + k1) * ... = rarity / (1 + 1.2)
    for n in (10, 1000):
        field = Field([["seul" if at == 0 else f"mot{at}"] for at in range(n)])
        assert field.scores(["seul"])[0] == pytest.approx(1 / 2.2, rel=1e-3)
    assert field.scores(["inconnu"]).sum() == 0
    assert field.scores([]).sum() == 0


def test_rarity():
    assert rarity(1, 10) == pytest.approx(math.log(1 + 9.5 / 1.5))
    assert rarity(10, 10) < rarity(1, 10)


def test_network_counts_only_where_both_are_known():
    index = Index(SHEETS)
    rows = index.features(Asked.of({"review": "perdu", "network": "ants"}))
    assert rows[:, 3:].tolist() == [[1, 0], [0, 1], [0, 0]]
    assert not index.features(Asked.of({"review": "perdu"}))[:, 3:].any()


@pytest.mark.parametrize(
    ("network", "structure", "same"),
    [
        (None, "Mairie de Brest", 1),
        ("Mairies", "Hôtel de ville", 1),
        ("Agence nationale des titres sécurisés (ANTS)", None, 0),
        ("Espace public", "Maison de quartier", None),
    ],
)
def test_a_body_is_of_a_network_that_its_name_holds(network, structure, same):
    rows = Index(SHEETS).features(Asked.of({"review": "perdu", "network": network, "structure": structure}))
    assert rows[:2, 3].tolist() == [float(at == same) for at in range(2)]


def test_evidence():
    index = Index(SHEETS)
    asked = Asked.of({"title": "Piscine fermée", "review": "Permis perdu. Combien de jours, et la file d'attente ?"})
    told = dict(zip(index_names(), index.evidence(asked, 0, 4.0), strict=True))
    assert told["score"] == 4.0
    assert told["asks"] == 1
    assert told["other_subjects"] == 1  # the pool, of which the sheet says nothing
    assert told["service_in_title"] == 1  # closed
    assert told["service"] == 2  # and the queue
    assert told["sides"] > 0  # lost
    assert not Asked.of({"review": "Permis perdu."}).asks


def index_names():
    return shipped().evidence


def test_more_evidence_is_needed_without_a_question():
    index, weights = Index(SHEETS), shipped()
    asked = Asked.of({"review": "Permis de conduire perdu"})
    least = next(score for score in np.arange(0, 40, 0.1) if index.is_about(asked, 0, score, weights))
    question = Asked.of({"review": "Permis de conduire perdu ?"})
    assert index.is_about(question, 0, least - 1, weights)
    assert not index.is_about(question, 0, least - 10, weights)
