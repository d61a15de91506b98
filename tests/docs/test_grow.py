"""docs/grow.md is followed: an MLflow server on PostgreSQL, and three machines, each a home of its own."""

import os
import re
import shutil
import socket
import subprocess
import time
from types import SimpleNamespace

import pytest
import requests

from plume.models import EMBEDDED
from plume.paths import ROOT
from plume.registry import find_version
from tests.docs.reader import SMALL, Reader
from tests.serve.conftest import postgres_server  # noqa: F401 - a fixture

PAGE = (ROOT / "docs" / "grow.md").read_text(encoding="utf-8")
RUN = re.findall(r"<!-- run ?(\w*) -->\n```\n(.*?)```", PAGE, re.S)


@pytest.fixture
def ledger(postgres_server, tmp_path):  # noqa: F811
    """The guide's own `mlflow server`, at a free port: its address, and the folder of its artifacts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    [text] = [block for name, block in RUN if not name]
    here = {"createdb": f"createdb -h {postgres_server.folder} -U plume", "5000": port, "mlflow@": "plume@"}
    here |= {"/var/run/postgresql": str(postgres_server.folder), "/srv/mlflow": str(tmp_path / "mlflow")}
    for written, meant in here.items():
        assert written in text
        text = text.replace(written, meant)
    alone = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-euc", text], stdout=log, stderr=log, env=alone, cwd=tmp_path, start_new_session=True
        )
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(900):
                assert process.poll() is None, (tmp_path / "server.log").read_text()[-3000:]
                try:
                    if requests.get(f"{address}/health", timeout=5).ok:
                        break
                except requests.RequestException:
                    time.sleep(0.2)
            yield SimpleNamespace(address=address, artifacts=tmp_path / "mlflow" / "artifacts")
        finally:
            os.killpg(process.pid, 15)
            process.wait(60)


@pytest.fixture
def machine(ledger, tmp_path, tiny_mistral, sample_export, monkeypatch):
    """machine(name): a reader with a folder and a home of its own; it knows the others' MLflow server alone."""

    def make(name):
        folder = tmp_path / name
        (folder / "home" / "models").mkdir(parents=True)
        (folder / "home" / "models" / EMBEDDED).symlink_to(tiny_mistral)
        (folder / "configs").symlink_to(ROOT / "configs")
        (folder / "datasets").symlink_to(ROOT / "datasets")
        (folder / "EXPORT").symlink_to(sample_export)
        shutil.copy(ROOT / "configs/train/demo.yaml", folder / "CONFIG")
        monkeypatch.chdir(folder)
        monkeypatch.setenv("PLUME_HOME", str(folder / "home"))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", ledger.address)
        more = {
            "data build": ["ner=false"],
            "train ": SMALL,
            "eval generate": ["--max-new-tokens", "4"],
            "eval promote 2": ["--override", "--reason", "a tiny model", "--by", "a test"],
        }
        return Reader(folder, {}, {}, more, {})

    return make


def follow(reader, name):
    for _, block in [each for each in RUN if each[0] == name]:
        reader.type(block)
    wrong = [each for each in reader.done if each[1] not in (0, 10, 20)]
    assert reader.done
    assert not wrong


@pytest.mark.long
def test_one_ledger_for_three_machines(machine, ledger):
    trains = machine("trains")
    follow(trains, "train")
    assert len(list(ledger.artifacts.rglob("adapter_model.safetensors"))) == 2
    assert not (trains.folder / "home" / "mlflow.db").exists()
    evaluates = machine("evaluates")
    shutil.copytree(trains.folder / "DATA", evaluates.folder / "DATA")
    follow(evaluates, "evaluate")
    serves = machine("serves")
    follow(serves, "serve")
    champion = find_version("champion")
    assert (champion.number, champion.tags["promoted.former"]) == (2, "1")
    assert champion.tags["promoted.run_id"]
    assert "plume-reply@v2" in serves.said
