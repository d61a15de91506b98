import pytest

from plume.checks.form import greeting, length
from plume.checks.repetition import repetition
from plume.checks.residue import residue
from plume.checks.signature import signature
from plume.prompt import load_prompt

BODY = (
    "Bonjour,\n\nNous vous remercions de votre témoignage au sujet de l’accueil de notre agence. "
    "Nous regrettons l’attente que vous avez connue au guichet.\n\n"
    "Vous pouvez prendre rendez-vous depuis votre espace personnel."
)


@pytest.mark.parametrize(("n", "passed"), [(0, False), (59, False), (60, True), (140, True), (141, False)])
def test_length_counts_words_from_60_to_140(case, n: int, passed: bool) -> None:
    assert length(case("mot " * n))[:2] == (passed, f"{n} mots (attendu : 60 à 140)")


@pytest.mark.parametrize(
    "draft", ["Bonjour,", "« Bonjour »", "Bonjour\u00a0[USAGER],", "Madame, Monsieur,", "Chère usagère,", "bonsoir"]
)
def test_a_greeting_opens_the_draft(case, draft: str) -> None:
    assert greeting(case(draft))[0]


@pytest.mark.parametrize("draft", ["", "Merci de votre avis. Bonjour.", "[USAGER]", "Bonjourno", "Cher" + "e" * 3])
def test_no_greeting_at_the_start(case, draft: str) -> None:
    assert not greeting(case(draft))[0]


@pytest.mark.parametrize(
    "closing",
    [
        "\n\nCordialement,",
        " Bien cordialement.",
        "\nBien à vous",
        "\nNous vous prions d’agréer, Madame, nos salutations distinguées.",
        "\nVeuillez agréer l’expression de nos sentiments.",
        "\nRecevez, Monsieur, nos meilleures salutations.",
        "\nL’équipe de la caisse",
        "\nVotre conseillère France Services",
        "\nLa direction départementale",
        "\n[AGENT_1]",
        "\nMme Durand",
        "\nCamille Durand",
    ],
)
def test_a_closing_or_a_signature_is_found(case, closing: str) -> None:
    passed, detail, *_ = signature(case(BODY + closing))
    assert not passed
    assert closing.strip(" \n.,").split()[-1].replace("’", "'") in detail


@pytest.mark.parametrize(
    "end",
    [
        "",
        "\nNous vous souhaitons une bonne journée.",
        " Sincèrement, nous regrettons cette attente.",
        " Bonne journée à vous, Madame.",
        " Merci d'en parler à votre conseiller, le service reste ouvert.",
        "\nL’équipe de l’agence vous remercie encore de votre témoignage.",
        "\nNous vous prions de nous excuser pour la gêne occasionnée.",
        "\nVous pouvez joindre :\n- le service des titres\n- votre mairie.",
        "\nLes agents vous ont reçu cordialement, et nous leur transmettrons vos mots.",
    ],
)
def test_an_ordinary_end_is_no_signature(case, end: str) -> None:
    assert signature(case(BODY + end))[:2] == (True, "rien à signaler")


def test_the_first_line_is_never_a_signature(case) -> None:
    assert signature(case("Madame Durand"))[0]


@pytest.mark.parametrize(
    "draft",
    [
        "Nous regrettons cette attente au guichet. Nous regrettons cette attente au guichet.",
        "Nous prenons note de votre avis et " * 3,
        "Merci merci merci merci",
        "Nous regrettons cette attente !!!!!!!!!!!!",
    ],
)
def test_a_loop_is_found(case, draft: str) -> None:
    assert not repetition(case(draft))[0]


@pytest.mark.parametrize("draft", ["", BODY, "Merci. Merci.", "Appelez le 0 800 000 000 ou le 0 811 111 111…"])
def test_ordinary_text_is_no_loop(case, draft: str) -> None:
    assert repetition(case(draft))[0]


@pytest.mark.parametrize(
    "residue_text",
    [
        "### Réponse",
        "<|im_start|>assistant",
        "<|im_end|>",
        "[/INST]",
        "Système : tu rédiges des réponses",
        "system",
        "Avis : l’attente fut longue",
        "Voici une proposition de réponse :",
        "En tant qu’IA, je ne peux répondre.",
        "Selon vos consignes, nous répondons.",
        "Réponse entre 60 et 140 mots.",
    ],
)
def test_residue_of_the_prompt_is_found(case, residue_text: str) -> None:
    assert not residue(case(f"Bonjour,\n{residue_text}"))[0]


def test_instructions_copied_out_are_found_but_the_citizens_words_are_not(case) -> None:
    review = "le guichet de la mairie était fermé sans explication un mardi matin"
    prompt = load_prompt("v1").text({"review": review, "network": "Mairie"})
    echo = "Remercie l’usager de son témoignage et nomme le problème ou la réussite précise."
    assert not residue(case(echo, review, prompt))[0]
    assert residue(case(f"Bonjour, vous dites que {review}.", review, prompt))[0]
    assert not residue(case(echo, prompt=load_prompt("v1").system))[0]  # without a citizen's part


@pytest.mark.parametrize(
    "draft",
    [
        "",
        BODY,
        "Bonjour, le service : accueil, conseil. L’avis de taxe sera disponible. Suivez le système d’alerte.",
        "Votre avis compte pour nous, et la réponse du service aussi.",
    ],
)
def test_ordinary_text_holds_no_residue(case, draft: str) -> None:
    assert residue(case(draft, prompt=load_prompt("v1").system))[:2] == (True, "rien à signaler")
