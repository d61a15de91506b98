import importlib
import pkgutil

import pytest

import plume.checks
import plume.pseudonymise
from plume.french.rules import Rule, Text, after, before, faults, find, inside, registered, table

for package in (plume.checks, plume.pseudonymise):  # the tables register when they are imported
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


@pytest.mark.parametrize("rule", registered(), ids=lambda rule: rule.name)
def test_a_rule_finds_what_its_examples_mark_and_nothing_else(rule) -> None:
    assert rule.examples, f"{rule.name} has no example"
    assert any("‹" in example for example in rule.examples), f"{rule.name} has no example of what it finds"
    assert faults(rule) == []


PORT = Rule(
    "test.port", r"port (\d+)", hint=("port",), group=1, digit=True, examples=("le port ‹80›", "le port de Brest")
)


def test_examples_that_do_not_hold_are_told() -> None:
    assert faults(PORT) == []
    wrong = Rule("test.wrong", r"port (\d+)", group=1, examples=("port 80", "‹port› 443"))
    assert len(faults(wrong)) == 2


def test_offsets_are_those_of_the_text_as_written() -> None:
    text = "L’été, le PORT 80"
    found = list(find(text, [PORT]))
    assert [(text[f.start : f.end], f.rule.name) for f in found] == [("80", "test.port")]


def test_a_pattern_is_not_tried_without_its_hint_or_a_digit() -> None:
    assert not PORT.may_hit(Text("le quai 80"))
    assert not PORT.may_hit(Text("le port"))
    assert PORT.may_hit(Text("le Pôrt 80"))


def test_a_pattern_that_begins_with_a_hint_is_tried_where_one_begins() -> None:
    rule = Rule(
        "test.lives", r"\b(?:j?habite|reside) (\w+)", hint=("jhabite", "habite", "reside"), at_hints=True, group=1
    )
    assert [found[:2] for found in find("jhabite Brest, il réside ici", [rule])] == [(8, 13), (25, 28)]


@pytest.mark.parametrize(
    ("unless", "text"),
    [(before("sans ", 10), "sans port 80"), (after(" ouvert"), "port 80 ouvert"), (inside("8"), "port 80")],
)
def test_a_refused_match_does_not_count(unless, text) -> None:
    rule = Rule("test.refusing", r"port \d+", unless=unless)
    assert [f.rule for f in find("port 90", [rule])] == [rule]
    assert not list(find(text, [rule]))


def test_a_rule_may_read_the_text_with_accents_or_as_written() -> None:
    assert list(find("ÉTÉ", [Rule("test.lower", "été", reads="lower")]))
    assert not list(find("ete", [Rule("test.lower", "été", reads="lower")]))
    assert list(find("Été", [Rule("test.written", "[A-ZÉ]té", reads="written")]))


def test_the_last_group_that_took_part_is_the_finding() -> None:
    rule = Rule("test.last", r"a(\d)|b(\d)|c", group=None)
    assert [(f.start, f.end) for f in find("a1 b2 c", [rule])] == [(1, 2), (4, 5), (6, 7)]


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two rules are called"):
        table(Rule("test.twice", "a", examples=("‹a›",)), Rule("test.twice", "b"))


def test_hints_are_literals_without_case_and_accents() -> None:
    with pytest.raises(ValueError, match="hint"):
        Rule("test.hint", "été", hint=("été",))
    with pytest.raises(TypeError, match="tuples"):
        Rule("test.hint", "ete", hint="ete")
