"""Drafts and their description belong together: what was edited, added, removed or moved since is refused by name."""

import json

import pytest

from eval.compare import compare
from eval.drafts import read_drafts, reusable, tie, writing
from plume.errors import InputError
from plume.paths import ROOT

GATE = ROOT / "configs" / "eval" / "gate.yaml"
META = {
    "system": {"name": "s", "base": {"model": "tiny"}, "adapter_sha256": None, "prompt": "v1"},
    "decoding": {"strategy": "greedy"},
    "data": {"split": "test", "sha256": "0" * 64},
    "gate_sha256": None,
    "fingerprint": "f",
}
KEYS = {f"{i}-1": f"key {i}" for i in range(4)}


@pytest.fixture
def drafts(tmp_path):
    """drafts.jsonl of four rows, the last one an error, written as generation writes it."""
    path = tmp_path / "drafts.jsonl"
    with writing(path, META, KEYS) as file:
        for i in range(3):
            file.add({"id": f"{i}-1", "draft": f"Bonjour {i}.", "key": f"key {i}", "seconds": 0.5})
        file.add({"id": "3-1", "error": "no answer"})
    return path


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def put(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def meta_of(path):
    return json.loads(path.with_suffix(".meta.json").read_text(encoding="utf-8"))


def edited(path, id_, **values):
    put(path, [row | values if row["id"] == id_ else row for row in rows_of(path)])


def removed(path):
    put(path, [row for row in rows_of(path) if row["id"] != "1-1"])


def added(path):
    put(path, [*rows_of(path), {**rows_of(path)[0], "id": "9-1"}])


def swapped(path):
    ids = {"1-1": "2-1", "2-1": "1-1"}
    put(path, [{**row, "id": ids.get(row["id"], row["id"])} for row in rows_of(path)])


def under_another_description(path):
    _, meta = tie(rows_of(path), META | {"system": META["system"] | {"name": "other"}})
    path.with_suffix(".meta.json").write_text(json.dumps(meta))


def description(path, **values):
    path.with_suffix(".meta.json").write_text(json.dumps(meta_of(path) | values))


def test_what_generation_wrote_is_read_in_any_order_of_lines(drafts):
    found = read_drafts(drafts)
    assert found.tied
    assert [row.get("draft") for row in found.rows.values()] == ["Bonjour 0.", "Bonjour 1.", "Bonjour 2.", None]
    put(drafts, reversed(rows_of(drafts)))
    assert read_drafts(drafts).rows == found.rows


FORGED = {
    "a word": (lambda p: edited(p, "1-1", draft="Bonjour 1 !"), "1-1"),
    "a word and no digest": (lambda p: edited(p, "1-1", draft="Bonjour 1 !", sha256=None), "1-1"),
    "another field": (lambda p: edited(p, "2-1", seconds=0.1), "2-1"),
    "an error made a draft": (lambda p: edited(p, "3-1", draft="Bonjour."), "3-1"),
    "removed": (removed, "1-1"),
    "added": (added, "9-1"),
    "swapped": (swapped, "2-1"),
    "another system's description": (under_another_description, "0-1"),
    "the description's system": (lambda p: description(p, system=META["system"] | {"name": "x"}), "meta.json"),
    "the description's rule": (lambda p: description(p, gate_sha256="a" * 64), "meta.json"),
    "the description's list": (lambda p: description(p, drafts={}), "meta.json"),
    "half of the ties": (lambda p: p.with_suffix(".meta.json").write_text(json.dumps(META)), "meta.json"),
}


@pytest.mark.parametrize("how", FORGED)
def test_what_was_changed_since_is_refused_in_one_line_that_names_it(drafts, how):
    change, named = FORGED[how]
    change(drafts)
    with pytest.raises(InputError, match=named) as refusal:
        read_drafts(drafts)
    assert "\n" not in str(refusal.value)
    assert "again" in str(refusal.value)


def test_after_a_kill_the_same_command_goes_on_and_vouches_for_what_was_there(drafts):
    whole = rows_of(drafts)

    class Killed(BaseException):
        """As if by SIGKILL: the description is that of the start."""

    with pytest.raises(Killed), writing(drafts, META, KEYS, force=True) as file:  # noqa: PT012 - killed in it
        start = drafts.with_suffix(".meta.json").read_bytes()
        file.add(whole[0])
        raise Killed
    drafts.with_suffix(".meta.json").write_bytes(start)
    with pytest.raises(InputError, match="'0-1' is not listed"):
        read_drafts(drafts)
    with writing(drafts, META, KEYS) as file:
        assert file.done == {"0-1"}
        for row in whole[1:]:
            file.add(row)
    assert rows_of(drafts) == whole
    assert read_drafts(drafts).rows == {row["id"]: row for row in whole}


def test_going_on_and_reusing_refuse_an_edited_draft_and_say_how_to_go_on(drafts, tmp_path):
    assert [row["id"] for row in reusable([drafts], {"key 1": "8-1"}, META)] == ["8-1"]
    edited(drafts, "1-1", draft="Bonjour 1 !")
    before = drafts.read_bytes(), drafts.with_suffix(".meta.json").read_bytes()
    with pytest.raises(InputError, match=r"'1-1' was changed .* remove that line"), writing(drafts, META, KEYS):
        pass
    with pytest.raises(InputError, match="'1-1' was changed"):
        list(reusable([drafts], {"key 1": "8-1"}, META))
    assert (drafts.read_bytes(), drafts.with_suffix(".meta.json").read_bytes()) == before
    removed(drafts)
    with writing(drafts, META, KEYS) as file:
        assert file.done == {"0-1", "2-1"}


def test_drafts_from_before_digests_are_compared_but_never_pass_until_generate_tied_them(
    make_data, make_drafts, texts, tmp_path
):
    data = make_data(30)
    pair = [make_drafts(data, name, lambda i: texts["good"].format(i)) for name in ("a", "b")]
    old = {k: v for k, v in meta_of(pair[1]).items() if k not in ("drafts", "sha256")}
    keys = {row["id"]: f"key {row['id']}" for row in rows_of(pair[1])}
    rows = [row | {"key": keys[row["id"]]} for row in rows_of(pair[1])]
    put(pair[1], [{k: v for k, v in row.items() if k != "sha256"} for row in rows])
    pair[1].with_suffix(".meta.json").write_text(json.dumps(old))
    verdict = compare(*pair, data, GATE, tmp_path / "out")
    assert verdict.outcome == "INCONCLUSIVE"
    assert "rien ne lie les brouillons du système candidat" in verdict.reasons[0]
    assert "plume eval generate" in verdict.reasons[0]
    with writing(pair[1], old, keys) as file:
        assert file.done == keys.keys()
    assert read_drafts(pair[1]).tied


ODD_ROWS = [
    '{"id": 1, "draft": "a"}',
    '{"id": ["x"], "draft": "a"}',
    '{"id": "1", "draft": 5}',
    '{"id": "1", "error": {"a": 1}}',
    '{"id": "1", "draft": "a\\ud83d"}',
    '{"id": "1", "n": ' + "9" * 5000 + "}",
    '{"id": "1", "n": ' + "[" * 20000 + "}",
]


@pytest.mark.parametrize("row", ODD_ROWS, ids=lambda row: row[:32])
def test_odd_rows_are_one_line(drafts, row):
    drafts.write_text(f"{row}\n", encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        read_drafts(drafts)
    assert "\n" not in str(refusal.value)
    with pytest.raises(InputError), writing(drafts, META, KEYS):
        pass


ODD_META = ["null", "[]", "{}", '{"system": 1}', "[" * 20000, '{"a": ' + "9" * 5000]
ODD_META += [json.dumps(META | odd) for odd in ({"system": None}, {"fingerprint": 3}, {"decoding": [], "drafts": {}})]


@pytest.mark.parametrize("content", ODD_META, ids=lambda content: content[:16])
def test_odd_descriptions_are_one_line(drafts, content):
    drafts.with_suffix(".meta.json").write_text(content)
    with pytest.raises(InputError, match="plume eval generate"):
        read_drafts(drafts)


def test_a_name_that_utf8_cannot_hold_is_written_and_refused_later_in_one_line(tmp_path):
    path = tmp_path / "drafts.jsonl"
    meta = META | {"system": META["system"] | {"name": "endpoint:caf\udce9"}}  # an argument typed in latin-1
    with writing(path, meta, KEYS) as file:
        file.add({"id": "0-1", "draft": "Bonjour.", "key": "key 0"})
    with pytest.raises(InputError, match="half of a character"):
        read_drafts(path)
