"""Words become stems and kinds: forms of one word meet, other words do not."""

from collections import Counter

import pytest

from plume.french.vocabulary import rows
from plume.sources.terms import VOCABULARY, stem, terms_of

ROLES = {"subject", "side", "service", "asks"}


def kinds(text):
    return {kind.partition(":")[2] for kind in terms_of(text).kinds}


@pytest.mark.parametrize(
    ("citizen", "administration"),
    [
        ("j'ai pris une prune", "l'avis de contravention"),
        ("ma bagnole", "le véhicule"),
        ("mon boulot", "un emploi"),
        ("la nounou", "l'assistante maternelle"),
        ("j'ai égaré mes papiers", "perte du titre"),
        ("CARTE D’IDENTITE", "carte nationale d'identité"),
        ("demandes refusées", "le refus"),
    ],
)
def test_citizens_and_administrations_meet(citizen, administration):
    assert kinds(citizen) & kinds(administration)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mon mari", "en mars"),
        ("à l'accueil", "une équipe accueillante"),
        ("le prix", "j'ai pris"),
        ("un retrait", "la retraite"),
        ("je suis né", "ne pas"),
        ("permis de construire", "permis de conduire"),
    ],
)
def test_words_that_only_look_alike_do_not(one, other):
    assert not kinds(one) & kinds(other)


def test_a_phrase_hides_the_words_that_it_begins_with():
    assert "driving_licence" not in kinds("mon permis de construire")
    assert {"building_permit", "planning"} & kinds("mon permis de construire")


def test_stems_have_no_accents_and_no_empty_words():
    assert {stem(word) for word in ("déclarée", "declaree", "déclarer", "declarer")} == {"declar"}
    assert terms_of("Je ne sais pas, mais le dossier est là.").stems == ("sais", "dossi")


def test_the_table_is_sound():
    table = rows("kinds", VOCABULARY)
    assert {row["role"] for row in table} == ROLES
    assert max(Counter(row["kind"] for row in table).values()) == 1
    for row in table:
        phrases = row["words"].split(", ")
        assert len(phrases) == len(set(phrases)), row["kind"]
        assert all(phrase.strip() == phrase != "" for phrase in phrases), row["kind"]
