"""What is doubtful beside the masks is masked with its type; masking again changes nothing."""

import pytest

from plume.pseudonymise import SUSPICION, Pseudonymiser

RULES = Pseudonymiser()
MARKED = """
mon n° client ⟦44 12⟧ reste inconnu
Réf. ⟦4471⟧, sans suite
il me demande le numéro ⟦quatre mille deux cent douze quinze⟧ voilà
appelez au ⟦24 12 34⟧ le soir
mon adresse IP est ⟦cent quatre-vingt-douze point zéro point deux point quarante-quatre⟧
Mme ⟦Lacroix⟧ et ⟦Vandepoutte⟧ ont signé
mon fils ⟦Enzo⟧ ⟦7 ans⟧, attend
"""
CLEAN = [
    "Mon numéro de demande de 2021 reste bloqué.",
    "Mon dossier coûte mille deux cents euros.",
    "Écrivez à contact@ants.gouv.fr.",
    "Le rendez-vous est reporté au 24.12.24.",
    "Client depuis 1998, je pars.",
]


def spans(text: str, by: Pseudonymiser = RULES) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in by.find(text)]


@pytest.mark.parametrize("marked", MARKED.strip().splitlines())
def test_what_is_doubtful_is_masked(marked):
    text = marked.replace("⟦", "").replace("⟧", "")
    covered = {i for start, end in spans(text) for i in range(start, end)}
    wanted, at, inside = set(), 0, False
    for char in marked:
        if char in "⟦⟧":
            inside = char == "⟦"
            continue
        if inside and char.isalnum():
            wanted.add(at)
        at += 1
    assert {i for i in covered if text[i].isalnum()} == wanted
    masked, _ = RULES.mask(text)
    assert RULES.mask(masked) == (masked, [])


@pytest.mark.parametrize("text", CLEAN)
def test_what_is_plain_stays(text):
    assert spans(text) == []


def test_a_pair_tells_how_often_it_was_suspected_and_drafts_are_not():
    text = "Bonjour, mon n° client 44 12 est inconnu."
    masked = RULES.pair(title="", review=text, reply="Merci.", pseudonym=None)
    assert masked.review == "Bonjour, mon n° client [DOSSIER] est inconnu."
    assert masked.layers == {SUSPICION: 1}
    assert spans(text, Pseudonymiser(suspicious=False)) == []
