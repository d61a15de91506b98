"""The gold set's own faults, how recall is counted, and the intervals."""

import json
import re
from collections import Counter

import pytest
from stdnum.fr import nir

from plume.contacts import national
from plume.corpus import gold
from plume.errors import InputError
from plume.files import read_jsonl
from plume.pseudonymise import PLACEHOLDERS, Pseudonymiser, Span


@pytest.fixture(scope="module")
def rows():
    return read_jsonl(gold.GOLD, needs=("id", "text", "spans", "keep", "tags", "source"))


class Finds:
    """A pseudonymiser that finds what it is told, text by text."""

    def __init__(self, *spans):
        self.spans = spans

    def find_many(self, texts):
        return [[Span(*span, "NUMERO", "rule") for span in found] for found in self.spans[: len(texts)]]


def test_the_gold_set_is_large_varied_and_well_formed(rows):
    types, idents = Counter(), Counter()
    for row in rows:
        ends = [0]
        for span in sorted(row["spans"], key=lambda s: s["start"]):
            part = row["text"][span["start"] : span["end"]]
            assert ends[-1] <= span["start"] < span["end"] <= len(row["text"]), row["id"]
            assert part == part.strip(" ,;:!?"), (row["id"], part)
            ends.append(span["end"])
            types[span["type"]] += 1
            idents[span["ident"]] += 1
        assert all(0 <= k["start"] < k["end"] <= len(row["text"]) for k in row["keep"]), row["id"]
    assert len(rows) >= 200
    assert len({row["text"] for row in rows}) == len(rows)
    assert sum(not row["spans"] for row in rows) >= 40
    assert set(types) == (PLACEHOLDERS - {"USAGER", "AGENT", "TIERS"}) | {"PERSONNE"}
    assert min(types.values()) >= 5
    assert set(idents) == {"direct", "quasi", "health"}


def test_names_are_in_every_casing_and_numbers_belong_to_nobody(rows):
    spans = [(s["type"], row["text"][s["start"] : s["end"]]) for row in rows for s in row["spans"]]
    casings = Counter(gold.casing(text) for kind, text in spans if kind == "PERSONNE")
    assert min(casings[c] for c in ("title", "lower", "upper")) >= 10
    numbers = [re.sub(r"[^\dAB]", "", text) for kind, text in spans if kind == "NIR"]
    assert {number[7:10] for number in numbers} == {"000"}  # a commune code that no commune has
    valid = [nir.is_valid(number) for number in numbers if len(number) == 15]
    assert any(valid)
    assert not all(valid)
    for kind, text in spans:
        if kind == "TEL" and re.search(r"\d", text):
            assert national(text).startswith(("063998", "019900", "026191", "035301", "046571", "053649")), text
        if kind == "EMAIL":
            assert re.search(r"exemple", text, re.IGNORECASE), text


def test_a_span_counts_only_when_all_its_letters_are_masked_whatever_the_label():
    row = {"text": "Vu M. Le Goff.", "spans": [{"start": 6, "end": 13, "type": "PERSONNE", "ident": "direct"}]}
    for found, hit in (([(6, 13)], 1), ([(6, 8), (9, 13)], 1), ([(9, 13)], 0), ([], 0)):
        counts = gold.measure([row], Finds(found)).counts
        assert counts["ident"]["direct"] == counts["names"]["title"] == (hit, 1)
        assert counts["documents"]["direct_masked"] == (hit, 1)


def test_a_document_counts_when_every_direct_identifier_of_it_is_masked():
    spans = [
        {"start": 0, "end": 4, "type": "PERSONNE", "ident": "direct"},
        {"start": 5, "end": 9, "type": "PERSONNE", "ident": "direct"},
        {"start": 10, "end": 14, "type": "VILLE", "ident": "quasi"},
    ]
    row = {"text": "Aaaa Bbbb Cccc", "spans": spans}
    assert gold.measure([row], Finds([(0, 9)])).counts["documents"] == {"direct_masked": (1, 1)}
    assert gold.measure([row], Finds([(0, 4), (10, 14)])).counts["documents"] == {"direct_masked": (0, 1)}


def test_what_must_stay_is_counted_when_it_is_touched():
    rows = [
        {"text": "La CAF répond.", "spans": [], "keep": [{"start": 3, "end": 6}]},
        {"text": "Rien à dire.", "spans": []},
    ]
    measured = gold.measure(rows, Finds([(4, 5)], []))
    assert measured.counts["over"] == {"keep_spans": (1, 1), "clean_sentences": (1, 2)}
    assert [miss.kind for miss in measured.missed] == ["KEEP", "CLEAN"]


def test_letters_masked_outside_the_spans_are_counted():
    row = {"text": "Vu M. Le Goff, hier.", "spans": [{"start": 6, "end": 13, "type": "PERSONNE", "ident": "direct"}]}
    for found, letters in (([(6, 13)], 0), ([(6, 19)], 4), ([(3, 13)], 1), ([(0, 20)], 7), ([], 0)):
        assert gold.measure([row], Finds(found)).letters == (letters, 7)  # "Vu", "M" and "hier"
    two = [row, {"text": "Rien.", "spans": []}]
    assert gold.measure(two, Finds([(3, 13)], [(0, 5)])).letters == (5, 11)


def test_rules_alone_find_the_numbers_and_leave_the_rest(rows):
    measured = gold.measure(rows, Pseudonymiser())
    counts = measured.counts
    assert measured.letters[0] / measured.letters[1] <= 0.006
    for kind in ("NIR", "IBAN", "EMAIL", "FISCAL", "ALLOCATAIRE", "FRANCE_TRAVAIL"):
        hits, n = counts["type"][kind]
        assert hits == n, kind
    assert counts["over"]["keep_spans"][0] / counts["over"]["keep_spans"][1] <= 0.02
    assert counts["over"]["clean_sentences"][0] / counts["over"]["clean_sentences"][1] <= 0.10


@pytest.fixture
def small_gold(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    path = tmp_path / "gold.jsonl"
    row = {"text": "Vu Le Goff.", "spans": [{"start": 3, "end": 10, "type": "PERSONNE", "ident": "direct"}]}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return path


def test_figures_are_measured_once_for_each_version(small_gold):
    first = gold.figures(Finds([(3, 10)]), "model 1", small_gold)
    assert first["shares"]["ident"]["direct"] == {"hits": 1, "n": 1, "lower": 0.025, "upper": 1.0}
    assert first["over_masked_letters"] == {"hits": 0, "n": 2}
    assert gold.figures(None, "model 1", small_gold) == first  # nothing is measured: there is nothing to measure with
    other = gold.figures(Finds([]), "model 2", small_gold)
    assert other["shares"]["ident"]["direct"]["hits"] == 0
    small_gold.write_text(small_gold.read_text() * 2, encoding="utf-8")
    assert gold.figures(Finds([], []), "model 1", small_gold)["sentences"] == 2


def test_a_cut_off_cache_is_measured_again(small_gold, tmp_path):
    first = gold.figures(Finds([(3, 10)]), None, small_gold)
    [kept] = (tmp_path / "home" / "gold").iterdir()
    kept.write_text("{", encoding="utf-8")
    assert gold.figures(Finds([(3, 10)]), None, small_gold) == first


def test_a_missing_gold_set_is_an_input_error(small_gold):
    with pytest.raises(InputError, match="no such file"):
        gold.figures(Finds(), None, small_gold.with_name("absent.jsonl"))
