"""Equivalences that must never break. `plume train` is run through its command line, mostly in this process."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plume.cli import app
from plume.paths import ROOT

RECIPE = ROOT / "configs/train/openhermes2-lora.yaml"
# What depends on the machine and not on the run.
TIMED = ("tokens_per_second", "samples_per_second", "mfu", "peak_memory_gib", "seconds", "seconds_left")


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("invariants-home")


@pytest.fixture(scope="session")
def environment(home):
    return {"PLUME_HOME": str(home), "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}"}


@pytest.fixture(scope="session")
def words(tiny_mistral, small_dataset):
    """The OpenHermes recipe for the tiny model, as words of a command line; `a__b` stands for `a.b`."""

    def make(*flags, **overrides):
        values = {
            "data": small_dataset,
            "base.model": tiny_mistral,
            "dtype": "float32",
            "prompt": "short-1",
            "micro_batch_tokens": 4096,
            "recompute": "false",
            "batch_size": 4,
            "max_epochs": 2,
            "validation.every": 4,
            "validation.draft_tokens": 4,
            "checkpoint_every": 2,
            "register_version": "false",
        } | {k.replace("__", "."): v for k, v in overrides.items()}
        return ["train", str(RECIPE), *(f"{k}={v}" for k, v in values.items()), *flags]

    return make


@pytest.fixture(scope="session")
def plume_train(home, environment, words):
    """`plume_train("name", key=value)`: the run's folder, below the home, trained through the command line."""

    def call(name, *flags, **overrides):
        folder = home / name
        with pytest.MonkeyPatch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            done = CliRunner().invoke(app, words(*flags, out=folder, **overrides))
        assert done.exit_code == 0, done.exception or done.output
        return folder

    return call


@pytest.fixture(scope="session")
def whole(plume_train):
    """13 pairs, batches of 4, 2 epochs: 8 steps, each epoch's last one of a single pair. With dropout."""
    return plume_train("whole", lora__dropout=0.1)


@pytest.fixture(scope="session")
def steps():
    """The lines of steps.jsonl without what depends on the machine."""

    def read(folder: Path) -> list[dict]:
        lines = (folder / "steps.jsonl").read_text().splitlines()
        return [{k: v for k, v in json.loads(line).items() if k not in TIMED} for line in lines]

    return read
