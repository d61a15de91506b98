"""A disk that is full or read-only, an MLflow server that restarts, two trainings at once on one store."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from plume.files import folder_sha256
from plume.paths import ROOT
from tests.stress.path import VERDICTS, Run, Stage, free_port, stages, write_export

pytestmark = pytest.mark.long
SMALL = "320m"  # the disk: room for the whole path on the tiny model


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own. Only root may mount one."""
    if os.geteuid():
        pytest.skip("only root may mount a small disk: run as root, or in a container")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, room: int) -> None:
    """Leave `room` bytes on the disk."""
    with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(bytes(1 << 20)):
            pass
    with suppress(OSError), (disk / "ballast").open("ab", buffering=0) as ballast:
        while ballast.write(bytes(1 << 12)):
            pass
    size = (disk / "ballast").stat().st_size
    os.truncate(disk / "ballast", max(0, size - room))


def forbid(disk: Path, how: str, draw: random.Random) -> None:
    if how == "full":
        fill(disk, draw.choice([0, 1 << 12, 1 << 15, 1 << 18, 1 << 20]))
    else:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


def allow(disk: Path, how: str) -> None:
    if how == "full":
        (disk / "ballast").unlink(missing_ok=True)
    else:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


def made(home: Path) -> dict[str, str]:
    """Digest what earlier stages made."""
    folders = {name: folder_sha256(home / name) for name in ("run/adapter", "verdict") if (home / name).is_dir()}
    files = [*home.glob("data/*.jsonl"), *home.glob("*.jsonl")]
    return folders | {path.name: path.read_bytes() for path in files}


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_disk_that_refuses_is_one_line_at_each_stage_and_costs_no_result(
    disk, how, sample_export, make_tiny_mistral, embedded_model
):
    draw = random.Random(how)
    run = Run(disk / "home")
    (run.home / "tmp").mkdir(parents=True)
    (ROOT / "var" / "gold").mkdir(parents=True, exist_ok=True)
    (run.home / "gold").symlink_to(ROOT / "var" / "gold", target_is_directory=True)
    write_export(run.home, sample_export, draw)
    told = []
    for stage in stages(make_tiny_mistral(), run.home, draw, engine=False):
        before = made(run.home)
        forbid(disk, how, draw)
        try:
            process = run.start(*stage.words)
            out, err = process.communicate(timeout=300)
        finally:
            allow(disk, how)
        if process.returncode not in stage.codes:  # a stage that writes little may have had room
            told.append(err.strip().splitlines()[-1])
            wrong = f"{stage.name}, {how}: exit code {process.returncode}: {err[-1500:]}"
            assert process.returncode in (2, 3), wrong
            assert "Traceback" not in out + err, wrong
            assert len([line for line in err.splitlines() if line.startswith("plume")]) <= 1, wrong
        after = made(run.home)
        assert {name: after.get(name) for name in before} == before, stage.name
        words = stage.words if process.returncode in stage.codes else (*stage.words, *stage.again(run.home))
        if process.returncode not in stage.codes or stage.codes == VERDICTS:
            run.undisturbed(Stage(stage.name, words, stage.codes))
    assert len(told) >= (8 if how == "read-only" else 2), told
    assert run.results()["registry"] == [("plume-reply", 1)]
    assert run.query("SELECT name FROM runs WHERE status = 'RUNNING'") == []


class Server:
    """A real MLflow server that can be stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        store, served = f"sqlite:///{self.folder}/server.db", str(self.folder / "served")
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", store, "--artifacts-destination", served]
        alone = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=alone, start_new_session=True)
        import requests

        for _ in range(900):
            with suppress(requests.RequestException):
                if requests.get(f"{self.uri}/health", timeout=5).ok:
                    return
            time.sleep(0.2)
        pytest.fail("the server does not answer")

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Served(Run):
    """A home whose runs go to a server."""

    uri = ""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"MLFLOW_TRACKING_URI": self.uri}


def wait_for_step(folder: Path, step: int, process: subprocess.Popen) -> None:
    log = folder / "steps.jsonl"
    for _ in range(3000):
        if log.is_file() and len(log.read_text().splitlines()) >= step:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("the run did not get that far")


def training(data: Path, model: Path, out: str, steps: int) -> tuple[str, ...]:
    settings = (f"data={data}", f"out={out}", f"base.model={model}", "dtype=float32", "prompt=short-1", "batch_size=4")
    recipe = str(ROOT / "configs/train/openhermes2-lora.yaml")
    return ("train", recipe, *settings, f"max_steps={steps}", "max_epochs=9", "checkpoint_every=5", "recompute=false")


def test_a_server_that_restarts_during_a_training_and_a_promotion(tmp_path, tiny_mistral, small_dataset):
    """The training ends with its adapter and its version; the promotion is refused in one line, then done."""
    server, run = Server(tmp_path), Served(tmp_path / "home")
    run.uri = server.uri
    try:
        process = run.start(*training(small_dataset, tiny_mistral, "run", 20))
        wait_for_step(run.home / "run", 3, process)
        server.stop()
        wait_for_step(run.home / "run", 6, process)
        server.start()
        _, err = process.communicate(timeout=300)
        assert "Traceback" not in err, err
        assert process.returncode in (0, 2, 3), err
        if process.returncode:  # it ended before the server answered: what is left is to be registered
            assert "--resume" in err.strip().splitlines()[-1], err
            resume = (*training(small_dataset, tiny_mistral, "run", 20), "--resume")
            run.undisturbed(Stage("train", resume))
        import mlflow

        client = mlflow.MlflowClient(server.uri, registry_uri=server.uri)
        version = client.get_model_version("plume-reply", "1")
        steps = {m.step for m in client.get_metric_history(version.run_id, "loss")}
        assert steps == set(range(1, 21))
        assert client.get_run(version.run_id).info.status == "FINISHED"

        promote = ("eval", "promote", "1", "--initial", "--reason", "stress", "--by", "stress")
        server.stop()
        _, err = (process := run.start(*promote)).communicate(timeout=200)
        assert process.returncode in (2, 3), err
        assert len(err.strip().splitlines()) == 1, err
        server.start()
        process = run.start(*promote)
        time.sleep(random.Random(5).uniform(2, 6))
        server.stop()
        _, err = process.communicate(timeout=200)
        assert "Traceback" not in err, err
        server.start()
        run.undisturbed(Stage("promote", promote, frozenset({0, 2})))  # 2: it was done before the server went
        assert client.get_model_version_by_alias("plume-reply", "champion").version == "1"
    finally:
        server.stop()


def test_two_trainings_at_once_on_one_store_and_a_second_one_into_one_folder(tmp_path, tiny_mistral, small_dataset):
    run = Run(tmp_path / "home")
    both = [run.start(*training(small_dataset, tiny_mistral, name, 12)) for name in ("one", "two")]
    wait_for_step(run.home / "one", 1, both[0])
    both[0].send_signal(signal.SIGSTOP)  # it is slow
    _, err = (third := run.start(*training(small_dataset, tiny_mistral, "one", 12), "--force")).communicate(timeout=300)
    both[0].send_signal(signal.SIGCONT)
    assert third.returncode == 2, err
    assert "another process trains into it" in err.strip().splitlines()[-1]
    for process in both:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert [version for _, version in run.query("SELECT name, version FROM model_versions")] == [1, 2]
    assert run.query("SELECT DISTINCT status FROM runs") == [("FINISHED",)]
    assert len({(run.home / name / "adapter/adapter_model.safetensors").read_bytes() for name in ("one", "two")}) == 1
    losses = [[json.loads(line)["loss"] for line in (run.home / n / "steps.jsonl").open()] for n in ("one", "two")]
    assert losses[0] == losses[1]
