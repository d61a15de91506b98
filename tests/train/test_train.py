"""`plume train` through the real command, on an OpenHermes-shaped tiny model and a real MLflow store."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
import yaml

from plume.adapters import Adapter, folder_sha256
from plume.errors import InputError
from plume.paths import ROOT
from train.config import TrainConfig
from train.run import train

RECIPE = "configs/train/openhermes2-lora.yaml"


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("train-home")


@pytest.fixture(scope="session")
def settings(tiny_mistral, small_dataset):
    """The recipe's overrides for the tiny model, as words of a command line; `a__b` stands for `a.b`."""

    def words(**overrides):
        values = {
            "data": small_dataset,
            "base.model": tiny_mistral,
            "dtype": "float32",
            "prompt": "short-1",
            "batch_size": 4,
            "max_epochs": 2,
            "validation.every": 4,
            "validation.draft_tokens": 8,
            "checkpoint_every": 2,
        } | {k.replace("__", "."): v for k, v in overrides.items()}
        return [f"{k}={v}" for k, v in values.items()]

    return words


@pytest.fixture(scope="session")
def command(home, settings):
    """Start `plume train` on the OpenHermes recipe with the tiny model; keyword arguments override."""

    def start(*flags, recipe=RECIPE, module="plume.cli", **overrides):
        words = ["train"] if module == "plume.cli" else []
        arguments = [*words, recipe, *settings(**overrides), *flags]
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**os.environ, "PLUME_HOME": str(home), "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def run(command):
    def wait(*flags, code=0, **overrides):
        process = command(*flags, **overrides)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, err
        return out, err

    return wait


@pytest.fixture
def train_here(home, settings, monkeypatch):
    """The same without a process of its own, which saves the seconds of importing torch."""

    def call(resume=False, recipe=RECIPE, **overrides):
        monkeypatch.setenv("PLUME_HOME", str(home))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        return train(TrainConfig.load(recipe, settings(**overrides)), resume=resume)

    return call


@pytest.fixture(scope="session")
def trained(run, home):
    """The recipe, trained without interruption: 13 pairs, batches of 4, 2 epochs = 8 steps."""
    out, _ = run(out=home / "whole")
    return home / "whole", out


def _steps(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]


def _store(home):
    uri = f"sqlite:///{home / 'mlflow.db'}"
    return mlflow.MlflowClient(uri, registry_uri=uri)


def test_recipe_trains_the_openhermes_shaped_model(trained):
    folder, _ = trained
    steps = _steps(folder)
    assert [s["step"] for s in steps] == list(range(1, 9))
    assert steps[-1]["loss"] < steps[0]["loss"]
    adapter = Adapter.load(folder / "adapter")
    assert adapter.rank == 16
    assert adapter.training["dataset"]["splits"]["train"]["pairs"] == 13
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert config["modules_to_save"] is None
    assert not config["use_dora"]
    assert oct((folder / "adapter" / "adapter_model.safetensors").stat().st_mode)[-3:] == "644"


def test_mlflow_knows_config_metrics_inputs_adapter_and_version(trained, home):
    folder, out = trained
    client = _store(home)
    version = client.get_model_version("plume-reply", out.split("version: ")[1].split()[0])
    assert version.tags["adapter_sha256"] == folder_sha256(folder / "adapter")
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["lora.rank"] == "16"
    assert run.data.params["base.tokens.im_end"] == "32000"
    assert len(client.get_metric_history(version.run_id, "loss")) == 8
    assert [m.step for m in client.get_metric_history(version.run_id, "validation_loss")] == [4, 8]
    inputs = {i.tags[0].value: i.dataset for i in run.inputs.dataset_inputs}
    assert set(inputs) == {"training", "validation", "testing"}
    assert all(d.digest for d in inputs.values())
    names = {a.path for a in client.list_artifacts(version.run_id)}
    assert {"adapter", "config.yaml"} <= names


def test_same_config_and_seed_give_the_same_adapter(trained, train_here, home):
    train_here(out=home / "again", register_version="false")
    weights = "adapter/adapter_model.safetensors"
    assert (home / "again" / weights).read_bytes() == (trained[0] / weights).read_bytes()


def test_killed_and_resumed_is_never_interrupted(trained, command, run, home):
    folder = home / "killed"
    process = command(out=folder)
    _wait_for_step(folder, 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    run("--resume", out=folder)
    timed = ("tokens_per_second", "samples_per_second", "mfu", "peak_memory_gib", "seconds", "seconds_left")
    resumed, whole = ([{k: v for k, v in s.items() if k not in timed} for s in _steps(f)] for f in (folder, trained[0]))
    assert resumed == whole
    weights = "adapter/adapter_model.safetensors"
    assert (folder / weights).read_bytes() == (trained[0] / weights).read_bytes()
    run_id = json.loads((folder / "adapter" / "training.json").read_text())["run_id"]
    assert len(_store(home).get_metric_history(run_id, "loss")) >= 8  # the same MLflow run goes on


def test_ctrl_c_exits_130_says_how_to_go_on_and_marks_the_run(command, run, home):
    folder = home / "stopped"
    process = command(out=folder, max_epochs=200)
    _wait_for_step(folder, 3, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in err
    assert "Traceback" not in err
    runs = _store(home).search_runs(["1"], "attributes.run_name = 'stopped'")
    assert [r.info.status for r in runs] == ["KILLED"]


def test_python_m_train_is_the_same_command(run, home):
    out, _ = run(module="train", out=home / "module", max_steps=1, register_version="false")
    assert "adapter:" in out


def test_two_processes_train_as_one(trained, small_dataset, tiny_mistral, home):
    """torchrun needs `python -m train`: the gradients of two processes add up to those of one."""
    folder = home / "two"
    overrides = [
        f"data={small_dataset}",
        f"out={folder}",
        f"base.model={tiny_mistral}",
        "dtype=float32",
        "prompt=short-1",
        "batch_size=4",
        "micro_batch_tokens=300",
        "max_tokens=300",
        "max_epochs=2",
        "validation.every=4",
        "validation.draft_tokens=8",
        "register_version=false",
    ]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"),
            *("-m", "train", RECIPE, *overrides),
        ],
        cwd=ROOT,
        # a store that nobody has opened yet: the two must not both create it
        env={**os.environ, "PLUME_HOME": str(home), "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'fresh.db'}"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for one, two in zip(_steps(trained[0]), _steps(folder), strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
        assert two["trained_tokens"] == one["trained_tokens"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"lora__rnk": 8}, "did you mean lora.rank?"),
        ({"lora__rank": 12}, "lora.rank"),
        ({"base__tokens__im_end": 7}, "im_end is 32000, not 7"),
        ({"base__model": "/nowhere/at/all"}, "no such folder"),
        ({"prompt": "v99"}, "unknown version; known ones"),
        ({"data": "/nowhere"}, "not a dataset folder"),
        ({"lora__target_modules": "[nothing_like_it]"}, "lora.target_modules"),
        ({"micro_batch_tokens": 100}, "micro_batch_tokens=100"),
        ({"tracking_uri": "http://127.0.0.1:9"}, "does not answer"),
    ],
)
def test_bad_input_is_told_before_anything_is_trained(train_here, tmp_path, overrides, message):
    with pytest.raises(InputError) as error:
        train_here(out=tmp_path / "run", **overrides)
    assert message in str(error.value)
    assert not (tmp_path / "run").exists()  # so that the mended command is not refused


def test_all_errors_of_a_config_are_told_at_once(run, tmp_path):
    config = yaml.safe_load((ROOT / RECIPE).read_text())
    config |= {"lerning_rate": 1, "seed": "soon", "lora": {"rank": 16, "aplha": 3}}
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(config))
    _, err = run(code=2, recipe=str(tmp_path / "bad.yaml"), out=tmp_path / "run")
    assert "Traceback" not in err
    assert "3 errors" in err
    for part in ("lerning_rate: unknown key", "optimiser.learning_rate", "lora.alpha", "seed"):
        assert part in err


def test_a_hub_model_that_is_not_there_offline(train_here, tmp_path):
    hub = "teknium/OpenHermes-2-Mistral-7B"
    with pytest.raises(InputError, match="HF_HUB_OFFLINE=0"):
        train_here(out=tmp_path / "run", base__model=hub, base__revision="a" * 40)
    with pytest.raises(InputError, match="COMMIT"):
        train_here(out=tmp_path / "run", base__model=hub)


def test_a_run_folder_is_not_overwritten_unless_forced(trained, train_here):
    folder, _ = trained
    before = folder_sha256(folder)
    with pytest.raises(InputError, match="--force"):
        train_here(out=folder)
    assert folder_sha256(folder) == before


def test_resume_refuses_another_config_and_a_run_that_never_started(trained, train_here, tmp_path):
    with pytest.raises(InputError, match="another config"):
        train_here(resume=True, out=trained[0], seed=1)
    with pytest.raises(InputError, match="is finished"):
        train_here(resume=True, out=trained[0])
    with pytest.raises(InputError, match="no checkpoint"):
        train_here(resume=True, out=tmp_path)


def _wait_for_step(folder: Path, step: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        log = folder / "steps.jsonl"
        if log.is_file() and len(log.read_text().splitlines()) >= step:
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    pytest.fail("the run did not get that far")
