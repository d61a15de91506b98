"""Keys that are left to the card: chosen once, kept by a run that goes on."""

import pytest
import yaml

from plume import models
from plume.adapters import Adapter
from plume.errors import InputError
from train import auto, folder, processes
from train.config import TrainConfig

LEFT = {"micro_batch_tokens": "auto", "recompute": "auto"}


def test_what_is_chosen_is_said_kept_and_gone_on_with(train_here, home, steps_of, capfd, monkeypatch):
    out = home / "auto"
    train_here(out=out, max_steps=2, max_tokens=256, **LEFT)
    said = capfd.readouterr().err
    assert "training: micro_batch_tokens=" in said
    assert said.count("chosen:") == 1
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert isinstance(config["micro_batch_tokens"], int)
    assert config["recompute"] is False
    told = Adapter.load(out / "adapter").training["config"]
    assert (told["micro_batch_tokens"], told["recompute"]) == (config["micro_batch_tokens"], False)
    explicit = home / "auto-explicit"
    keys = {key: config[key] for key in LEFT}
    train_here(out=explicit, max_steps=2, max_tokens=256, **keys)
    train_here(out=out, max_steps=3, max_tokens=256, resume=True, **LEFT)
    assert "as begun" in capfd.readouterr().err
    losses, same = ([row["loss"] for row in steps_of(folder)] for folder in (out, explicit))
    assert losses[:2] == same
    assert len(losses) == 3
    monkeypatch.setattr(auto, "free_memory", lambda: 2**20)
    with pytest.raises(
        InputError, match=r"was begun with micro_batch_tokens=\d+, recompute=false, too much for the 0.0 GiB"
    ):
        train_here(out=out, max_steps=4, max_tokens=256, resume=True, **LEFT)


def test_a_run_that_fits_nowhere_is_refused_in_one_line(train_here, home, monkeypatch):
    monkeypatch.setattr(auto, "free_memory", lambda: 2**20)
    with pytest.raises(
        InputError, match=r"micro_batch_tokens=auto, recompute=auto: nothing fits .*lora.qlora=true"
    ) as no:
        train_here(out=home / "nowhere", **LEFT)
    assert "\n" not in str(no.value)
    assert not (home / "nowhere").exists()


def test_the_smallest_card_of_all_processes_decides(monkeypatch):
    seen = []
    monkeypatch.setattr(processes, "all_told", lambda value: [value, value // 2] if isinstance(value, int) else [value])
    monkeypatch.setattr(auto, "_choose", lambda *given: seen.append(given[-1]) or {"recompute": False})
    monkeypatch.setattr(auto, "free_memory", lambda: 1000)
    config = TrainConfig(data="x", out="x", recompute="auto")
    assert auto.settle(config, None).recompute is False
    assert seen == [500]


def test_a_container_has_what_its_limit_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(auto, "CGROUP", tmp_path)
    free = auto.free_memory()
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    assert auto.free_memory() == 3000
    (tmp_path / "memory.stat").write_text("anon 900\nactive_file 100\ninactive_file 700\n")
    assert auto.free_memory() == 3800  # files that were read make room when it is asked for
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert auto.free_memory() == 1900
    monkeypatch.delenv("LOCAL_WORLD_SIZE")
    (tmp_path / "memory.max").write_text("max\n")
    assert auto.free_memory() == pytest.approx(free, rel=0.5)


def test_the_precision_is_the_machines_and_a_run_that_goes_on_keeps_its_own(tmp_path, monkeypatch, capfd):
    left = TrainConfig(data=tmp_path, out=tmp_path / "run", dtype="auto")
    monkeypatch.setattr("train.config.fast_dtype", lambda: "bfloat16")
    begun = auto.settle(left, None)
    assert begun.dtype == "bfloat16"
    assert "training: dtype=bfloat16 chosen" in capfd.readouterr().err
    left.out.mkdir()
    (left.out / folder.CONFIG).write_text(begun.to_yaml())
    monkeypatch.setattr("train.config.fast_dtype", lambda: "float32")  # another machine
    assert left.settled().dtype == "float32"
    folder.check(left, resume=True, force=False)
    assert auto.settle(left, None, folder.begun_with(left.out)).dtype == "bfloat16"
    with pytest.raises(InputError, match="dtype=bfloat16 there, dtype=float32 here"):
        folder.check(left.model_copy(update={"dtype": "float32"}), resume=True, force=False)


@pytest.mark.parametrize(("units", "named"), [(True, "bfloat16"), (False, "float32")])
def test_without_a_gpu_the_processor_decides_on_bfloat16(units, named, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(models, "cpu_has_bfloat16", lambda: units)
    assert models.fast_dtype() == named
