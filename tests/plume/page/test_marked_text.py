"""Passages and differing words, marked in a text that may hold anything."""

from plume.page.marked_text import Passage, mark
from plume.page.word_differences import differing_words, mark_differences


def test_words_that_differ_are_marked_and_unlike_texts_are_left_alone():
    before, after = mark_differences("Bonjour, le guichet est fermé.", "Bonjour, le guichet est ouvert & calme.")
    assert str(before) == "Bonjour, le guichet est <del>fermé.</del>"
    assert str(after) == "Bonjour, le guichet est <ins>ouvert &amp; calme.</ins>"
    assert mark_differences("un deux trois", "quatre cinq six") is None
    assert differing_words("un deux", "un deux") == ([], [])
    assert differing_words("", "") == ([], [])
    assert differing_words("de " * 5000, "de la " * 5000) is None  # minutes, if it were compared


def test_passages_carry_their_rules_names_and_overlap_with_differing_words():
    marked = mark("un deux trois quatre", [Passage(3, 7, ("b",)), Passage(5, 13, ("a", "b"))], [(0, 3), (8, 20)])
    assert str(marked) == (
        '<ins>un </ins><mark>deux <ins>trois</ins> <small class="rule">b, a</small></mark><ins> quatre</ins>'
    )


def test_text_and_names_are_escaped():
    assert str(mark("<script>", [Passage(0, 8, ("<b>",))], [(0, 8)])) == (
        '<mark><ins>&lt;script&gt;</ins> <small class="rule">&lt;b&gt;</small></mark>'
    )
    assert str(mark("")) == ""
