"""A comparison in a real MLflow store: parent and children, metrics with bounds, artifacts, what it vouches for."""

import json

import mlflow
import pytest

from eval.compare import compare
from eval.mlflow_runs import comparison_of, log_comparison, train_splits_of
from plume import registry, tracking
from plume.corpus.forget_versions import DIGEST
from plume.files import file_sha256
from plume.lineage import EARLIER
from plume.paths import ROOT

GATE = ROOT / "configs" / "eval" / "gate.yaml"


@pytest.fixture
def store(tmp_path, monkeypatch, empty_store):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    return tracking.connect(f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_a_comparison_is_a_parent_with_a_child_for_each_system(store, make_data, make_drafts, texts, tmp_path):
    odd = "[a-b]*?%20#é"  # a pattern to some, a part of a URL to others
    data, out = make_data(40, name=f"data {odd}"), tmp_path / f"out {odd}"
    champion = make_drafts(data, "base", lambda i: texts["worse" if i % 2 else "good"].format(i))
    challenger = make_drafts(data, "tuned", lambda i: texts["good"].format(i))
    verdict = compare(champion, challenger, data, GATE, out)
    run_id = log_comparison(verdict, champion, challenger, data, GATE, out)

    client = mlflow.MlflowClient()
    parent = client.get_run(run_id)
    inputs = json.loads((out / "verdict.json").read_text())["inputs"]
    tags = parent.data.tags
    assert (tags["plume.kind"], tags["outcome"]) == ("compare", "INCONCLUSIVE")
    assert tags["verdict_sha256"] == file_sha256(out / "verdict.json")
    assert {key: tags[key] for key in ("gate_sha256", "split_sha256", "champion_drafts_sha256")} == {
        "gate_sha256": file_sha256(GATE),
        "split_sha256": file_sha256(data / "test.jsonl"),
        "champion_drafts_sha256": inputs["champion_drafts_sha256"],
    }
    metrics = parent.data.metrics
    assert metrics["pass_all.lower"] <= metrics["pass_all"] == 0.5 <= metrics["pass_all.upper"]
    assert (metrics["pass_all.n"], metrics["pass_all.n_error"]) == (40, 0)
    # 20 gained, none lost: 2 · 2^-20 less the probability of what was seen, 2^-20
    assert metrics["pass_all.p"] == pytest.approx(2**-20)
    assert metrics["check/length.p"] < metrics["check/length.p_holm"] < 0.001
    assert {a.path for a in client.list_artifacts(run_id)} == {
        *("verdict.json", "report.html", "gate.yaml", "items.json")
    }
    table = mlflow.load_table("items.json", run_ids=[run_id])
    assert len(table) == 40
    assert table.loc[1, ["id", "champion.pass_all", "challenger.pass_all"]].tolist() == ["0001-1", 0, 1]
    assert not any("dossier" in str(value) for value in table.to_numpy().ravel())  # no text of anybody
    inputs_of = {entry.tags[0].value: entry.dataset for entry in parent.inputs.dataset_inputs}
    assert set(inputs_of) == {"training", "validation", "testing"}
    assert inputs_of["testing"].digest == file_sha256(data / "test.jsonl")[:36]
    assert inputs_of["testing"].name == f"data {odd}-test"

    children = client.search_runs([parent.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    assert sorted(child.info.run_name for child in children) == ["challenger: tuned", "champion: base"]
    for child in children:
        assert (
            child.data.metrics["chrf_fr.lower"] <= child.data.metrics["chrf_fr"] <= child.data.metrics["chrf_fr.upper"]
        )
        assert child.data.params["prompt"] == "v1"

    assert comparison_of(out / "verdict.json") == run_id
    document = json.loads((out / "verdict.json").read_text())
    (out / "verdict.json").write_text(json.dumps(document | {"outcome": "PASS"}))
    assert comparison_of(out / "verdict.json") is None


def test_the_registry_knows_what_an_adapter_was_trained_on(store):
    with tracking.run("train", kind="train") as run:
        mlflow.log_text("weights", "adapter/weights")
    registry.register(run.info.run_id, "adapter", {registry.ADAPTER_HASH: "a" * 64, DIGEST: "d" * 64})
    assert train_splits_of("a" * 64) == ["d" * 64]
    assert train_splits_of("b" * 64) == []
    tags = {registry.ADAPTER_HASH: "b" * 64, DIGEST: "d" * 64, EARLIER: f"{'e' * 64} {'f' * 64}"}
    registry.register(run.info.run_id, "adapter", tags)
    assert train_splits_of("b" * 64) == ["d" * 64, "e" * 64, "f" * 64]
