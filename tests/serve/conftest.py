"""Adapters for what is served: attached and written by `plume train`'s own code, their weights random."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from plume import paths, tracking
from plume.adapters import Adapter, folder_sha256
from plume.models import Base
from plume.prompt import load_prompt, template_sha256
from serve.config import ServeConfig
from serve.state import State


@pytest.fixture(scope="session")
def tiny_base(make_tiny_mistral: Callable[..., Path]) -> Base:
    """The tiny OpenHermes-shaped model as a base, its heads as large as vLLM's CPU attention wants."""
    return Base(model=str(make_tiny_mistral(hidden_size=128)))


@pytest.fixture(scope="session")
def share_caches() -> Callable[[Path], None]:
    """share_caches(home): the recogniser, and what vLLM learnt about the architectures, kept from test to test."""

    def share(home: Path) -> None:
        cache = paths.home() / "serve" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        (home / "ner").symlink_to(paths.home() / "ner")
        (home / "serve").mkdir()
        (home / "serve" / "cache").symlink_to(cache)

    return share


@pytest.fixture(scope="session")
def make_adapter(tiny_base: Base) -> Callable[..., Adapter]:
    """make_adapter(folder, seed=1, base=…, rank=8): an adapter of rank 8 on all linear layers in `folder`."""

    def make(
        folder: Path, *, seed: int = 1, base: Base = tiny_base, prompt: str = "short-1", std: float = 0.12
    ) -> Adapter:
        import torch

        from plume.models import load_model
        from train import adapter
        from train.config import Lora, TrainConfig

        folder.mkdir(parents=True, exist_ok=True)
        config = TrainConfig(data=folder, out=folder, prompt=prompt, base=base, lora=Lora(rank=8, alpha=16))
        torch.manual_seed(seed)
        model = adapter.attach(load_model(base, "bfloat16"), config)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=std)
        facts = {
            "dataset": {"splits": {"train": {"pairs": 0, "sha256": "none"}}, "source": {"name": "none"}},
            "samples": {"dropped": 0, "truncated": 0},
            "steps": 0,
            "tokens": 0,
            "trained_tokens": 0,
            "train_loss": 0.0,
            "validation_loss": None,
        }
        adapter.write(folder, model, config, load_prompt(prompt), facts)
        return Adapter.load(folder)

    return make


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A real store in a home of its own; `add(base)` registers a version with a small adapter folder."""
    import mlflow

    home = tmp_path_factory.mktemp("home")
    before = mlflow.get_tracking_uri()
    patch = pytest.MonkeyPatch()
    patch.setenv("PLUME_HOME", str(home))
    config = ServeConfig(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    tracking.connect(config.tracking_uri)

    def add(base):
        folder = tmp_path_factory.mktemp("adapter")
        training = {
            "base": base,
            "prompt": {"version": "short-1", "sha256": load_prompt("short-1").sha256},
            "chat_template_sha256": template_sha256(),
        }
        (folder / "training.json").write_text(json.dumps(training))
        (folder / "adapter_config.json").write_text('{"r": 8}')
        (folder / "adapter_model.safetensors").write_bytes(os.urandom(64))
        (folder / "chat_template.jinja").write_text("{{ messages }}")
        with tracking.run("test", kind="train") as run:
            mlflow.log_artifacts(str(folder), "adapter")
        return tracking.register(run.info.run_id, "adapter", {tracking.ADAPTER_HASH: folder_sha256(folder)})

    yield SimpleNamespace(add=add, config=config, state=State(config.folder))
    patch.undo()
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)
