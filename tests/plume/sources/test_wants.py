"""Whether a sheet could help is weighed by a review's words alone."""

import pytest

from plume.sources import wants
from plume.sources.index import Asked


def test_a_question_of_rights_weighs_more_than_how_one_was_received():
    asks = "Mon permis est perdu, quels papiers faut-il pour en demander un autre et combien de temps cela prend ?"
    received = "Accueil déplorable, une heure d'attente au téléphone, la dame soupire et raccroche."
    assert wants.weigh(asks) > 0 > wants.weigh(received)
    assert Asked.of({"review": asks}).wants == wants.weigh(asks)


def test_weight_is_a_mean_times_the_root_of_how_many():
    weights = {wants.BIAS: -1.0, "xyz": 2.0}
    assert wants.weigh_with(weights, "") == -1.0
    assert wants.weigh_with(weights, "xyz xyz") == pytest.approx(-1.0 + 2.0)  # a term counts once
    four = "xyz xyzt xyztu xyztuv"
    assert len(wants.terms(four)) == 4
    assert wants.weigh_with(weights, four) == pytest.approx(-1.0 + 2.0 / 2)
