"""The gold drafts' file keeps its shape. Nothing of the checks is imported: the file must be right without them."""

import json
from collections import Counter
from pathlib import Path

import pytest

FILE = Path(__file__).parents[3] / "datasets" / "gold" / "drafts.jsonl"
CHECKS = (
    *("length", "greeting", "french", "contacts", "amounts", "dates", "deadlines"),
    *("articles", "personal_data", "placeholders", "promises", "signature", "repetition", "residue"),
)
HALVES = ("tune", "test")
ROWS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def count_words(text: str) -> int:
    """Number of blank-separated tokens of `text` that hold a letter or a digit."""
    return sum(any(c.isalnum() for c in token) for token in text.split())


def per_half(field: str, check: str) -> list[int]:
    """How many rows of each half name `check` in `field`."""
    found = Counter(row["half"] for row in ROWS if check in row[field])
    return [found[half] for half in HALVES]


def test_rows_have_the_documented_fields():
    fields = {"id", "half", "review", "sentiment", "prompt", "draft", "fails", "near", "note"}
    for row in ROWS:
        assert set(row) == fields, row["id"]
        assert all(row[field].strip() for field in ("review", "draft", "note")), row["id"]
        assert row["half"] in HALVES
        assert row["sentiment"] in {"Négatif", "Neutre", "Positif"}
        assert not (set(row["fails"]) | set(row["near"])) - set(CHECKS), row["id"]
        assert not set(row["fails"]) & set(row["near"]), row["id"]
        assert len(row["fails"]) == len(set(row["fails"])), row["id"]
        assert len(row["near"]) == len(set(row["near"])), row["id"]


def test_ids_and_drafts_are_unique():
    assert len({row["id"] for row in ROWS}) == len(ROWS) >= 170
    assert len({" ".join(row["draft"].split()) for row in ROWS}) == len(ROWS)


def test_clean_and_multiple_failures_have_their_share():
    assert 0.35 <= sum(not row["fails"] for row in ROWS) / len(ROWS) <= 0.40
    assert 0.15 <= sum(len(row["fails"]) > 1 for row in ROWS) / len(ROWS) <= 0.20


@pytest.mark.parametrize("field", ["fails", "near"])
@pytest.mark.parametrize("check", CHECKS)
def test_each_check_has_enough_cases_balanced_over_the_halves(field, check):
    tune, test = per_half(field, check)
    assert tune + test >= 10
    assert abs(tune - test) <= 0.3 * max(tune, test)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_length_label_agrees_with_the_count_of_words(row):
    assert ("length" in row["fails"]) == (not 60 <= count_words(row["draft"]) <= 140)
