"""Several challengers in one comparison: a verdict each, a ranking, and the chosen one may be promoted."""

import json
import re
from pathlib import Path

import mlflow
import pytest

from eval import cli
from eval.compare import compare
from eval.compare_several import compare_several, outcome_of
from eval.mlflow_runs import comparison_of
from eval.promote import promote
from eval.trend import trend
from plume import registry, tracking
from plume.errors import InputError

GATE = Path(__file__).parents[2] / "configs" / "eval" / "gate.yaml"


@pytest.fixture
def easy(tmp_path, few_probes):
    """The project's rule with limits and margins that 60 items can establish, and four probes."""
    text = re.sub(r"(limit|margin): 0\.\d+", r"\1: 0.1", GATE.read_text(encoding="utf-8"))
    text = re.sub(r"file: .*\n  limit: 0.1", f"file: {few_probes}\n  limit: 0.7", text)
    path = tmp_path / "easy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def four(make_data, make_drafts, texts):
    """A dataset, a champion, and challengers: much better, as good, worse."""
    data = make_data(60)

    def every(n):
        return lambda i: (texts["worse"] if i % n == 0 else texts["good"]).format(i)

    learnt = json.loads((data / "manifest.json").read_text())["splits"]["train"]["sha256"]

    def system(name, digest):
        told = {"name": name, "base": {"model": "tiny"}, "adapter_sha256": digest, "prompt": "v1"}
        return {"system": told | {"trained_on": {"train": learnt}}}

    champion = make_drafts(data, "base", every(2), **system("plume-reply@v1", "aaa"))
    challengers = [
        make_drafts(data, "better", every(60), **system("plume-reply@v2", "bbb")),
        make_drafts(data, "same", every(2), **system("plume-reply@v3", "ccc")),
        make_drafts(data, "worse", lambda i: texts["worse"].format(i), **system("plume-reply@v4", "ddd")),
    ]
    return data, champion, challengers


def test_each_has_a_verdict_and_all_are_ranked(four, easy, tmp_path):
    data, champion, challengers = four
    judged = compare_several(champion, challengers, data, easy, out := tmp_path / "rank")
    assert [one.verdict.outcome for one in judged] == ["PASS", "INCONCLUSIVE", "FAIL"]
    assert outcome_of(judged) == "PASS"
    assert outcome_of(judged[1:]) == "INCONCLUSIVE"
    assert outcome_of(judged[2:]) == "FAIL"

    alone = compare(champion, challengers[0], data, easy, tmp_path / "alone")
    one, other = (json.loads((path / "verdict.json").read_text()) for path in (judged[0].folder, tmp_path / "alone"))
    assert [*one] == [*other, "several"]  # the contract, and what this verdict was one of
    assert one["several"]["challengers"] == 3
    assert one["inputs"] == other["inputs"]
    assert len([reason for reason in one["reasons"] if reason.startswith("Plusieurs candidats : 3 jugés")]) == 1
    by = [{(e["measure"], e["slice"], e["arm"]): e for e in found["estimates"]} for found in (one, other)]
    for key, line in by[0].items():
        if line["rule"] and line["arm"] == "difference" and line["slice"] is None:
            assert line["lower"] < by[1][key]["lower"] < line["upper"]  # wider than alone
        if line["slice"]:
            assert line == by[1][key]
    assert alone.outcome == "PASS"

    ranking = json.loads((out / "ranking.json").read_text())
    assert [(s["id"], s["rank"], s["outcome"]) for s in ranking["systems"]] == [
        ("1-better", 1, "PASS"),
        ("champion", 2, None),
        ("2-same", 2, "INCONCLUSIVE"),
        ("3-worse", 4, "FAIL"),
    ]
    assert ranking["outcome"] == "PASS"
    assert [s["verdict"] for s in ranking["systems"]] == [
        "1-better/verdict.json",
        None,
        "2-same/verdict.json",
        "3-worse/verdict.json",
    ]
    assert all((out / s["verdict"]).is_file() for s in ranking["systems"] if s["verdict"])
    apart = {(d["first"], d["second"]): d["told_apart"] for d in ranking["differences"]}
    assert apart["1-better", "champion"]
    assert not apart["champion", "2-same"]
    page = (out / "ranking.html").read_text(encoding="utf-8")
    assert '<a href="1-better/report.html">Remplacement possible</a>' in page
    assert "<script" not in page

    with pytest.raises(InputError, match="--force"):
        compare_several(champion, challengers, data, easy, out)
    with pytest.raises(InputError, match="holds a ranking, not a verdict"):
        compare(champion, challengers[0], data, easy, out, force=True)
    with pytest.raises(InputError, match=r"better\.jsonl: is given twice"):
        compare_several(champion, [challengers[0]] * 2, data, easy, tmp_path / "twice")
    with pytest.raises(InputError, match="is given twice"):
        compare_several(champion, [challengers[0], champion], data, easy, tmp_path / "twice")


def test_the_command_logs_each_and_the_chosen_one_is_promoted(four, easy, tmp_path, empty_store, monkeypatch, capsys):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    tracking.connect(f"sqlite:///{tmp_path / 'mlflow.db'}")
    data, champion, challengers = four
    for digest in ("aaa", "bbb", "ccc", "ddd"):
        with tracking.run("train", kind="train") as run:
            mlflow.log_text(digest, "adapter/weights")
        registry.register(run.info.run_id, "adapter", {registry.ADAPTER_HASH: digest, "prompt": "v1"})
    promote("1", initial=True, reason="first", by="Ada")
    out = tmp_path / "rank"
    with pytest.raises(cli.typer.Exit) as left:
        cli.compare(champion, challengers[:2], data, out, gate=easy)
    assert left.value.exit_code == 0
    told = capsys.readouterr().out
    assert f"PASS: {out / '1-better' / 'verdict.json'}" in told
    assert f"INCONCLUSIVE: {out / '2-same' / 'verdict.json'}" in told
    for name in ("1-better", "2-same"):
        assert comparison_of(out / name / "verdict.json")
    with pytest.raises(InputError, match="INCONCLUSIVE, not PASS"):
        promote("3", verdict=out / "2-same" / "verdict.json")
    with pytest.raises(InputError, match="another adapter than version 3"):
        promote("3", verdict=out / "1-better" / "verdict.json")
    assert promote("2", verdict=out / "1-better" / "verdict.json") == (2, 1)

    told = trend(tmp_path / "trend")  # the figures are those of the verdict
    verdict = json.loads((out / "1-better" / "verdict.json").read_text())
    first, second = told["promotions"]
    assert (first["version"], first["how"], first["after"]) == (1, "initial", None)
    assert (second["version"], second["how"], second["former"], told["champion"]) == (2, "verdict", 1, 2)
    for key, arm in (("before", "champion"), ("after", "challenger"), ("difference", "difference")):
        line = next(x for x in verdict["estimates"] if (x["measure"], x["slice"], x["arm"]) == ("pass_all", None, arm))
        assert second[key] == {name: line[name] for name in ("estimate", "lower", "upper", "n", "n_error")}
