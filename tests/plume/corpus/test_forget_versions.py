"""Erasure names the versions and runs that learnt from what is gone."""

import json
from pathlib import Path

import mlflow
import pytest
from typer.testing import CliRunner

from plume.corpus.dataset import read_manifest
from plume.lineage import FORGOTTEN
from tests.plume.corpus.conftest import GONE
from tests.plume.corpus.test_forget import erase


def test_versions_are_found_by_digest_history_and_source(folder, store, cli, env):
    first = read_manifest(folder)["splits"]["train"]["sha256"]
    store(first, alias="champion")
    erase(folder, "900")
    second = read_manifest(folder)["splits"]["train"]["sha256"]
    store(second)
    store("5" * 64, source="0" * 64)  # another train split of the same export
    store("6" * 64)  # of another export
    store("7" * 64, source=None, alias="challenger")
    done = cli("data", "forget", GONE, "--in", folder, env=env)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("plume-reply")]
    assert [line.partition(",")[0] for line in lines] == [
        "plume-reply version 5 (challenger): may have been trained on them",
        "plume-reply version 3: may have been trained on them",
        "plume-reply version 2: was trained on them",
        "plume-reply version 1 (champion): was trained on them",
    ]
    store_uri = f"sqlite:///{env['PLUME_HOME']}/mlflow.db"
    versions = mlflow.MlflowClient(store_uri, store_uri).search_model_versions("name='plume-reply'")
    assert {int(v.version) for v in versions if FORGOTTEN in v.tags} == {1, 2}  # no training starts from these


def test_what_was_trained_from_such_a_version_is_named_too(folder, store, ask):
    digest = read_manifest(folder)["splits"]["train"]["sha256"]
    store("5" * 64, before=(digest, "8" * 64))
    store("6" * 64, before=("4" * 64, "0" * 64))  # an ancestor saw another train split of the same export
    store("7" * 64, before=("4" * 64, "8" * 64))
    code, told = ask(GONE, "--in", folder)
    assert code == 0, told
    why = f"it was trained from an adapter whose train split is {digest[:12]}…"
    assert f"plume-reply version 1: was trained on them, {why}; train again or withdraw it" in told
    assert "plume-reply version 2: may have been trained on them" in told
    assert "version 3" not in told


@pytest.fixture
def run_on(store, tmp_path):
    """run_on(digest, status, out) -> a training run as plume train opens it, that registers nothing."""

    def begin(digest: str, status: str, out: Path) -> None:
        import mlflow

        uri = f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}"
        client = mlflow.MlflowClient(uri)
        known = client.get_experiment_by_name("plume")
        artifacts = (tmp_path / "home" / "mlartifacts").as_uri()
        experiment = known.experiment_id if known else client.create_experiment("plume", artifacts)
        run = client.create_run(experiment, run_name=out.name, tags={"dataset.train.sha256": digest})
        client.log_param(run.info.run_id, "out", out.name)  # as it was written, perhaps relative
        client.set_tag(run.info.run_id, "plume.out", str(out))
        client.log_text(run.info.run_id, json.dumps({"id": f"{GONE}-1", "draft": "…"}), "drafts.jsonl")
        if status != "RUNNING":
            client.set_terminated(run.info.run_id, status)

    return begin


@pytest.fixture
def ask(monkeypatch, env):
    """ask(ids…, folder) -> (exit code, what is told), in this process."""
    from plume.cli import app

    def call(*words):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        done = CliRunner().invoke(app, ["data", "forget", *map(str, words)])
        return getattr(done.exception, "exit_code", done.exit_code), f"{done.output}{done.exception or ''}"

    return call


def test_runs_that_left_no_version_are_named_with_their_checkpoints(folder, run_on, ask, tmp_path):
    """An erasure during a training: it runs, was killed or failed, and what it learnt lies in its checkpoints."""
    digest = read_manifest(folder)["splits"]["train"]["sha256"]
    for status in ("RUNNING", "KILLED", "FAILED"):
        out = tmp_path / status.lower()
        out.mkdir()
        (out / "checkpoint.pt").write_bytes(b"weights")
        run_on(digest, status, out)
    run_on("7" * 64, "RUNNING", tmp_path / "another")
    code, told = ask(GONE, "--in", folder)
    assert code == 0, told
    for status in ("RUNNING", "KILLED", "FAILED"):
        assert f"run {status.lower()} ({status})" in told
        assert f"remove {tmp_path / status.lower()}, which holds its checkpoints" in told
    assert "run another" not in told
    assert told.count("drafts.jsonl: names a forgotten experience") == 4  # artifacts, whoever's run they are


def test_asked_twice_it_answers_twice(folder, store, run_on, ask, tmp_path):
    digest = read_manifest(folder)["splits"]["train"]["sha256"]
    store(digest, alias="champion")
    run_on(digest, "RUNNING", tmp_path / "run")
    answers = [ask(GONE, "--in", folder) for _ in range(3)]
    for code, told in answers:
        assert code == 0
        assert "run run (RUNNING)" in told
        assert "version 1 (champion): was trained on them" in told
    assert "1 of the 1 experiences were forgotten there before" in answers[1][1]
    assert read_manifest(folder)["counts"]["forgotten"] == 2
    assert GONE not in json.dumps(read_manifest(folder)["erased"])


def test_what_was_erased_elsewhere_than_in_train_is_answered_too(folder, store, ask):
    store(read_manifest(folder)["splits"]["train"]["sha256"])
    answers = [ask("917", "--in", folder) for _ in range(2)]
    assert all(code == 0 and "in no train split" in told for code, told in answers)


def test_without_a_store_it_forgets_and_exits_3(folder, ask, tmp_path):
    code, told = ask(GONE, "--in", folder)
    assert code == 3
    assert "there is no MLflow store" in told
    assert not (tmp_path / "home" / "mlflow.db").exists()
    assert read_manifest(folder)["counts"]["forgotten"] == 2


def test_a_store_that_fails_while_it_is_asked_stops_no_erasure(folder, store, ask, monkeypatch):
    import mlflow

    store(read_manifest(folder)["splits"]["train"]["sha256"])

    def fails(*_, **__):
        raise mlflow.MlflowException("database is locked")

    monkeypatch.setattr(mlflow.MlflowClient, "search_model_versions", fails)
    code, told = ask(GONE, "--in", folder)
    assert code == 3
    assert "forgotten, but" in told
    assert read_manifest(folder)["counts"]["forgotten"] == 2


def test_copies_that_load_dataset_made_are_named(folder, store, ask, tmp_path, monkeypatch):
    cache = tmp_path / "datasets" / "data" / "default"
    cache.mkdir(parents=True)
    (cache / "train.arrow").write_bytes(b"902-1903-1904-1")
    (cache / "other.arrow").write_bytes(b"500-1501-1")
    (cache / "empty.arrow").write_bytes(b"")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    _, told = ask(GONE, "--in", folder)
    assert f"{cache / 'train.arrow'}: may hold a forgotten experience" in told
    assert told.count("may hold") == 1


def test_what_was_only_in_test_was_learnt_by_none(folder, store, cli, env):
    store(read_manifest(folder)["splits"]["train"]["sha256"])
    done = cli("data", "forget", "917", "--in", folder, env=env)
    assert "in no train split" in done.stdout
    assert "history" not in read_manifest(folder)


def test_without_a_reachable_store_it_forgets_and_exits_3(folder, cli, env):
    digest = read_manifest(folder)["splits"]["train"]["sha256"]
    done = cli("data", "forget", GONE, "--in", folder, env=env | {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    assert done.returncode == 3
    assert "does not answer" in done.stderr
    assert digest in done.stderr
    assert "Traceback" not in done.stderr
    assert read_manifest(folder)["counts"]["forgotten"] == 2
