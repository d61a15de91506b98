"""Which rule masked what, and how often each rule fires."""

import json

import pytest

from plume.corpus.cli import anonymise, rules
from plume.corpus.rule_counts import count, texts_of
from plume.errors import InputError
from plume.french.rules import Rule


def test_explain_says_the_rule_of_each_span_and_nothing_of_the_text(tmp_path, capsys):
    given = tmp_path / "in.jsonl"
    given.write_text(json.dumps({"id": 7, "text": "Mme Lacroix, au 06 39 98 12 34. Mme Lacroix attend."}))
    anonymise(given, out=tmp_path / "out.jsonl", ner=False, explain=True)
    told = capsys.readouterr().out
    assert "7 4-11 AGENT announces.civility" in told
    assert "7 16-30 TEL phone." in told
    assert "Lacroix" not in told
    (row,) = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert [set(span) for span in row["spans"]] == [{"start", "end", "type"}] * 3


def test_hits_are_counted_by_rule_with_the_texts_that_hold_them():
    two = Rule("count.two", "deux")
    counted, total = count(["deux et deux", "un", "deux"], [two, Rule("count.ten", "dix")])
    assert counted == {"count.two": (3, 2), "count.ten": (0, 0)}
    assert total == 3


def test_every_rule_is_told_the_rarest_last(tmp_path, capsys):
    given = tmp_path / "in.jsonl"
    given.write_text(json.dumps({"id": "1", "text": "au 06 39 98 12 34"}) + "\n")
    rules(given)
    lines = capsys.readouterr().out.splitlines()
    assert any("1 hits in       1 texts  phone.french" in line for line in lines[:9])
    assert lines[-2].split()[0] == "0"
    assert "never fired" in lines[-1]


@pytest.mark.parametrize("made", [None, "[]", "folder"])
def test_what_holds_no_text_is_refused_in_one_line(tmp_path, made):
    path = tmp_path / "in.json"
    if made == "folder":
        path.mkdir()
    elif made:
        path.write_text(made)
    with pytest.raises(InputError, match=r"in\.json"):
        list(texts_of(path))
