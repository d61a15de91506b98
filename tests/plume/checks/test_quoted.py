"""Where a draft holds what a finding quotes."""

from plume.checks.quoted import locate, quotations
from plume.page.marked_text import Passage


def test_what_a_check_quotes_is_found_in_the_typography_of_the_draft():
    text = "L’équipe vous rappellera\u00a0demain. L'ÉQUIPE  vous rappellera demain, ou pas l'équipe."
    found = [*locate(text, "l'équipe vous rappellera demain", ["promise.we-shall"])]
    assert [text[p.start : p.end] for p in found] == [
        "L’équipe vous rappellera\u00a0demain",
        "L'ÉQUIPE  vous rappellera demain",
    ]
    assert found[0].names == ("promise.we-shall",)
    assert [*locate("15 € et 5 €", "5", ["amount"])] == [Passage(8, 9, ("amount",))]
    assert not [*locate(text, "…", ["x"])]
    assert not [*locate(text, "(.*)+$", ["x"])]


def test_a_detail_quotes_each_passage_once():
    assert quotations("montants absents : « 12 € », « 5 % », « 12 € »") == ["12 €", "5 %"]
    assert quotations("rien à signaler") == []
