"""A training that goes on from an adapter: from its very weights, refused where it does not fit, never forgotten."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from eval.systems import resolve as resolve_system
from plume import lineage, registry
from plume.adapters import CONFIG, TRAINING, Adapter
from plume.cli import app
from plume.corpus import forget_versions
from plume.corpus.dataset import read_manifest
from plume.errors import InputError
from plume.models import load_model
from plume.paths import ROOT
from plume.prompt import CHATML
from train import loop, starting_adapter
from train.adapter import attach
from train.config import TrainConfig
from train.run import train

RECIPE = "configs/train/openhermes2-lora.yaml"
WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def first(trained):
    """The adapter of the whole run, which is version 1."""
    return Adapter.load(trained[0] / "adapter")


@pytest.fixture(scope="module")
def child(settings, home, trained):
    """A run of 8 steps that starts from version 1, with dropout."""
    words = settings(out=home / "child", base__adapter="plume-reply@1", lora__dropout=0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(home))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        done = CliRunner().invoke(app, ["train", RECIPE, *words])
    assert done.exit_code == 0, done.output
    return home / "child", done.stdout


def test_the_adapter_begins_with_the_weights_that_it_starts_from(first, settings, tmp_path):
    config = TrainConfig.load(RECIPE, settings(out=tmp_path))
    model = attach(load_model(config.base, "float32"), config, first)
    held = load_file(first.folder / WEIGHTS)
    assert any(weight.abs().sum() > 0 for name, weight in held.items() if "lora_B" in name)
    there = dict(model.named_parameters())
    for name, weight in held.items():
        parameter = there[name.replace(".weight", ".default.weight")]
        assert torch.equal(parameter, weight)
        assert parameter.requires_grad


def test_everything_tells_what_a_run_started_from(child, first, store):
    folder, out = child
    adapter = Adapter.load(folder / "adapter")
    start = {"version": 1, "adapter_sha256": first.sha256}
    assert adapter.training["started_from"] == json.loads((folder / "run.json").read_text())["started_from"] == start
    [ancestor] = adapter.training["ancestors"]
    assert ancestor == start | {"dataset": first.training["dataset"], "run_id": first.training["run_id"]}
    assert adapter.base == first.base  # what evaluation and serving read has no adapter in it
    split = first.training["dataset"]["splits"]["train"]["sha256"]
    version = store.get_model_version(registry.MODEL_NAME, out.partition("version: ")[2].split()[0])
    for tags in (store.get_run(adapter.training["run_id"]).data.tags, version.tags):
        assert (tags["started_from"], tags["earlier_train_splits"]) == (first.sha256, split)
    assert "adapter: '1'" in (folder / "config.yaml").read_text()  # an alias may move
    card = (folder / "adapter" / "README.md").read_text()
    assert f"Trained on from version 1, SHA-256 `{first.sha256[:16]}…`" in card
    assert f"| train of version 1, before | 13 | `{split[:16]}…` |" in card
    assert resolve_system(str(folder / "adapter")).describe()["trained_on"]["earlier_train_splits"] == [split]


def test_the_first_loss_is_where_the_first_run_ended_not_the_bases(child, trained, steps_of):
    begun, went_on = steps_of(trained[0]), steps_of(child[0])
    assert went_on[0]["loss"] < begun[0]["loss"] - 0.5 * (begun[0]["loss"] - begun[-1]["loss"])


@pytest.mark.parametrize("every", [2, 100], ids=["after a checkpoint", "before any"])
def test_stopped_and_resumed_it_is_as_if_never_stopped(child, train_here, tmp_path, monkeypatch, steps_of, every):
    options = {"out": tmp_path / "run", "base__adapter": "1", "lora__dropout": 0.1, "register_version": "false"}
    options |= {"checkpoint_every": every}
    real, calls = loop.backward, iter(range(5))

    def interrupted(*arguments):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "backward", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_here(**options)
    train_here(resume=True, **options)
    timed = ("seconds", "seconds_left", "tokens_per_second", "samples_per_second", "mfu", "peak_memory_gib")
    same = lambda folder: [{k: v for k, v in row.items() if k not in timed} for row in steps_of(folder)]  # noqa: E731
    assert same(options["out"]) == same(child[0])
    assert (options["out"] / "adapter" / WEIGHTS).read_bytes() == (child[0] / "adapter" / WEIGHTS).read_bytes()


@pytest.mark.long
def test_two_processes_start_from_it_as_one(trained, train_here, settings, home, tmp_path, steps_of):
    options = {"base__adapter": "1", "max_steps": 3, "register_version": "false"}
    train_here(out=tmp_path / "one", **options)
    shutil.rmtree(home / "adapters")  # the first one alone fetches it
    words = settings(out=tmp_path / "two", micro_batch_tokens=300, max_tokens=300, **options)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"),
            "-m",
            "train",
            RECIPE,
            *words,
        ],
        cwd=ROOT,
        env={**os.environ, "PLUME_HOME": str(home), "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for one, two in zip(steps_of(tmp_path / "one"), steps_of(tmp_path / "two"), strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-5)


def test_the_other_processes_need_neither_the_store_nor_the_adapter(settings, tmp_path, monkeypatch):
    """On another machine: the first process gives them the weights."""
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    monkeypatch.setattr("train.processes.is_first", lambda: False)
    options = {"out": tmp_path / "run", "base__adapter": "7", "max_steps": 1}
    assert train(TrainConfig.load(RECIPE, settings(**options))) is None
    assert list(tmp_path.iterdir()) == []


def _changed(first, folder, **changes):
    """A copy of the adapter whose training.json, or adapter_config.json, says something else."""
    copy = shutil.copytree(first.folder, folder)
    for name in (TRAINING, CONFIG):
        told = json.loads((copy / name).read_text())
        (copy / name).write_text(json.dumps(told | {k: v for k, v in changes.items() if k in told or name == TRAINING}))
    return copy


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (
            {"lora__rank": 8, "lora__alpha": 16},
            "with lora.rank=16, lora.alpha=32, the config says lora.rank=8, lora.al",
        ),
        ({"lora__rslora": "true"}, "was trained with lora.rslora=False, the config says lora.rslora=True"),
        ({"lora__target_modules": "[v_proj, q_proj]"}, "lora.target_modules=all-linear, the config says lora.target_m"),
        ({"prompt": "v1"}, "was trained with prompt=short-1, the config says prompt=v1"),
        ({"base__adapter": "99"}, "no version or alias '99'; known: 1"),
        ({"base__adapter": "champion"}, "no version or alias 'champion'"),
        ({"base__adapter": "plume"}, "plume: not an adapter folder of plume"),
    ],
)
def test_what_does_not_fit_is_one_line_before_anything_is_trained(child, train_here, tmp_path, overrides, told):
    with pytest.raises(InputError) as refused:
        train_here(**{"out": tmp_path / "run", "base__adapter": "1"} | overrides)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"canaries": 8}, "was trained on canaries"),
        ({"base": {"model": "other/model", "revision": "0" * 40}}, None),  # a folder is taken at its word
        ({"config": {}}, None),  # of preferences, which tells no modules
        ({"base": {"model": "smollm2-135m-instruct"}}, "was trained on smollm2-135m-instruct, not on base.model="),
        ({"chat_template_sha256": "0" * 64}, "the chat template has changed since training"),
        ({"alpha_pattern": {"q_proj": 4}}, "uses alpha_pattern, which plume does not train"),
    ],
)
def test_a_folder_is_looked_at_as_a_version_is(first, train_here, tmp_path, changes, told):
    folder = _changed(first, tmp_path / "adapter", **changes)
    options = {"out": tmp_path / "run", "base__adapter": folder, "max_steps": 1, "register_version": "false"}
    if told is None:
        assert train_here(**options).version is None
        return
    with pytest.raises(InputError) as refused:
        train_here(**options)
    assert told in str(refused.value)


def test_another_chat_format_is_another_prompt(first):
    starting_adapter.check_chat(lineage.Named(first), CHATML)
    with pytest.raises(InputError, match="with another chat template than the base's"):
        starting_adapter.check_chat(lineage.Named(first), replace(CHATML, template="another"))


def test_weights_of_another_shape_or_that_are_cut_off_are_one_line(first, train_here, tmp_path):
    folder = shutil.copytree(first.folder, tmp_path / "adapter")
    held = load_file(folder / WEIGHTS)
    name = sorted(held)[0]
    options = {"out": tmp_path / "run", "base__adapter": folder}
    save_file({k: v for k, v in held.items() if k != name}, folder / WEIGHTS)
    with pytest.raises(InputError, match=r"1 tensors are not as this base .* none, wanted \("):
        train_here(**options)
    (folder / WEIGHTS).write_bytes((first.folder / WEIGHTS).read_bytes()[:1000])
    with pytest.raises(InputError, match="its weights cannot be loaded"):
        train_here(**options)


def test_a_run_goes_on_from_the_very_adapter_that_it_was_started_from(first, train_here, tmp_path, monkeypatch):
    folder = shutil.copytree(first.folder, tmp_path / "adapter")
    options = {"out": tmp_path / "run", "base__adapter": folder, "max_steps": 1, "register_version": "false"}
    with monkeypatch.context() as patch:
        patch.setattr("train.run.adapter.write", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_here(**options)
    (folder / "README.md").write_text("another")
    with pytest.raises(InputError, match=r"was started from another adapter than base.adapter="):
        train_here(resume=True, **options)
    with pytest.raises(InputError, match=r"another config: base.adapter="):
        train_here(resume=True, **options | {"base__adapter": first.folder})


def test_a_run_never_overwrites_the_adapter_that_it_starts_from(child, train_here):
    with pytest.raises(InputError, match="child"):
        train_here(out=child[0], base__adapter=child[0] / "adapter", force=True)
    assert Adapter.load(child[0] / "adapter").sha256


def test_an_erasure_during_the_training_registers_nothing(trained, train_here, tmp_path, store, monkeypatch):
    """As `plume data forget` marks the version that the run started from, while it runs."""
    real, known = loop.backward, len(store.search_model_versions(f"name='{registry.MODEL_NAME}'"))

    def erased(*arguments):
        store.set_model_version_tag(registry.MODEL_NAME, "1", lineage.FORGOTTEN, "2026-11-30")
        return real(*arguments)

    monkeypatch.setattr(loop, "backward", erased)
    try:
        with pytest.raises(InputError, match=r"plume-reply version 1: was trained on experiences that were erased"):
            train_here(out=tmp_path / "run", base__adapter="1", max_steps=1)
    finally:
        store.delete_model_version_tag(registry.MODEL_NAME, "1", lineage.FORGOTTEN)
    assert len(store.search_model_versions(f"name='{registry.MODEL_NAME}'")) == known


def _interrupt(*_, **__):
    raise KeyboardInterrupt


def test_an_erasure_names_what_was_trained_from_it_and_nothing_more_is(
    child, trained, train_here, small_dataset, tmp_path, store, home, monkeypatch
):
    """The child is trained on another train split by now: only its ancestor saw the one that is erased from."""
    split = read_manifest(small_dataset)["splits"]["train"]["sha256"]
    number = child[1].partition("version: ")[2].split()[0]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    run_id = store.get_model_version(registry.MODEL_NAME, number).run_id
    try:
        store.set_model_version_tag(registry.MODEL_NAME, number, forget_versions.DIGEST, "5" * 64)
        store.set_tag(run_id, forget_versions.RUN_DIGEST, "5" * 64)
        found = {each.number: each for each in forget_versions.trained_on({split}, set())}
        assert found[int(number)].why == f"it was trained from an adapter whose train split is {split[:12]}…"
        assert found[int(number)].sure
        assert "child" in {run.name for run in forget_versions.runs_on({split})}  # its checkpoints are there
        forget_versions.mark_forgotten([found[1]])
        for reference in ("1", number, child[0] / "adapter"):
            with pytest.raises(
                InputError, match=r"on experiences that were erased since .*; train anew without base.ad"
            ):
                train_here(out=tmp_path / "run", base__adapter=reference)
        assert not (tmp_path / "run").exists()
    finally:
        store.set_model_version_tag(registry.MODEL_NAME, number, forget_versions.DIGEST, split)
        store.delete_model_version_tag(registry.MODEL_NAME, "1", lineage.FORGOTTEN)


def test_a_folder_that_was_erased_from_since_refuses_it_without_a_store_that_tells(
    child, train_here, small_dataset, tmp_path
):
    data = shutil.copytree(small_dataset, tmp_path / "data")
    manifest = read_manifest(data)
    manifest |= {"history": [manifest["splits"]["train"]["sha256"]]}
    (data / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="erased from the dataset since"):
        train_here(out=tmp_path / "run", data=data, base__adapter=child[0] / "adapter")
