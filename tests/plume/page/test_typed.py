"""What is cleaned of a text that is pasted into a field."""

import pytest

from plume.page.typed import clean, one_line


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("a\r\nb\rc\u2028d\x85e\x0cf", "a\nb\nc\nd\ne\nf"),
        ("\x00a\x07\x9f ", "a"),
        ("moitié \ud83d", "moitié \ufffd"),
        ("\ud83d\ude42", "🙂"),
        ("tab\tet\u00a0insécable", "tab\tet\u00a0insécable"),
    ],
)
def test_a_text_keeps_its_words_and_lines_and_nothing_that_no_field_sends(pasted, kept):
    assert clean(pasted) == kept


def test_a_field_of_one_line_has_one():
    assert one_line(" Carte\n grise\u2028\t bloquée ") == "Carte grise bloquée"
