"""The reviews that agents may pick from: the platform's export, and lines with a review."""

import json

import pytest

from plume.errors import InputError
from plume.paths import ROOT
from serve.desk.given_reviews import GivenReviews


def test_an_export_gives_each_review_by_structure_those_without_a_reply_first():
    given = GivenReviews.read(ROOT / "datasets" / "sample" / "export.json")
    answered = [one.is_answered for one in given.all]
    assert answered == sorted(answered)
    assert {True, False} == set(answered)
    assert all(one.review and "-" in one.id for one in given.all if one.is_answered)
    assert "CAF" in given.networks
    (first, *_) = given.all
    assert first in given.find(first.title.upper())
    assert given.find("zorglub") == []


def test_lines_of_json_and_csv_need_only_a_review(tmp_path):
    lines = [
        {"id": 7, "review": "Panne\u2028du site", "title": "Un\ntitre"},
        {"review": "  "},
        {"review": "b", "id": 7},
    ]
    path = tmp_path / "reviews.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    given = GivenReviews.read(path)
    assert [(one.id, one.review, one.title) for one in given.all] == [("7", "Panne\ndu site", "Un titre")]
    assert given.left_out == 2
    path = tmp_path / "reviews.csv"
    path.write_text('review;structure\n"Bonjour ; rien";CAF du Gard\nb;\n', encoding="utf-8")
    given = GivenReviews.read(path)
    assert [(one.id, one.review, one.structure) for one in given.all] == [
        ("ligne 1", "Bonjour ; rien", "CAF du Gard"),
        ("ligne 2", "b", ""),
    ]


def test_structures_are_suggested_by_words_and_network():
    given = GivenReviews.read(ROOT / "datasets" / "sample" / "export.json")
    assert all("cpam" in name.casefold() for name in given.structures("cpam"))
    assert given.structures("", "CPAM")
    assert {one.network for one in given.all if one.structure in given.structures("", "cpam")} == {"CPAM"}
    assert len(given.structures("")) <= 60


@pytest.mark.parametrize("text", ['{"id": 1, "text": "x"}', "[]", ""])
def test_a_file_without_reviews_is_told_in_one_line(tmp_path, text):
    path = tmp_path / "reviews.json"
    path.write_text(text)
    with pytest.raises(InputError) as told:
        GivenReviews.read(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
