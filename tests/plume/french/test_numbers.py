import re

import pytest

from plume.french.numbers import NUMBER, number_words, value


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
        ("septante-deux", 72),  # of Belgium and Switzerland
    ],
)
def test_french_numbers_are_read(text: str, number: float) -> None:
    assert re.fullmatch(NUMBER, text)
    assert value(text) == number


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="beaucoup"):
        value("beaucoup")


def test_single_words_are_listed_by_their_value() -> None:
    assert number_words(2, 4) == ("deux", "trois", "quatre")
    assert "septante" in number_words(20, 90)
