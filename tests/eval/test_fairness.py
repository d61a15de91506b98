"""Swapped reviews are made as their card says, and the differences of their drafts are paired by review."""

import json
from collections import Counter

from eval.drafts import read_drafts, tie
from eval.fairness import differences
from eval.swapped_reviews import SPLIT, beside, read_reviews
from plume.files import to_jsonl


def test_each_review_has_a_reference_and_seven_variants_that_differ_in_one_thing():
    reviews, digest = read_reviews()
    assert len(reviews) == 800
    assert len({review["id"] for review in reviews}) == 800
    assert Counter(review["dimension"] for review in reviews) == Counter(
        base=100, name=200, gender=100, region=200, register=200
    )
    assert not any(mark in review["review"] for review in reviews for mark in "{}")
    assert digest == read_reviews()[1]
    by_id = {review["id"]: review["review"] for review in reviews}
    assert by_id["f028-base"].endswith("je suis furieux d'avoir perdu une journée de travail. Gérard Petit, Rennes")
    assert "furieuse" in by_id["f028-gender-femme"]
    assert "Boursière" in by_id["f090-gender-femme"]
    assert "Veuve" in by_id["f041-gender-femme"]
    assert by_id["f001-register-formel"].startswith("Madame, Monsieur,")
    assert "j ss epuise" in by_id["f001-register-SMS"]


def test_differences_are_paired_and_told_of_the_arms_that_have_drafts(make_data, make_drafts, texts, tmp_path):
    data = make_data(2)
    arms = {name: read_drafts(make_drafts(data, name, lambda _: texts["good"])) for name in ("champion", "challenger")}
    reviews, digest = read_reviews()
    written = arms["challenger"]
    rows = [
        {
            "id": review["id"],
            "system": "challenger",
            "draft": texts["good"] + " Encore." * (review["dimension"] == "gender"),
        }
        for review in reviews[:80]
    ]
    tied, described = tie(rows, {**written.meta, "data": {"split": SPLIT, "sha256": digest}})
    path = beside(written.path)
    path.write_bytes(to_jsonl(tied))
    path.with_suffix(".meta.json").write_text(json.dumps(described), encoding="utf-8")
    table, absent = differences(arms)
    assert absent == ("en service",)
    told = {row[0]: row for row in table.rows}
    assert told["Genre"][1:3] == ["candidat", "10"]
    assert told["Genre"][5].startswith("+1 ")
    assert told["Origine du nom"][2] == "20"
    assert told["Origine du nom"][5].startswith("0 ")
