import pytest

from plume.french.text import _fold_text, count_words, fold, holds_run, plain, sentences, squeeze, straight, words


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
    ("text", "folded"),
    [
        ("L’Été à Nîmes\u00a0: 2 m²", "l'ete a nimes : 2 m2"),
        ("cœur, Œuvre", "cœur, œuvre"),  # two letters in one stay, so that the length does
        ("re\u0301ponse", "re\u0301ponse"),
        ("İstanbul ı", "istanbul i"),
        ("un\tdeux\ntrois", "un deux\ntrois"),
    ],
)
def test_folding_keeps_the_length(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert len(fold(text)) == len(text)


def test_long_texts_are_folded_as_their_characters_are() -> None:
    every = "".join(chr(code) for code in range(0x2FF) if chr(code).isprintable())
    for text in (every, every[:60], "Été à Nîmes, `l’œuvre`\t\x1c"):
        assert _fold_text(text) == "".join(fold(char) for char in text)


def test_straight_changes_no_length_and_no_letter() -> None:
    assert straight("L’été\u202f: rendez‑vous") == "L'été : rendez-vous"
