"""Fixtures of the acceptance: a tiny base that knows the sentences, and plume's commands run in this process."""

import json
import shutil
from pathlib import Path

import mlflow
import pytest
from typer.testing import CliRunner

from plume import cli
from plume.acceptance import base_model, serving, training
from plume.paths import ROOT

RECIPE = ROOT / "configs/train/openhermes2-lora.yaml"


@pytest.fixture(scope="session")
def taught_mistral(tiny_mistral, tmp_path_factory):
    """The tiny OpenHermes, taught the known sentences: random weights find no order likelier than another."""
    import torch

    from plume.models import Base, load_model, load_tokenizer

    folder, base = tmp_path_factory.mktemp("taught"), Base(model=str(tiny_mistral))
    tokenizer, model = load_tokenizer(base), load_model(base, "float32").train()
    rows = [torch.tensor([tokenizer(s)["input_ids"]]) for s in base_model.SENTENCES.read_text().splitlines()]
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(12):
        (sum(model(row, labels=row).loss for row in rows) / len(rows)).backward()
        optimiser.step()
        optimiser.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def recipe(tiny_mistral):
    """recipe(key=value): the OpenHermes recipe for the tiny base; `a__b` stands for `a.b`."""

    def load(**overrides):
        values = {"base.model": tiny_mistral, "dtype": "float32", "prompt": "short-1", "batch_size": 4}
        values |= {key.replace("__", "."): value for key, value in overrides.items()}
        return cli.configs_of("train")[0].load(RECIPE, [f"{key}={value}" for key, value in values.items()])

    return load


@pytest.fixture
def commands(plume_home, small_dataset, monkeypatch):
    """Run plume's commands in this process, but the slow build of the sample; lists the first words of each."""
    ran: list[str] = []
    before = mlflow.get_tracking_uri()

    def here(*words, module="plume.cli"):
        words = [str(word) for word in words]
        ran.append(words[0] if module == "plume.cli" else module.rpartition(".")[2])
        if words[:2] == ["data", "build"]:
            shutil.copytree(small_dataset, words[words.index("--out") + 1])
            return
        done = CliRunner().invoke(cli.app if module == "plume.cli" else base_model.app, words)
        if done.exit_code:
            raise done.exception

    for module in (base_model, training, serving):
        monkeypatch.setattr(module, "plume", here)
    yield ran
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)


@pytest.fixture
def told():
    """What site.json says: every point by its part and name."""

    def read(out: Path):
        whole = json.loads((out / "site.json").read_text(encoding="utf-8"))
        return whole, {(part["name"], point["name"]): point for part in whole["parts"] for point in part["points"]}

    return read
