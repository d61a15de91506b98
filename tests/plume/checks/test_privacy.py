import pytest

from plume.checks.privacy import personal_data


@pytest.mark.parametrize(
    ("draft", "leak"),
    [
        ("Votre numéro 1 85 05 78 006 084 91 est connu.", "1 85 05 78 006 084 91"),
        ("Écrivez à jeanne.martin@exemple.org.", "jeanne.martin@exemple.org"),
        ("Appelez le 06 12 34 56 78.", "06 12 34 56 78"),
        ("Mme Lefranc vous a reçue.", "Lefranc"),
        ("Votre père est atteint de la maladie d'Alzheimer.", "Alzheimer"),
    ],
)
def test_personal_data_that_was_not_given_is_a_leak(case, draft: str, leak: str) -> None:
    passed, detail, _ = personal_data(case(draft))
    assert not passed
    assert leak in detail


@pytest.mark.parametrize(
    ("draft", "review", "prompt"),
    [
        ("Mme Lefranc vous a reçue.", "Merci à Madame LEFRANC !", ""),
        ("Bonjour Titoune45480,", "", "Pseudonyme : Titoune45480"),
        ("au 06.12.34.56.78", "j’ai laissé le 06 12 34 56 78", ""),
        ("Votre père est atteint de la maladie d'Alzheimer.", "Mon papa Alzheimer s'est perdu.", ""),
    ],
)
def test_what_was_given_is_no_leak(case, draft: str, review: str, prompt: str) -> None:
    assert personal_data(case(draft, review, prompt))[:2] == (True, "rien à signaler")


@pytest.mark.parametrize(
    "draft",
    [
        "",
        "Bonjour [USAGER], merci à [AGENT_1] ; appelez le [TEL].",
        "Appelez le 0 809 401 401 ou écrivez à accueil@caisse-exemple.fr.",
        "La CPAM et la préfecture vous remercient de votre témoignage.",
    ],
)
def test_placeholders_public_bodies_and_listed_contacts_are_no_personal_data(case, draft: str) -> None:
    assert personal_data(case(draft))[:2] == (True, "rien à signaler")
