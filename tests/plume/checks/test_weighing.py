"""Sentences are weighed by what their words and verb forms are, as the sentences of the repository say."""

import json

import pytest

from plume.checks import weighing, weighing_training
from plume.checks.promises import promises
from plume.files import file_sha256


@pytest.mark.parametrize(
    "sentence",
    [
        "L'horloger a emporté la pendule du hall, qui sonnera de nouveau jeudi.",
        "Le fameux formulaire rose, nous l'avons retrouvé et joint à votre demande.",
        "Inutile de revenir samedi, votre carte vous sera portée.",
    ],
)
def test_a_promise_that_no_rule_foresees_is_heavy(case, sentence):
    assert not promises(case(f"Bonjour,\nNous regrettons cette attente. {sentence} Merci.")).passed


@pytest.mark.parametrize(
    "sentence",
    [
        "Chaque année, la commission des menus consulte les parents.",
        "Le formulaire rose se joint à la demande.",
        "La pendule du hall retarde, et cela vous a coûté votre train.",
    ],
)
def test_a_rule_or_a_tale_is_not(case, sentence):
    assert promises(case(f"Bonjour,\nNous regrettons cette attente. {sentence} Merci.")).passed


def test_what_the_review_told_is_not_new(case):
    said = "L'horloger a emporté la pendule du hall, qui sonnera de nouveau jeudi."
    assert not promises(case(f"Bonjour, {said}")).passed
    assert promises(
        case(f"Bonjour, {said}", review="L'horloger emporte la pendule, elle sonnera jeudi, dit-il.")
    ).passed


def test_the_weights_are_of_the_sentences_that_are_here():
    card = json.loads(weighing.WEIGHTS.read_text(encoding="utf-8"))
    assert card["sentences"] == file_sha256(weighing_training.SENTENCES)[:16], "learn anew: make weights"


def test_learning_tells_two_kinds_apart():
    labelled = [("Nous réparons la grille.", True), ("La grille est laide.", False)] * 20
    weights = weighing_training.learn(labelled)
    assert weighing.weight("nous réparons la grille.", weights) > 0 > weighing.weight("la grille est laide.", weights)
