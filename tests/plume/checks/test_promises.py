import pytest

from plume.checks.promises import promises


@pytest.mark.parametrize(
    "draft",
    [
        "Nous traiterons votre dossier rapidement.",
        "Un conseiller prendra en charge votre demande.",
        "Nos services vérifieront les pièces de votre dossier.",
        "Nous allons régulariser votre situation.",
        "Je vais vous rappeler demain.",
        "Votre dossier sera traité en priorité.",
        "Votre demande a été acceptée.",
        "Votre demande de passeport est en cours de traitement.",
        "Vous serez remboursé très vite.",
        "Vous allez être recontactée.",
        "Vous recevrez votre carte à la mairie.",
        "Un agent vous contactera.",
        "Nous vous recontacterons.",
        "Nous reviendrons vers vous.",
        "Notre équipe prendra contact avec vous.",
        "Une réponse vous sera apportée.",
        "Nous ferons le nécessaire.",
        "Je m’engage à résoudre votre problème.",
        "Nous nous engageons à vous répondre.",
        "Nous vous garantissons un remboursement.",
        "Nous veillerons à ce que votre dossier avance.",
        "Nous avons transmis votre demande au service compétent.",
        "Nous avons transmis votre témoignage au service.",
        "J’ai relancé le gestionnaire de votre dossier.",
        "Vous avez droit à cette aide.",
    ],
)
def test_a_promise_or_a_decision_is_found(case, draft: str) -> None:
    passed, detail, *_ = promises(case(f"Bonjour,\n{draft} Bonne journée."))
    assert not passed
    assert detail.startswith("promesse ou décision sur un dossier : « ")


@pytest.mark.parametrize(
    "draft",
    [
        "",
        "[USAGER]",
        "Nous transmettrons vos félicitations à l’équipe de l’accueil.",
        "Nos équipes mettent tout en œuvre pour traiter les demandes dans les meilleurs délais.",
        "Un conseiller pourra vous rappeler si vous prenez rendez-vous.",
        "Vous pouvez suivre votre dossier depuis votre espace personnel.",
        "Nous comprenons votre situation et regrettons l’attente.",
        "Nous ne pouvons pas vous dire si votre dossier est complet.",
        "Votre dossier ne sera pas traité sur cette plateforme.",
        "Le simulateur montre les sommes que vous percevrez.",
        "Nous avons lu votre récit avec attention.",
        "Votre retour nous aide à améliorer nos services.",
    ],
)
def test_effort_advice_and_refusal_are_no_promises(case, draft: str) -> None:
    assert promises(case(draft))[:2] == (True, "rien à signaler")
