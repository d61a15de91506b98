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
    passed, detail, *_ = personal_data(case(draft))
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


@pytest.mark.parametrize(
    ("draft", "review"),
    [
        ("Bonjour, le diabète de votre fils demande un protocole.", "mon fils est diabétique"),
        ("Bonjour, votre surdité mérite un accueil adapté.", "je n'entends pas bien au téléphone"),
        ("Bonjour, le médiateur de la Métropole de Rouen peut être un appui.", ""),
        ("Bonjour, Limoges n'est pas Nantes, dites-vous.", ""),
        ("Bonjour, de Brest à Nice, la route est longue.", ""),
        ("Bonjour, l'EHPAD et sa directrice ont de la chance.", ""),
        ("Bonjour, le véhicule passe à 16 h 45.", ""),
        ("Bonjour, une facture multipliée par quatre, puis un refus.", ""),
        ("Bonjour, le lycée du 8-Mai-1945 est en travaux.", ""),
        ("Bonjour, l'époque de Louis XIV est révolue.", ""),
    ],
)
def test_what_is_nobodys_or_was_told_otherwise_passes(case, draft: str, review: str) -> None:
    assert personal_data(case(draft, review))[0]


@pytest.mark.parametrize(
    "draft",
    [
        "Bonjour, la maladie de Parkinson de votre mère est éprouvante.",
        "Bonjour, les 81 ans de votre mère méritaient mieux.",
        "Bonjour, pour une dame de 84 ans souffrant d'arthrose, c'est long.",
        "Bonjour, à quatre-vingt-neuf ans, et si fatiguée, votre maman attend.",
        "Bonjour, l'agent, un certain Hamid Bensalem, débute.",
    ],
)
def test_health_age_and_name_are_found_wherever_they_stand(case, draft: str) -> None:
    assert not personal_data(case(draft, "Ma mère est malade."))[0]
