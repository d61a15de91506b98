"""Loops of words, and an idea or a regret told again."""

import pytest

from plume.checks import repetition


@pytest.mark.parametrize(
    ("draft", "loops"),
    [
        ("dans les meilleurs délais dans les meilleurs délais", True),
        ("le guichet le guichet le guichet", True),
        (
            (
                "Nous regrettons vivement cette longue attente au guichet de la caisse. "
                "Nous regrettons vivement cette longue attente au guichet de la mairie."
            ),
            True,
        ),
        ("de la mairie et de la mairie", False),
        ("vous vous êtes", False),
        ("très très bien", False),
    ],
)
def test_loops(case, draft: str, loops: bool) -> None:
    assert repetition.repetition(case(draft))[0] is not loops


@pytest.mark.parametrize(
    ("draft", "rule"),
    [
        (
            (
                "Les plateaux du samedi et du dimanche sont remis par le prestataire dans la tournée. L'aide se "
                "demande en mairie. Ainsi, samedi comme dimanche, ses plateaux repassent par le circuit de livraison."
            ),
            "repetition.same-idea",
        ),
        (
            "Nous sommes désolés. Le guichet ferme à midi, excusez-nous. Il rouvre le soir. Navrés.",
            "repetition.regrets",
        ),
        (
            (
                "Le libre accès aux documents administratifs s'exerce par une demande écrite. Une commission d'accès "
                "aux documents administratifs peut être saisie par le demandeur."
            ),
            None,
        ),
    ],
)
def test_an_idea_told_again(case, draft: str, rule: str | None) -> None:
    assert repetition.repetition(case(draft)).rules == ((rule,) if rule else ())


def test_a_word_may_be_said_three_times_with_commas_or_as_the_citizen_did_but_not_a_fourth_time(case) -> None:
    assert repetition.repetition(case("Merci merci merci à vous !", "merci merci merci à la sécu"))[0]
    assert repetition.repetition(case("Merci, merci, merci à vous !", "merci à la sécu"))[0]
    assert not repetition.repetition(case("Merci merci merci à vous !", "merci à la sécu"))[0]
    assert not repetition.repetition(case("Nul, nul, nul, nul.", "nul nul nul nul"))[0]
