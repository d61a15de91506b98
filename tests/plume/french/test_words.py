"""What is known of a word, and the one answer to "may this be a name?"."""

import pytest

from plume.french.vocabulary import column
from plume.french.words import EVERYDAY, FIRST_NAMES, FIRST_NAMES_THAT_ARE_WORDS, Word


@pytest.mark.parametrize(
    ("written", "may_be", "likely"),
    [
        ("Sandrine", True, True),
        ("sandrine", True, True),
        ("Jean-Pierre", True, True),
        ("Xqzt", True, False),  # no list knows it
        ("dossier", False, False),
        ("l'agent", False, False),
        ("qu'elle", False, False),
        ("Urssaf", False, False),
        ("d'URSSAF", False, False),
        ("Petit", False, False),  # a surname that is a word: what stands around it decides
    ],
)
def test_whether_a_word_may_be_a_name(written, may_be, likely):
    assert (Word.of(written).may_be_name, Word.of(written).likely_name) == (may_be, likely)


def test_names_that_are_words_are_known_as_both():
    rose, petit, lorraine = Word.of("Rose"), Word.of("petit"), Word.of("Lorraine")
    assert rose.also_first_name
    assert rose.any_first_name
    assert rose.is_word_and_name
    assert not rose.first_name
    assert petit.also_surname
    assert petit.is_word_and_name
    assert not petit.any_first_name
    assert "lorraine" in FIRST_NAMES_THAT_ARE_WORDS
    assert not lorraine.any_first_name


def test_places_and_small_words():
    assert Word.of("Saint-Malo").commune
    assert Word.of("de").particle
    assert Word.of("Maire").office
    assert Word.of("Prénom").form_label


def test_no_first_name_stands_in_two_lists():
    assert not FIRST_NAMES & FIRST_NAMES_THAT_ARE_WORDS
    assert not FIRST_NAMES & EVERYDAY
    assert {*column("first_names_that_are_words", "believed")} == {"capital", "acting"}
