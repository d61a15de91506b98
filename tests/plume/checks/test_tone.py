import pytest

from plume.checks.form import sentence_length
from plume.checks.names_problem import names_problem
from plume.checks.tone import next_step, regret, thanks, vouvoiement


@pytest.mark.parametrize(
    ("draft", "passed"), [("Merci de votre avis", True), ("Nous remercions", True), ("Bonjour", False)]
)
def test_thanks(case, draft: str, passed: bool) -> None:
    assert thanks(case(draft))[0] is passed


@pytest.mark.parametrize(
    ("draft", "sentiment", "passed"),
    [
        ("Nous sommes navrés", "Négatif", True),
        ("Veuillez nous excuser", "Négatif", True),
        ("Merci", "Négatif", False),
        ("Merci", "Positif", True),
        ("Merci", None, True),
    ],
)
def test_regret_is_asked_for_only_where_the_review_is_negative(case, draft, sentiment, passed) -> None:
    assert regret(case(draft, sentiment=sentiment))[0] is passed


def test_the_problem_is_named_by_content_words_whatever_their_ending(case) -> None:
    review = "Délais trop longs pour mon passeport, guichet fermé"
    passed, detail, _ = names_problem(case("Nous regrettons le délai de délivrance du passeport.", review))
    assert passed
    assert detail == "mots de l'avis repris : délai, passeport"
    assert not names_problem(case("Merci de votre avis, nous avons bien lu votre témoignage.", review))[0]


def test_a_review_without_content_asks_for_nothing(case) -> None:
    assert names_problem(case("Bonjour", "Merci"))[0]


@pytest.mark.parametrize(
    ("draft", "passed"),
    [
        ("Vous pouvez écrire au service.", True),
        ("N’hésitez pas à revenir.", True),
        ("Nous vous invitons à écrire.", True),
        ("Nous regrettons.", False),
    ],
)
def test_a_next_step_is_offered(case, draft: str, passed: bool) -> None:
    assert next_step(case(draft))[0] is passed


@pytest.mark.parametrize(
    ("draft", "passed"),
    [
        ("Votre avis compte", True),
        ("Merci de ta visite et de votre avis", False),
        ("Je t’invite à écrire", False),
        ("Tu peux écrire", False),
        ("Le ton de la lettre vous a déplu", True),
        ("Merci", False),
        ("", False),
    ],
)
def test_vouvoiement(case, draft: str, passed: bool) -> None:
    assert vouvoiement(case(draft))[0] is passed


def test_sentences_are_short_on_average_and_none_is_endless(case) -> None:
    assert sentence_length(case("Bonjour. " + "mot " * 20))[:2] == (
        True,
        "10 mots par phrase en moyenne, la plus longue 20",
    )
    assert not sentence_length(case("mot " * 26 + "."))[0]
    assert not sentence_length(case("Oui. Non. " + "mot " * 46 + "."))[0]
    assert sentence_length(case(""))[:2] == (False, "aucune phrase")
