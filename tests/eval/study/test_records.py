"""The records of a study: written and read again, refused line by line, another idle cap."""

import dataclasses
import json

import pytest

from eval.study.records import Agent, Item, Rating, Study, Writing, read_items, read_study, write_items, write_study
from plume.errors import InputError

WRITING = Writing(
    agent="A1",
    item="1-1",
    network="CAF",
    sentiment=None,
    arm="draft",
    period=1,
    position=1,
    system="v3",
    active_seconds=100.0,
    pauses=(12.0, 45.0, 60.0, 61.0, 130.0),
    idle_seconds=60.0,
    keystrokes=40,
    pasted_characters=0,
    draft="Bonjour,\u2028merci.",
    final="Bonjour, merci bien.",
    outcome="edited",
    submitted_at="2026-11-30T10:00:00+00:00",
)
RATING = Rating("A2", "1-1", "finals", "draft", "blank", "neither", ("ton",), 1, "2026-11-30T11:00:00", ("A1", "A3"))
STUDY = Study(
    (Agent("A1", "novice", "draft first"), Agent("A2", None, "blank first")), (WRITING,), (RATING,), {"invited": 3}
)


def test_what_is_written_is_read_again(tmp_path):
    write_study(tmp_path / "records.jsonl", STUDY)
    assert read_study(tmp_path / "records.jsonl") == STUDY
    items = [Item("1-1", "CAF", None, None, None, "Trop long.", {"v3": "Bonjour."})]
    write_items(tmp_path / "items.jsonl", items)
    assert read_items(tmp_path / "items.jsonl") == items


def test_another_idle_cap_counts_the_pauses_in_between():
    # 12, 45 and 60 s count at a cap of 60; at 30 two of them are pauses; at 120 the 61 s are work, too
    assert [WRITING.active_at(cap) for cap in (60, 30, 10, 120, 200)] == [100, 0, 0, 161, 291]
    assert dataclasses.replace(WRITING, active_seconds=200.0).active_at(30) == 95


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"arm": "other"}, "line 4: arm: input should be 'draft' or 'blank'"),
        ({"active_seconds": -1}, "line 4: active_seconds: "),
        ({"active_seconds": float("nan")}, "line 4: active_seconds: "),
        ({"seconds": 1}, "line 4: seconds: unexpected keyword argument"),
        ({"record": "letter"}, "line 4: record 'letter' is none of flow, agent"),
        ({"agent": "A9"}, "'A9' writes, and no agent of that name is recorded"),
    ],
)
def test_a_wrong_line_is_named_and_no_text_repeated(tmp_path, changes, told):
    path = tmp_path / "records.jsonl"
    write_study(path, STUDY)
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[3] = json.dumps(json.loads(lines[3]) | changes)
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_study(path)
    assert told in str(refused.value)
    assert "Bonjour" not in str(refused.value)


def test_a_review_that_an_agent_wrote_twice_is_refused(tmp_path):
    write_study(tmp_path / "r.jsonl", dataclasses.replace(STUDY, writings=(WRITING, WRITING)))
    with pytest.raises(InputError, match="'A1' wrote '1-1' twice"):
        read_study(tmp_path / "r.jsonl")
