"""Which reviews a study shows: drawn in proportion, none twice, each with the drafts that serving would have shown."""

import json

import pytest

from eval.study.items import by, candidates, draw
from plume.errors import InputError
from plume.files import file_sha256, read_jsonl, to_jsonl


def change(data, changes, split="test"):
    """Change rows of a split by their number, and what the manifest says of it; the drafts answer the new split."""
    file = data / f"{split}.jsonl"
    rows = [row | changes.get(i, {}) for i, row in enumerate(read_jsonl(file))]
    rows += [row for i, row in changes.items() if i >= len(rows)]
    file.write_bytes(to_jsonl(rows))
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["splits"][split]["sha256"] = file_sha256(file)
    (data / "manifest.json").write_text(json.dumps(manifest))


def test_networks_and_sentiments_are_drawn_in_proportion_and_the_draw_is_repeated(planned):
    config = planned(48)
    found = candidates(config)
    drawn = draw(found, 12, config)
    # Of 48 reviews, halves are of either network; in each of them a third is positive.
    assert by(drawn.items, "network") == {"CAF": 6, "Préfectures": 6}
    assert by(drawn.items, "sentiment") == {"Négatif": 8, "Positif": 4}
    assert draw(candidates(config), 12, config).items == drawn.items
    other = config.model_copy(update={"seed": 1})
    assert {i.id for i in draw(found, 12, other).items} != {i.id for i in drawn.items}
    assert len({item.id for item in draw(found, 48, config).items}) == 48
    assert all(set(item.drafts) == {"v3", "v4"} for item in drawn.items)


def test_a_review_without_a_draft_of_every_system_is_left_out(planned, texts):
    config = planned(24, texts_of=lambda i: None if i < 4 else texts["good"].format(i))
    found = candidates(config)
    assert found.left_out == {"a system has no draft": 4}
    assert {item.id for item in draw(found, 20, config).items} == {f"{i:04d}-1" for i in range(4, 24)}
    with pytest.raises(InputError, match=r"20 of its 20 test reviews .* 22 are wanted; give items=20"):
        draw(found, 22, config)


def test_near_duplicates_are_left_out_of_training_and_of_one_another(planned, make_drafts, texts):
    config = planned(24)
    reviews = [row["review"] for row in read_jsonl(config.data / "test.jsonl")]
    learnt = {"id": "t-1", "review": reviews[1] + " Oui.", "reply": "Bonjour."}
    change(config.data, {0: learnt}, split="train")
    change(config.data, {i: {"review": reviews[6] + " Voilà."} for i in (7, 8)})
    for name in ("v3", "v4"):
        make_drafts(config.data, name, lambda i: texts["good"].format(i), probe_text=None)
    found = candidates(config)
    assert found.left_out == {"near a training item": 1}
    drawn = draw(found, 20, config)
    assert len({"0006-1", "0007-1", "0008-1"} & {item.id for item in drawn.items}) <= 1
    with pytest.raises(InputError, match="21 of its 23 test reviews"):
        draw(found, 22, config)


def test_training_reviews_are_shown_where_a_study_is_learnt_from(planned, make_drafts, texts):
    config = planned(8)
    learnt = {i: {"id": f"{900 + i}-1", "review": f"Avis numéro {i}.", "reply": "Bonjour."} for i in range(4)}
    change(config.data, learnt, split="train")
    drafts = [make_drafts(config.data, name, lambda _: texts["good"], None, split="train") for name in ("v3", "v4")]
    config = config.model_copy(update={"split": "train", "drafts": tuple(drafts)})
    assert {item.id for item in draw(candidates(config), 4, config).items} == {row["id"] for row in learnt.values()}
    with pytest.raises(InputError, match="written for the split 'train'"):
        candidates(config.model_copy(update={"split": "test"}))


def test_a_draft_is_shown_as_serving_would_with_marks_where_something_is_withheld(planned, texts):
    config = planned(8, texts_of=lambda i: texts["good"].format(i) + (" Appelez le 01 99 00 12 34." if i == 3 else ""))
    drawn = draw(candidates(config), 8, config)
    assert drawn.withheld == 2  # of both systems
    (item,) = [item for item in drawn.items if item.id == "0003-1"]
    assert all("[TEL]" in text and "01 99" not in text for text in item.drafts.values())


def test_drafts_of_one_system_twice_and_of_another_dataset_are_refused(planned, tmp_path):
    config = planned(8)
    twice = config.model_copy(update={"drafts": (config.drafts[0], config.drafts[0])})
    with pytest.raises(InputError, match=r"by v3, as .* is; name one file of drafts for each system"):
        candidates(twice)
    change(config.data, {0: {"title": "Autre"}})
    with pytest.raises(InputError, match="written for the split 'test' of another dataset"):
        candidates(config)
