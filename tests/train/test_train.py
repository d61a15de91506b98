"""`plume train` through the real command, on an OpenHermes-shaped tiny model and a real MLflow store."""

import json

import pytest
import torch
from safetensors.torch import load_file

from plume.adapters import Adapter
from plume.errors import InputError
from plume.files import folder_sha256
from train import checkpoint


def test_recipe_trains_the_openhermes_shaped_model(trained, steps_of):
    folder, _ = trained
    steps = steps_of(folder)
    assert [s["step"] for s in steps] == list(range(1, 9))
    assert steps[-1]["loss"] < steps[0]["loss"]
    adapter = Adapter.load(folder / "adapter")
    assert adapter.rank == 16
    assert adapter.training["dataset"]["splits"]["train"]["pairs"] == 13
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert config["modules_to_save"] is None
    assert not config["use_dora"]
    for path in (folder, *folder.rglob("*"), folder.parent / "mlflow.db", folder.parent / "mlartifacts"):
        assert path.stat().st_mode & 0o077 == 0, path  # no group is configured: the owner alone


def test_mlflow_knows_config_metrics_inputs_adapter_and_version(trained, store):
    folder, out = trained
    client = store
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


def test_python_m_train_is_the_same_command(run, home):
    out, _ = run(module="train", out=home / "module", max_steps=1, register_version="false")
    assert "adapter:" in out


def test_early_stopping_keeps_the_best_adapter(train_here, home, steps_of):
    options = {
        "out": home / "stop",
        "optimiser__learning_rate": 0.5,  # ruins the adapter: the validation loss rises at once
        "max_epochs": 20,
        "max_loss_jump": "null",
        "validation": {"every": 1, "patience": 2, "drafts": 1, "draft_tokens": 2},
    }
    result = train_here(**options)
    steps = steps_of(home / "stop")
    losses = [s["validation_loss"] for s in steps]
    best = losses.index(min(losses)) + 1
    assert result.stopped == f"no lower validation loss since step {best}"
    assert len(steps) == best + 2
    assert result.validation_loss == min(losses)
    facts = Adapter.load(result.adapter).training
    assert facts["best_step"] == best
    kept = load_file(result.adapter / "adapter_model.safetensors")
    assert all(torch.equal(kept[k], v) for k, v in checkpoint.load(home / "stop")["best"].items())
    assert not all(torch.equal(kept[k], v) for k, v in checkpoint.load(home / "stop")["adapter"].items())
    drafts = [json.loads(line) for line in (home / "stop" / "drafts.jsonl").read_text().splitlines()]
    assert [d["step"] for d in drafts] == list(range(1, best + 3))

    with pytest.raises(InputError, match=r"stopped early, after 2 validations .* --resume validation\.patience=4"):
        train_here(**options, resume=True)
    options["validation"] |= {"patience": 3}
    more = train_here(**options, resume=True)
    assert len(steps_of(home / "stop")) == best + 3
    assert (more.stopped, more.version) == (result.stopped, result.version + 1)


def test_the_card_tells_data_limits_and_energy(trained):
    card = (trained[0] / "adapter" / "README.md").read_text()
    digests = json.loads((trained[0] / "adapter" / "training.json").read_text())["dataset"]["splits"]
    for split in ("train", "validation", "test"):
        assert f"| {split} | {digests[split]['pairs']} | `{digests[split]['sha256'][:16]}…` |" in card
    for told in ("## Limits", "pseudonymised, not anonymous", "kWh", "never to be published by itself"):
        assert told in card


def test_what_the_build_did_not_understand_is_told_at_the_start():
    from train.run import _not_understood

    assert _not_understood({"counts": {}}) == ""  # a folder of before
    told = _not_understood({"counts": {"not_understood": {"ressenti_usager": 2, "top_ia_structure_1": 3}}})
    assert told.endswith("by column: ressenti_usager 2, top_ia_structure_1 3")
