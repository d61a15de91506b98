"""Drafts: resumable, never generated twice, the same in a batch as alone."""

import json

import pytest

from eval.generate import Decoding, generate
from eval.systems import Resolved, resolve
from plume.errors import InputError
from plume.models import Base


@pytest.fixture
def system(tiny_mistral):
    return Resolved("base:tiny", Base(model=str(tiny_mistral)), None, None, "short-1")


DECODING = Decoding(max_new_tokens=12)


def _rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def _texts(path):
    return {row["id"]: row["draft"] for row in _rows(path)}


def test_a_draft_for_every_review_with_its_counts(system, small_dataset, tmp_path):
    out = tmp_path / "drafts.jsonl"
    assert generate(system, small_dataset, out, DECODING) == 3
    rows = _rows(out)
    assert {r["id"] for r in rows} == {"916-1", "917-1", "918-1"}
    assert all({"id", "draft", "system", "prompt_tokens", "draft_tokens", "seconds"} <= r.keys() for r in rows)
    assert all(1 <= r["draft_tokens"] <= 12 for r in rows)
    meta = json.loads((tmp_path / "drafts.meta.json").read_text())
    assert meta["system"]["prompt"] == "short-1"
    assert meta["system"]["adapter_sha256"] is None
    assert meta["data"]["split"] == "test"


def test_a_draft_does_not_depend_on_its_batch(system, small_dataset, tmp_path):
    generate(system, small_dataset, tmp_path / "one.jsonl", DECODING, batch_size=1)
    generate(system, small_dataset, tmp_path / "all.jsonl", DECODING, batch_size=8)
    assert _texts(tmp_path / "one.jsonl") == _texts(tmp_path / "all.jsonl")


def test_what_is_there_is_not_generated_again(system, small_dataset, tmp_path, monkeypatch):
    out = tmp_path / "drafts.jsonl"
    generate(system, small_dataset, out, DECODING)
    before = out.read_text()
    monkeypatch.setattr(module, "_generate", lambda *a: pytest.fail("generated again"))
    assert generate(system, small_dataset, out, DECODING) == 0
    assert out.read_text() == before


def test_an_interrupted_run_goes_on_where_it_stopped(system, small_dataset, tmp_path):
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    generate(system, small_dataset, whole, DECODING)
    generate(system, small_dataset, cut, DECODING)
    lines = cut.read_text().splitlines(keepends=True)
    cut.write_text(lines[0] + lines[1][:25])  # killed in the middle of the second line
    assert generate(system, small_dataset, cut, DECODING) == 2
    assert _texts(cut) == _texts(whole)


@pytest.mark.parametrize("change", ["decoding", "prompt"])
def test_drafts_of_something_else_are_not_mixed_in(system, small_dataset, tmp_path, change):
    out = tmp_path / "drafts.jsonl"
    generate(system, small_dataset, out, DECODING)
    before = out.read_text()
    other = Resolved("base:tiny", system.base, None, None, "v1") if change == "prompt" else system
    decoding = Decoding(max_new_tokens=5) if change == "decoding" else DECODING
    with pytest.raises(InputError, match="--force"):
        generate(other, small_dataset, out, decoding)
    assert out.read_text() == before
    assert generate(other, small_dataset, out, decoding, force=True) == 3


def test_an_empty_or_unknown_split_is_an_input_error(system, small_dataset, tmp_path):
    with pytest.raises(InputError):
        generate(system, small_dataset, tmp_path / "d.jsonl", DECODING, split="tset")


def test_unknown_system_is_one_line_that_names_the_known_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    with pytest.raises(InputError, match="train one first"):
        resolve("42", tracking_uri=f"sqlite:///{tmp_path / 'm.db'}")


@pytest.mark.parametrize("content", ['{"kept": "by the user"}', "not json at all", "[1, 2]\n"])
def test_a_file_that_holds_no_drafts_is_left_alone(system, small_dataset, tmp_path, content):
    out = tmp_path / "mine.json"
    out.write_text(content)
    with pytest.raises(InputError, match="--force"):
        generate(system, small_dataset, out, DECODING)
    assert out.read_text() == content
