"""`plume train` through the real command, on an OpenHermes-shaped tiny model and a real MLflow store."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import mlflow
import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from plume.adapters import Adapter, folder_sha256
from plume.corpus import dataset
from plume.errors import EnvironmentMissing, InputError, PlumeError
from plume.models import load_model, load_tokenizer
from plume.paths import ROOT
from plume.prompt import load_prompt
from train import adapter, checkpoint, loop
from train.batches import micro_batches
from train.config import TrainConfig
from train.estimate import estimate
from train.folder import alone
from train.loop import planned_order
from train.run import train
from train.samples import load_samples
from train.step import token_losses

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
        ({"lora__rank": 32}, "lora.rank=32 is above max_lora_rank=16 of configs/serve/default.yaml"),
        ({"server": "configs/train/demo.yaml"}, "configs/train/demo.yaml: has no max_lora_rank"),
        ({"server": "nowhere.yaml"}, "nowhere.yaml: no such config"),
        ({"base__tokens__im_end": 7}, "im_end is 32000, not 7"),
        ({"base__model": "/nowhere/at/all"}, "no such folder"),
        ({"prompt": "v99"}, "unknown version; known ones"),
        ({"data": "/nowhere"}, "not a dataset folder"),
        ({"lora__target_modules": "[nothing_like_it]"}, "no linear layer 'nothing_like_it'; known: all-linear, or a"),
        ({"lora__target_modules": "[q_proj, v_prj]"}, "no linear layer 'v_prj'; did you mean v_proj?"),
        ({"lora__target_modules": "'.*(q_proj|lm_head)'"}, "no linear layer '.*(q_proj|lm_head)'"),
        ({"micro_batch_tokens": 100}, "micro_batch_tokens=100"),
        ({"tracking_uri": "http://127.0.0.1:9"}, "does not answer"),
        ({"lora__use_dora": "true"}, "vLLM serves no DoRA adapter"),
        ({"lora__modules_to_save": "[lm_head]"}, "modules_to_save: vLLM serves low-rank weights alone"),
        ({"lora__target_modules": "[q_proj, lm_head]"}, "vLLM serves no adapter of lm_head"),
        ({"lora__qlora": "true"}, "lora.qlora computes in bfloat16, not dtype=float32"),
        ({"max_tokens": 150, "micro_batch_tokens": 300, "over_length": "error"}, "are longer than max_tokens=150"),
        ({"country": "France"}, "country"),
        ({"seed": 2**70}, "seed"),
        ({"max_epochs": ".inf"}, "max_epochs"),
        ({"max_tokens": 50_000, "micro_batch_tokens": 50_000}, "was made for"),
        ({"attention": "flex"}, "no backward pass of it on CPUs"),
    ],
)
def test_bad_input_is_told_before_anything_is_trained(train_here, tmp_path, overrides, message):
    with pytest.raises(InputError) as error:
        train_here(out=tmp_path / "run", **overrides)
    assert message in str(error.value)
    assert not (tmp_path / "run").exists()  # so that the mended command is not refused


def test_all_errors_of_a_config_are_told_at_once(run, tmp_path):
    config = yaml.safe_load((ROOT / RECIPE).read_text())
    config |= {"lerning_rate": 1, "seed": "soon", "lora": {"rank": 16, "aplha": 3, "use_dora": True}}
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(config))
    _, err = run(code=2, recipe=str(tmp_path / "bad.yaml"), out=tmp_path / "run")
    assert "Traceback" not in err
    assert "4 errors" in err
    for part in (
        "lora.use_dora: vLLM serves no DoRA adapter",
        "lerning_rate: unknown key",
        "optimiser.learning_rate",
        "lora.alpha",
        "seed",
    ):
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
    with pytest.raises(InputError, match="no run to resume"):
        train_here(resume=True, out=tmp_path)


@pytest.fixture
def killed_at(train_here, monkeypatch):
    """A run that ends as if killed where `name` of train.run is called, moments that no kill hits twice."""

    def call(name, instead, **overrides):
        with monkeypatch.context() as patch:
            patch.setattr(f"train.run.{name}", instead)
            with pytest.raises(KeyboardInterrupt):
                train_here(**overrides)

    return call


def _interrupt(*_, **__):
    raise KeyboardInterrupt


def test_killed_where_mlflow_and_the_folder_disagree_it_goes_on_as_the_same_run(killed_at, train_here, home, tmp_path):
    import train.run as module

    options, client = {"out": tmp_path / "run", "max_steps": 2}, _store(home)
    drafts, weights = (options["out"] / name for name in ("drafts.jsonl", "adapter/adapter_model.safetensors"))
    before = {run.info.run_id for run in client.search_runs(["1"])}
    note, register = module.folder.note, module.tracking.register

    killed_at("folder.note", lambda out, facts: _interrupt() if "run_id" in facts else note(out, facts), **options)
    killed_at("tracking.register", _interrupt, resume=True, **options)
    with drafts.open("a") as file:  # a draft may hold what other readers take for the end of a line
        file.write(json.dumps({"step": 2, "id": "x", "draft": "a\u2028b"}, ensure_ascii=False) + '\n{"step": 2, "dr')
    written = weights.read_bytes()
    killed_at("tracking.register", lambda *given: _interrupt(register(*given)), resume=True, **options)
    result = train_here(resume=True, **options)

    (opened,) = {run.info.run_id for run in client.search_runs(["1"])} - before
    assert result.run_id == opened
    assert client.get_run(opened).info.status == "FINISHED"
    assert [int(v.version) for v in client.search_model_versions(f"run_id='{opened}'")] == [result.version]
    assert weights.read_bytes() == written
    assert client.get_model_version("plume-reply", result.version).tags["adapter_sha256"] == folder_sha256(
        weights.parent
    )
    assert [json.loads(line)["draft"] for line in drafts.open()][-1] == "a\u2028b"


def test_a_run_that_the_store_does_not_have_is_one_line(killed_at, train_here, home, tmp_path):
    options = {"out": tmp_path / "run", "max_steps": 1}
    killed_at("adapter.write", _interrupt, **options)
    noted = json.loads((options["out"] / "run.json").read_text())["run_id"]
    _store(home).delete_run(noted)
    with pytest.raises(InputError, match=rf"the run {noted} is deleted there; set MLFLOW_TRACKING_URI"):
        train_here(resume=True, **options)
    _store(home).restore_run(noted)
    assert train_here(resume=True, **options).run_id == noted


@pytest.mark.parametrize(
    ("every", "told"), [(1, "the validation loss is nan after step 1"), (9, "holds numbers that are")]
)
def test_a_last_step_that_ruins_the_adapter_registers_nothing(train_here, home, tmp_path, monkeypatch, every, told):
    if every == 9:
        monkeypatch.setattr("train.loop.mean_loss", lambda *_: 1.0)  # as where there is no validation split
    known = len(_store(home).search_model_versions("name='plume-reply'"))
    with pytest.raises(PlumeError, match=told):
        train_here(
            out=tmp_path / "run",
            max_steps=1,
            optimiser__learning_rate="1.0e+38",
            optimiser__warmup_share=0,
        )
    assert not (tmp_path / "run" / "adapter").exists()
    assert len(_store(home).search_model_versions("name='plume-reply'")) == known


def test_steps_that_are_done_again_stand_once_in_mlflow(killed_at, train_here, home, tmp_path):
    options = {"out": tmp_path / "run", "max_steps": 3, "checkpoint_every": 2}
    killed_at("adapter.write", _interrupt, **options)
    (options["out"] / "checkpoint.pt").unlink()  # as if killed before it was written
    result = train_here(resume=True, **options)
    assert [m.step for m in _store(home).get_metric_history(result.run_id, "loss")] == [1, 2, 3]
    assert [s["step"] for s in _steps(options["out"])] == [1, 2, 3]


def test_a_run_goes_on_with_the_samples_that_it_was_started_on(killed_at, train_here, small_dataset, tmp_path):
    options = {"out": tmp_path / "run", "max_steps": 1, "data": tmp_path / "dataset"}
    shutil.copytree(small_dataset, options["data"])
    killed_at("adapter.write", _interrupt, **options)
    train_split, manifest = options["data"] / "train.jsonl", options["data"] / "manifest.json"
    train_split.write_bytes(train_split.read_bytes().replace(b"Bonjour", b"Bonsoir", 1))
    described = json.loads(manifest.read_text())
    described["splits"]["train"]["sha256"] = hashlib.sha256(train_split.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(described))
    (options["data"] / "README.md").write_text(dataset.card(described))  # by it `datasets` knows the folder changed
    with pytest.raises(InputError, match="was started on other samples"):
        train_here(resume=True, **options)


def test_two_processes_do_not_train_into_one_folder(trained, train_here, tmp_path):
    with alone(tmp_path / "run"), pytest.raises(InputError, match="another process trains into it"):
        train_here(out=tmp_path / "run", max_steps=1)
    with alone(trained[0]), pytest.raises(InputError, match="another process trains into it"):
        train_here(out=trained[0], force=True)


def test_a_damaged_checkpoint_is_named(killed_at, train_here, tmp_path):
    options = {"out": tmp_path / "run", "max_steps": 1}
    killed_at("adapter.write", _interrupt, **options)
    checkpoint = options["out"] / "checkpoint.pt"
    whole = checkpoint.read_bytes()
    zeroed = whole[: len(whole) // 2] + bytes(4096) + whole[len(whole) // 2 + 4096 :]
    for damaged in (b"", whole[: len(whole) // 2], b"no checkpoint", zeroed):
        checkpoint.write_bytes(damaged)
        with pytest.raises(InputError, match=r"checkpoint\.pt: cannot be read"):
            train_here(resume=True, **options)


def test_a_full_disk_at_a_checkpoint_is_one_line_and_leaves_no_half(train_here, tmp_path, monkeypatch):
    def full(_, file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("train.checkpoint.torch.save", full)
    with pytest.raises(InputError, match=r"best\.pt: cannot be written \(No space left on device\); make room"):
        train_here(out=tmp_path / "run", max_steps=1)
    assert not list((tmp_path / "run").glob("*.partial"))


def test_a_store_that_goes_away_is_one_line(train_here, tmp_path, monkeypatch):
    def gone(*_, **__):
        raise mlflow.MlflowException("connection refused\nby the peer")

    monkeypatch.setattr(mlflow, "log_metrics", gone)
    with pytest.raises(PlumeError, match=r"does not answer any more \(connection refused\); once it does, --resume"):
        train_here(out=tmp_path / "run", max_steps=1)


def test_weights_that_are_cut_off_and_models_of_another_build_are_refused(train_here, tiny_mistral, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_mistral, base)
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="its weights cannot be loaded"):
        train_here(out=tmp_path / "run", base__model=base)
    weights.unlink()
    GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=32002, n_positions=4096)).save_pretrained(base)
    with pytest.raises(InputError, match="a GPT2LMHeadModel is not built as Llama or Mistral"):
        train_here(out=tmp_path / "run", base__model=base)


def test_qlora_without_a_gpu_is_one_clear_line(train_here, tmp_path):
    with pytest.raises(EnvironmentMissing, match=r"lora\.qlora=true needs an NVIDIA GPU.*lora\.qlora=false") as error:
        train_here(out=tmp_path / "run", lora__qlora="true", dtype="bfloat16")
    assert error.value.exit_code == 3
    assert not (tmp_path / "run").exists()


def test_a_tokenizer_larger_than_the_vocabulary_is_refused(train_here, tiny_mistral, tmp_path):
    grown = tmp_path / "grown"
    shutil.copytree(tiny_mistral, grown)
    tokenizer = AutoTokenizer.from_pretrained(grown)
    tokenizer.add_tokens(["<|new|>"])
    tokenizer.save_pretrained(grown)
    with pytest.raises(InputError, match=r"has 32003 tokens, its weights 32002; plume does not resize"):
        train_here(out=tmp_path / "run", base__model=grown)


def test_preview_shows_the_mask_and_what_is_left_out_and_trains_nothing(run, home):
    out, _ = run("--preview", "2", out=home / "preview", max_tokens=180, micro_batch_tokens=400)
    assert out.count("⟦") == out.count("<|im_end|>⟧") == 2
    learnt = out.split("⟦")[1].split("⟧")[0]
    assert learnt.startswith("Bonjour, nous regrettons")
    assert "Avis :" not in learnt
    assert re.search(r"left out: \d+ × # tokens, at most #", out)
    assert re.search(r"all start with the same \d\d+", " ".join(out.split()))
    assert not (home / "preview").exists()


def test_estimate_needs_no_weights_and_is_near_what_the_run_logs(run, home, trained, tiny_mistral, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(tiny_mistral, bare, ignore=shutil.ignore_patterns("*.safetensors"))
    out, _ = run("--estimate", "--speed", "100", out=home / "estimated", base__model=bare)
    facts = Adapter.load(trained[0] / "adapter").training
    tokens = int(re.search(r"([\d,]+) tokens in all", out)[1].replace(",", ""))
    assert tokens == pytest.approx(facts["tokens"], rel=0.02)
    assert f"{tokens / 100 / 60:.1f} min" in out
    assert not (home / "estimated").exists()
    assert facts["memory_gib"]["estimated"] > 0
    assert facts["memory_gib"]["measured"] > facts["memory_gib"]["estimated"]  # which has no Python and no torch


def test_a_traced_forward_keeps_what_the_real_one_keeps(tiny_mistral, small_dataset, tmp_path):
    """The estimate's activations are those that autograd saves in a real step, to the byte."""
    settings = {"base": {"model": str(tiny_mistral)}, "prompt": "short-1", "dtype": "float32"}
    config = TrainConfig(data=small_dataset, out=tmp_path, **settings)
    samples = load_samples(config, load_tokenizer(config.base), load_prompt(config.prompt))
    expected = estimate(config, samples)
    model = adapter.attach(load_model(config.base, config.dtype), config).train()
    fixed = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept, alive = {}, []

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in fixed:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    steps = [[samples.train[i] for i in order] for order in planned_order(config, len(samples.train))]
    worst = max((b for rows in steps for b in micro_batches(rows, config.micro_batch_tokens)), key=lambda b: b.tokens)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        token_losses(model, worst)
    assert expected.worst_tokens == worst.tokens
    assert expected.activations == pytest.approx(sum(kept.values()), rel=0.01)
    assert expected.weights == sum(p.numel() * 4 for p in model.parameters() if not p.requires_grad)


def test_early_stopping_keeps_the_best_adapter(train_here, home):
    result = train_here(
        out=home / "stop",
        optimiser__learning_rate=0.5,  # ruins the adapter: the validation loss rises at once
        max_epochs=20,
        max_loss_jump="null",
        validation={"every": 1, "patience": 2, "drafts": 1, "draft_tokens": 2},
    )
    steps = _steps(home / "stop")
    losses = [s["validation_loss"] for s in steps]
    best = losses.index(min(losses)) + 1
    assert result.stopped == f"no lower validation loss since step {best}"
    assert len(steps) == best + 2
    assert result.validation_loss == min(losses)
    facts = Adapter.load(result.adapter).training
    assert facts["best_step"] == best
    kept = load_file(result.adapter / "adapter_model.safetensors")
    assert all(torch.equal(kept[k], v) for k, v in checkpoint.load_best(home / "stop").items())
    assert not all(torch.equal(kept[k], v) for k, v in checkpoint.load(home / "stop")["adapter"].items())
    drafts = [json.loads(line) for line in (home / "stop" / "drafts.jsonl").read_text().splitlines()]
    assert [d["step"] for d in drafts] == list(range(1, best + 3))


def test_a_loss_that_jumps_or_is_no_number_stops_the_run_before_the_step_and_marks_it_failed(
    train_here, home, monkeypatch
):
    real, calls = loop.backward, []

    def broken(value, *arguments):
        calls.append(1)
        loss, count = real(*arguments)
        return (loss + value if len(calls) > 12 else loss), count

    for name, value, told in (("jump", 5.0, "the loss jumped to"), ("nan", float("nan"), "the loss is nan")):
        calls.clear()
        monkeypatch.setattr(loop, "backward", partial(broken, value))
        with pytest.raises(PlumeError, match=told) as error:
            train_here(out=home / name, max_epochs=6, validation__drafts=0)
        assert "at step 13" in str(error.value)
        assert len(_steps(home / name)) == 12
        found = _store(home).search_runs(["1"], f"attributes.run_name = '{name}'")
        assert [r.info.status for r in found] == ["FAILED"]


def test_a_killed_run_is_marked_failed_once_its_folder_is_overwritten(command, train_here, home):
    folder = home / "abandoned"
    process = command(out=folder, max_epochs=200)
    _wait_for_step(folder, 1, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    train_here(out=folder, force=True, max_steps=1, register_version="false")
    runs = _store(home).search_runs(["1"], "attributes.run_name = 'abandoned'", order_by=["start_time ASC"])
    assert [r.info.status for r in runs] == ["FAILED", "FINISHED"]


def test_the_card_tells_data_limits_and_energy(trained):
    card = (trained[0] / "adapter" / "README.md").read_text()
    digests = json.loads((trained[0] / "adapter" / "training.json").read_text())["dataset"]["splits"]
    for split in ("train", "validation", "test"):
        assert f"| {split} | {digests[split]['pairs']} | `{digests[split]['sha256'][:16]}…` |" in card
    for told in ("## Limits", "pseudonymised, not anonymous", "kWh", "never to be published by itself"):
        assert told in card


def _wait_for_step(folder: Path, step: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        log = folder / "steps.jsonl"
        if log.is_file() and len(log.read_text().splitlines()) >= step:
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    pytest.fail("the run did not get that far")
