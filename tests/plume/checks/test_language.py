import pytest

from plume.checks.language import in_french, language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nous vous remercions de votre retour.", "français"),
        ("Merci", "français"),
        ("Désolés du désagrément", "français"),
        ("Thank you for your feedback, we are sorry.", "anglais"),
        ("Gracias por su mensaje, lo sentimos mucho.", "espagnol"),
        ("Vielen Dank für Ihre Nachricht, wir sind nicht zufrieden.", "allemand"),
        ("Grazie per il suo messaggio, siamo molto dispiaciuti.", "italien"),
        ("", None),
        ("12345 %", None),
    ],
)
def test_small_words_tell_the_language(text: str, expected: str | None) -> None:
    assert language(text) == expected


def test_a_french_reply_with_names_in_english_is_french(case) -> None:
    draft = "Bonjour,\nNous vous invitons à ouvrir la page « Welcome to France » du site, ou à écrire au help desk."
    assert in_french(case(draft))[0]


def test_an_english_draft_is_refused(case) -> None:
    assert in_french(case("Hello, thank you for your review. We will look into it."))[:2] == (False, "langue : anglais")


def test_one_english_sentence_is_enough(case) -> None:
    draft = "Nous vous remercions de votre avis, qui est utile. We are very sorry for the delay of your request."
    passed, detail, *_ = in_french(case(draft))
    assert not passed
    assert "phrase en anglais : « We are very sorry" in detail


@pytest.mark.parametrize("draft", ["", "[USAGER]", "\u00a0"])
def test_without_evidence_nothing_passes(case, draft: str) -> None:
    assert in_french(case(draft))[:2] == (False, "langue : indéterminée")


ENGLISH = [
    "Please contact us.",
    "Best regards",
    "We apologize.",
    "Have a nice day!",
    "Votre demande is being traitée.",
    "Nous avons bien reçu your message.",
    "Merci for your patience.",
    "However, nos équipes restent disponibles.",
    "Nous vous souhaitons a good day.",
    "Keep calm et patientez.",
    "Nothing is lost.",
    "Muchas gracias.",
    "Nous restons à votre disposición para ayudarle.",
    "Vielen Dank!",
    "Le guichet öffnet um neun Uhr.",
    "Cordiali saluti",
]
BORROWED = [
    "Le service « France Connect » est disponible.",
    "Merci de votre feedback.",
    "Le mode click and collect est ouvert.",
    "Consultez la page Welcome to France.",
    "Le parking du TGV Inoui est complet.",
    "Le help desk répond.",
    "L'impôt sur les sociétés (IS) est dû.",
    "Un best of des démarches figure en ligne.",
]


@pytest.mark.parametrize(("said", "french"), [*((s, False) for s in ENGLISH), *((s, True) for s in BORROWED)])
def test_a_few_words_of_another_language_are_refused_and_borrowed_ones_are_not(case, said: str, french: bool) -> None:
    draft = f"Bonjour,\nNous vous remercions de votre témoignage. {said} Vous pouvez consulter votre espace personnel."
    assert in_french(case(draft))[0] is french


def test_thanks_in_the_citizens_language_may_be_given_back(case) -> None:
    draft = "Bonjour,\nMuchas gracias ! Nous vous remercions de votre témoignage, qui nous touche beaucoup."
    assert in_french(case(draft, "Accueil parfait au consulat. ¡Gracias!"))[0]
    assert not in_french(case(draft, "Accueil parfait au consulat."))[0]


@pytest.mark.parametrize(
    ("review", "said", "french"),
    [
        ("Le guichet dit sorry et c'est tout.", "Ce sorry ne suffit pas, et nous le regrettons.", True),
        ("J'ai dit спасибо, on a ri.", "Que l'on ait ri de votre спасибо nous désole.", True),
        ("Le guichet dit sorry, thank you, please.", "Alors sorry, thank you et please ne suffisent pas.", False),
        ("Rien.", "Nous vous disons спасибо большое.", False),
    ],
)
def test_a_word_of_the_review_may_be_taken_up(case, review: str, said: str, french: bool) -> None:
    assert in_french(case(f"Bonjour, nous vous remercions de votre avis. {said}", review))[0] is french
