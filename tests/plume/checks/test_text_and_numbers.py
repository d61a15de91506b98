import re

import pytest

from plume.checks.numbers import NUMBER, value
from plume.checks.text import count_words, holds_run, plain, sentences, squeeze, words


def test_typography_is_made_one() -> None:
    assert plain("L’accueil\u00a0: 1\u202f200\u00a0€\r\n rendez‑vous\u00ad") == "L'accueil : 1 200 €\nrendez-vous"


def test_decomposed_accents_are_composed() -> None:
    assert words("re\u0301ponse") == ["réponse"]


def test_a_word_with_an_accent_stays_one_word() -> None:
    assert words("Réponse à l’élève, n°2 : ŒUVRE") == ["réponse", "à", "l", "élève", "n", "2", "œuvre"]


@pytest.mark.parametrize(
    ("text", "n"),
    [("", 0), ("\u00a0 \n", 0), ("Bonjour [USAGER],", 2), ("l’accueil", 1), ("Pourquoi\u00a0? – Parce que.", 3)],
)
def test_words_are_counted_as_an_agent_counts_them(text: str, n: int) -> None:
    assert count_words(text) == n


def test_sentences_end_at_full_stops_and_lines_but_not_after_a_title() -> None:
    text = "Bonjour,\nVotre avis sur M. Petit compte ! Merci… À bientôt."
    assert sentences(text) == ["Bonjour,", "Votre avis sur M. Petit compte !", "Merci…", "À bientôt."]


def test_a_run_is_found_whole_and_in_order_only() -> None:
    tokens = words("la caisse de Montreuil répond")
    assert holds_run(tokens, ["de", "montreuil"])
    assert not holds_run(tokens, ["montreuil", "de"])
    assert not holds_run(tokens, [])


def test_squeeze_ignores_dots_blanks_and_case() -> None:
    assert squeeze("L. 161-17-2") == squeeze("l161-17-2")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 200,50", 1200.5),
        ("1.200", 1200),
        ("12.50", 12.5),
        ("deux", 2),
        ("soixante et onze", 71),  # 60 + 11
        ("quatre-vingt-dix-sept", 97),  # 4 × 20 + 10 + 7
        ("vingt-quatre", 24),  # not 20 × 4
        ("mille deux cents", 1200),
        ("deux cent trente", 230),
    ],
)
def test_french_numbers_are_read(text: str, number: float) -> None:
    assert re.fullmatch(NUMBER, text)
    assert value(text) == number


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="beaucoup"):
        value("beaucoup")
