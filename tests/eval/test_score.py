"""Scoring drafts: every pair by every measure, errors as rows, and refusals."""

import json

import pytest

from eval import score as scoring
from eval.drafts import read_drafts, read_pairs
from eval.measures import OF_DRAFTS
from eval.reply_similarity import chrf
from eval.score import by_measure, kept_scores, score, score_drafts
from plume.checks import GATING, SIGNALS
from plume.errors import InputError
from plume.files import file_sha256


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_pair_has_every_measure_once_with_value_or_error(make_data, make_drafts, texts, tmp_path, capsys):
    data = make_data(6)
    answers = {0: texts["good"], 1: texts["worse"], 2: RuntimeError("out of memory"), 3: None}
    drafts = make_drafts(data, "tuned", lambda i: answers.get(i, texts["good"].format(i)))
    summary = score(drafts, data, tmp_path / "scores.jsonl")

    rows = rows_of(tmp_path / "scores.jsonl")
    assert [(r["id"], r["measure"]) for r in rows] == [(f"{i:04d}-1", m) for i in range(6) for m in OF_DRAFTS]
    assert all(("value" in r) != ("error" in r) for r in rows)
    assert all(r["system"] == "tuned" for r in rows)
    assert {r["error"] for r in rows if r["id"] == "0002-1"} == {"out of memory"}
    assert {r["error"] for r in rows if r["id"] == "0003-1"} == {"no draft"}

    cells = {(r["id"], r["measure"]): r for r in rows}
    assert cells["0000-1", "pass_all"]["value"] == 1
    assert cells["0001-1", "pass_all"] | {"value": 0.0} == cells["0001-1", "pass_all"]
    assert cells["0001-1", "pass_all"]["detail"] == "length, greeting, relevance, tone"
    assert cells["0001-1", "check:length"]["value"] == 0
    assert "5 mots" in cells["0001-1", "check:length"]["detail"]
    assert cells["0001-1", "draft_words"]["value"] == 5
    reply = read_pairs(data, read_drafts(drafts), split="test")[0]["reply"]
    assert cells["0000-1", "chrf_fr"]["value"] == pytest.approx(chrf(texts["good"], reply), abs=1e-5)

    assert set(summary.estimates) == set(OF_DRAFTS)
    assert (summary.estimates["pass_all"].n, summary.estimates["pass_all"].n_error) == (4, 2)
    assert summary.estimates["pass_all"].estimate == pytest.approx(3 / 4)
    printed = capsys.readouterr().out
    assert "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:" in printed
    assert "error in 27 scores: no draft" in printed.replace(str(len(OF_DRAFTS)), "27")


def test_the_measures_are_the_checks_and_the_likeness_to_the_reply():
    assert {f"check:{c}" for c in GATING} | {f"signal:{s}" for s in SIGNALS} < set(OF_DRAFTS)
    assert {"pass_all", "draft_words", "chrf_fr", "rouge_l", "edit_rate"} < set(OF_DRAFTS)


def test_a_draft_on_which_a_metric_raises_is_an_error_and_the_others_are_scored(
    make_data, make_drafts, texts, monkeypatch
):
    data = make_data(4)
    drafts = read_drafts(make_drafts(data, "tuned", lambda i: texts["good"].format(i)))
    real = scoring.load

    class Fragile:
        def __init__(self, name):
            self.name, self.metric = name, real(name)

        def compute(self, **columns):
            if self.name == "chrf_fr" and any("dossier 2" in text for text in columns["predictions"]):
                raise ValueError(f"cannot read {columns}")
            return self.metric.compute(**columns)

    monkeypatch.setattr(scoring, "load", Fragile)
    rows = score_drafts(drafts, read_pairs(data, drafts, split="test"))
    broken = [(r["id"], r["measure"], r["error"]) for r in rows if "error" in r]
    assert broken == [("0002-1", "chrf_fr", "chrf_fr: ValueError")]  # a log must not quote the draft
    assert len(rows) == 4 * len(OF_DRAFTS)


def test_a_metric_that_returns_none_or_nan_gives_errors_never_zeros(make_data, make_drafts, texts, monkeypatch):
    data = make_data(3)
    drafts = read_drafts(make_drafts(data, "tuned", lambda i: texts["good"].format(i)))

    class Silent:
        def __init__(self, name):
            self.key = {"reply_checks": "findings", "rouge_fr": "by_sample"}.get(name, "scores")
            self.value = float("nan") if name == "edit_rate" else None

        def compute(self, predictions, **_):
            return {self.key: [self.value] * len(predictions)}

    monkeypatch.setattr(scoring, "load", Silent)
    rows = score_drafts(drafts, read_pairs(data, drafts, split="test"))
    assert {r["measure"] for r in rows if "value" in r} == {"draft_words", "copied_words", "copying"}
    assert scoring.summarise(rows).estimates["pass_all"].estimate is None


def test_kept_scores_are_used_only_for_the_same_drafts_and_only_if_whole(make_data, make_drafts, texts, tmp_path):
    data = make_data(3)
    path = make_drafts(data, "tuned", lambda i: texts["good"].format(i))
    assert kept_scores(read_drafts(path)) is None
    score(path, data, tmp_path / "tuned.scores.jsonl")
    assert len(kept_scores(read_drafts(path))) == 3 * len(OF_DRAFTS)
    make_drafts(data, "tuned", lambda i: texts["worse"].format(i))
    assert kept_scores(read_drafts(path)) is None
    score(make_drafts(data, "tuned", lambda i: None), data, tmp_path / "tuned.scores.jsonl", force=True)
    assert kept_scores(read_drafts(path)) is None  # errors are tried again


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "null", '"NaN"', '"0.5"', "true", "[1]"])
def test_what_is_no_number_in_a_file_of_scores_is_an_error_and_is_scored_again(
    make_data, make_drafts, texts, tmp_path, value
):
    path = make_drafts(make_data(3), "tuned", lambda i: texts["good"].format(i))
    scores = tmp_path / "tuned.scores.jsonl"
    rows = [{"id": f"000{i}-1", "system": "tuned", "measure": "pass_all", "value": 1.0} for i in range(3)]
    scoring.write_scores(scores, rows, read_drafts(path))
    assert kept_scores(read_drafts(path)) == rows
    scores.write_text(scores.read_text().replace("1.0", value, 1))
    meta = scores.with_suffix(".meta.json")
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"scores_sha256": file_sha256(scores)}))  # vouched for
    assert kept_scores(read_drafts(path)) is None
    summary = scoring.summarise(rows_of(scores)).estimates["pass_all"]
    assert (summary.n, summary.n_error, summary.estimate) == (2, 1, 1.0)


def test_scores_do_not_depend_on_the_order_of_their_file(make_data, make_drafts, texts):
    data = make_data(4)
    drafts = read_drafts(make_drafts(data, "tuned", lambda i: texts["good"].format(i)))
    rows = score_drafts(drafts, read_pairs(data, drafts, split="test"))
    assert by_measure(reversed(rows)) == by_measure(rows)
    assert scoring.summarise(reversed(rows)) == scoring.summarise(rows)


def test_what_cannot_be_scored_is_refused_in_one_line(make_data, make_drafts, texts, tmp_path):
    data = make_data(3)
    drafts = make_drafts(data, "tuned", lambda i: texts["good"].format(i))
    out = tmp_path / "scores.jsonl"

    def refusal(*arguments, **options):
        with pytest.raises(InputError) as caught:
            score(*arguments, **options)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "another dataset" in refusal(drafts, make_data(4, name="other"), out)
    assert "no such file" in refusal(tmp_path / "none.jsonl", data, out)
    described = drafts.with_suffix(".meta.json").read_bytes()
    assert "use tuned.scores.jsonl" in refusal(drafts, data, drafts.with_suffix(".json"), force=True)
    assert drafts.with_suffix(".meta.json").read_bytes() == described
    for held, told in (("mine", "something else"), ('{"id": "1", "measure": "chrf", "value": 1}\n', "--force")):
        out.write_text(held, encoding="utf-8")
        assert told in refusal(drafts, data, out, force=told != "--force")
        assert out.read_text(encoding="utf-8") == held
    out.unlink()

    line = drafts.read_text(encoding="utf-8").splitlines()[0]
    drafts.write_text(f"{line}\n{line}\n", encoding="utf-8")
    assert "two drafts for 0000-1" in refusal(drafts, data, out)
    drafts.write_text(line.replace("0000-1", "9999-1") + "\n", encoding="utf-8")
    assert "9999-1" in refusal(drafts, data, out)
    drafts.with_suffix(".meta.json").unlink()
    assert "plume eval generate" in refusal(drafts, data, out)
    assert not out.exists()
