"""The main job from export to champion, through the commands, on the invented export and a tiny random model."""

import json

import mlflow
import pytest
import yaml
from typer.testing import CliRunner

from plume.cli import app
from plume.paths import ROOT


@pytest.fixture
def plume(plume_home, monkeypatch):
    """Runs a command in this process; what `plume` prints is returned, an unexpected exit code fails."""
    monkeypatch.chdir(plume_home)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{plume_home / 'mlflow.db'}")

    def call(*arguments, code=0):
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        assert result.exit_code == code, result.exception or result.output
        return result.output

    return call


def test_from_export_to_champion(plume, plume_home, sample_export, tiny_mistral):
    data, adapter = plume_home / "data", plume_home / "run" / "adapter"
    plume("data", "build", sample_export, "ner=false", "--out", data)
    plume(
        *("train", ROOT / "configs/train/openhermes2-lora.yaml", f"data={data}", f"out={plume_home / 'run'}"),
        *(f"base.model={tiny_mistral}", "dtype=float32", "prompt=short-1", "max_steps=2", "batch_size=4"),
    )
    base = plume_home / "base.yaml"
    base.write_text(yaml.safe_dump({"base": {"model": str(tiny_mistral)}, "prompt": "short-1"}))
    drafts = {"base": plume_home / "base.jsonl", "tuned": plume_home / "tuned.jsonl"}
    for name, system in (("base", base), ("tuned", "1")):
        plume("eval", "generate", "--system", system, "--data", data, "--out", drafts[name], "--max-new-tokens", 8)
        scores = plume_home / f"{name}.scores.jsonl"
        plume("eval", "score", drafts[name], "--data", data, "--out", scores)
        measures = {json.loads(line)["measure"] for line in scores.read_text().splitlines()}
        assert {"chrf_fr", "edit_rate", "pass_all", "check:contacts"} <= measures

    # 20: a test split of 23 pairs cannot decide, and the verdict says how many more it takes.
    out = plume_home / "verdict"
    plume("eval", "compare", drafts["base"], drafts["tuned"], "--data", data, "--out", out, code=20)
    verdict = json.loads((out / "verdict.json").read_text())
    assert verdict["outcome"] == "INCONCLUSIVE"
    assert verdict["needs_items"] > 0
    assert {e["arm"] for e in verdict["estimates"] if e["measure"] == "chrf_fr"} == {
        "champion",
        "challenger",
        "difference",
    }

    uri = f"sqlite:///{plume_home / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri, registry_uri=uri)
    kinds = [r.data.tags.get("plume.kind") for r in client.search_runs(["1"])]
    assert sorted(kinds) == ["compare", "system", "system", "train"]

    refused = CliRunner().invoke(app, ["eval", "promote", "1", "--verdict", str(out / "verdict.json")])
    assert "INCONCLUSIVE, not PASS" in str(refused.exception)
    plume("eval", "promote", "1", "--initial", "--reason", "the first one", "--by", "a test")
    champion = client.get_model_version_by_alias("plume-reply", "champion")
    assert int(champion.version) == 1
    assert champion.tags["promoted.how"] == "initial"
    assert adapter.is_dir()
