"""Scores of sheets and the evidence for the nearest, derived by hand on small folders."""

import numpy as np
import pytest

from plume.french.vocabulary import rows
from plume.sources.index import Asked, Field, Index, shipped
from plume.sources.terms import SHEETS, VOCABULARY, rarity


def sheet(title, text, network=None):
    return [{"id": "F#1", "title": title, "where": [], "text": text, "network": network}]


PAPERS = [
    sheet("Permis de conduire perdu", "Déclarez la perte. Délai : dix jours.", "ANTS"),
    sheet("Passeport perdu", "Déclarez la perte au commissariat.", "Mairie"),
    sheet("Bourse de lycée", "Demandez la bourse avant octobre."),
]


def test_a_word_is_worth_the_same_however_many_documents_there_are():
    # BM25 of a term once in a document of mean length: rarity * 1 / (1 + k1) = rarity / (1 + 1.2)
    for n in (1, 10, 1000):
        field = Field([["xyza", "xyzb"] if at == 0 else [f"xyz{at}", "xyzb"] for at in range(n)], 2.0)
        assert field.scores(["xyza"])[0] == pytest.approx(1 / 2.2)
        assert field.scores(["xyzb", "xyza"])[0] == pytest.approx(2 / 2.2)
        assert field.scores(["xyzc"]).tolist() == field.scores([]).tolist() == [0.0] * n
    twice = Field([["xyza", "xyza"], []], 2.0)
    assert twice.scores(["xyza"]).tolist() == pytest.approx([2 / 3.2, 0])


def test_what_all_sheets_hold_says_less_than_what_none_holds():
    assert rarity("xyzc") == 1
    assert 0 < rarity("side:documents") < rarity("subject:pacs") <= 1
    counts = [int(row["sheets"]) for row in rows("rarity", VOCABULARY)]
    assert 1 < min(counts) <= max(counts) <= SHEETS


def test_network_counts_only_where_both_are_known():
    index = Index(PAPERS)
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
    rows = Index(PAPERS).features(Asked.of({"review": "perdu", "network": network, "structure": structure}))
    assert rows[:2, 3].tolist() == [float(at == same) for at in range(2)]


def test_evidence():
    index = Index(PAPERS)
    asked = Asked.of({"title": "Piscine fermée", "review": "Permis perdu. Combien de jours, et la file d'attente ?"})
    told = dict(zip(index_names(), index.evidence(asked, 0, 4.0), strict=True))
    assert told["score"] == 4.0
    assert told["other_subjects"] == 1  # the pool, of which the sheet says nothing
    assert told["service_in_title"] == 1  # closed
    assert told["service"] == 2  # and the queue
    assert 0 < told["sides"] < 1  # lost, and how long
    assert told["first_subject"] == 0  # the pool is named first
    assert told["title_unsaid"] == 0
    assert told["thanks"] == 0
    thanks = Asked.of({"review": "Bravo à la dame pour ma bourse.", "network": "Mairie"})
    told = dict(zip(index_names(), index.evidence(thanks, 0, 4.0), strict=True))
    assert told["thanks"] == 1
    assert told["title_unsaid"] == pytest.approx(rarity("subject:driving_licence"))
    assert index.evidence(asked, 0, 4.0) == Index(PAPERS[:1]).evidence(asked, 0, 4.0)
    assert not Asked.of({"review": "Permis perdu."}).asks


def index_names():
    return shipped().evidence


def test_less_evidence_is_enough_where_a_right_is_asked_for():
    index, weights = Index(PAPERS), shipped()
    asked = [
        Asked.of({"review": f"Permis de conduire perdu. {more}"})
        for more in ("Quels papiers faut-il ?", "Depuis hier.")
    ]
    least = [next(n for n in np.arange(0, 99, 0.1) if index.is_about(one, 0, n, weights)) for one in asked]
    assert least[0] < least[1] - 1
