"""`plume train` on an OpenHermes-shaped tiny model and a real MLflow store, in a process of its own or in this one."""

import json
import math
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
from transformers import MistralConfig
from typer.testing import CliRunner

import datasets
from plume.cli import app
from plume.models import load_tokenizer
from plume.paths import ROOT
from plume.prompt import load_prompt
from train.config import TrainConfig
from train.run import train
from train.samples import Samples, load_samples

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
            "micro_batch_tokens": 4096,
            "recompute": "false",
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


@pytest.fixture(scope="session")
def write_mistral():
    """Write the shape of a Mistral, without weights, into a folder: `write_mistral(folder, layers, key=value)`."""

    def write(folder, layers, hidden_size=64, intermediate_size=128, num_attention_heads=4):
        shape = MistralConfig(
            vocab_size=32002,
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            num_hidden_layers=layers,
            num_attention_heads=num_attention_heads,
            num_key_value_heads=max(1, num_attention_heads // 4),
            architectures=["MistralForCausalLM"],
        )
        shape.save_pretrained(folder)
        return shape

    return write


@pytest.fixture(scope="session")
def tiny(tiny_mistral, small_dataset):
    """A config of the tiny model, and its samples; `tiny(key=value)` overrides."""
    loaded = {}

    def make(**overrides):
        settings = {"base": {"model": str(tiny_mistral)}, "prompt": "short-1", "dtype": "float32"} | overrides
        config = TrainConfig(data=small_dataset, out="unused", **settings)
        if not loaded:
            loaded["samples"] = load_samples(config, load_tokenizer(config.base), load_prompt(config.prompt))
        return config, loaded["samples"]

    return make


@pytest.fixture(scope="session")
def seven_billion(write_mistral, tmp_path_factory):
    """A recipe on Mistral 7B's true shape, with samples as long as the corpus's: config and samples."""
    folder = tmp_path_factory.mktemp("mistral-7b")
    write_mistral(folder, 32, hidden_size=4096, intermediate_size=14336, num_attention_heads=32)
    draw = random.Random(0)
    rows = []
    for _ in range(320):  # the corpus: a prefix of 263 tokens, reviews of 233 and replies of 217 on average
        review, reply = (round(draw.lognormvariate(math.log(mean) - 0.18, 0.6)) for mean in (233, 217))
        ids = [1] * 264 + [2 + len(rows)] * max(1, min(review, 1000)) + [3] * min(reply, 700)
        rows.append({"input_ids": ids, "prompt_length": len(ids) - min(reply, 700)})
    samples = Samples(datasets.Dataset.from_list(rows), datasets.Dataset.from_list(rows[:1]), [], [], {}, {})

    return lambda recipe: (TrainConfig.load(recipe, ["data=x", "out=x", f"base.model={folder}"]), samples)


@pytest.fixture
def shown(home, settings, monkeypatch):
    """What `plume train` prints, in this process, where it trains nothing: `shown("--preview", "2", key=value)`."""

    def call(*flags, **overrides):
        monkeypatch.setenv("PLUME_HOME", str(home))
        done = CliRunner().invoke(app, ["train", RECIPE, *settings(**overrides), *flags])
        assert done.exit_code == 0, done.output
        return done.stdout

    return call


@pytest.fixture
def train_here(home, settings, monkeypatch):
    """The same without a process of its own, which saves the seconds of importing torch."""

    def call(resume=False, force=False, recipe=RECIPE, **overrides):
        monkeypatch.setenv("PLUME_HOME", str(home))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        return train(TrainConfig.load(recipe, settings(**overrides)), resume=resume, force=force)

    return call


@pytest.fixture(scope="session")
def trained(run, home):
    """The recipe, trained without interruption: 13 pairs, batches of 4, 2 epochs = 8 steps."""
    out, _ = run(out=home / "whole")
    return home / "whole", out


@pytest.fixture(scope="session")
def store(home):
    """A client of the store that the runs are in."""
    uri = f"sqlite:///{home / 'mlflow.db'}"
    return mlflow.MlflowClient(uri, registry_uri=uri)


@pytest.fixture(scope="session")
def steps_of():
    """The rows of steps.jsonl in a run's folder."""

    def read(folder: Path) -> list[dict]:
        return [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]

    return read


@pytest.fixture(scope="session")
def wait_for_step():
    """Wait until a run has made so many steps."""

    def wait(folder: Path, step: int, process: subprocess.Popen) -> None:
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline:
            log = folder / "steps.jsonl"
            if log.is_file() and len(log.read_text().splitlines()) >= step:
                return
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        pytest.fail("the run did not get that far")

    return wait
