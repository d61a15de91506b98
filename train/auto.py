"""Set the keys that a config leaves to the card (`auto`): once, before training, for the smallest card of the run."""

import os
from pathlib import Path
from typing import Any

import psutil
import torch

from plume.command import stderr
from plume.errors import InputError
from train import processes
from train.cards import Fitting
from train.config import TrainConfig, left_to_card
from train.device_kind import kind_here
from train.samples import Samples

CGROUP = Path("/sys/fs/cgroup")


def settle(config: TrainConfig, samples: Samples, begun: TrainConfig | None = None) -> TrainConfig:
    """Give the config with no key left to the card, the same on all processes, and say what was chosen.

    A run that goes on keeps what it was `begun` with, on whatever card. Raises InputError if nothing fits.
    """
    keys = left_to_card(config)
    if not keys:
        return config
    memory = min(processes.all_told(free_memory()))
    chosen: dict[str, Any] = {}
    with processes.together():
        if processes.is_first():
            chosen = _choose(config, samples, begun, keys, memory)
    return config.model_copy(update=processes.all_told(chosen)[0])


def _choose(
    config: TrainConfig, samples: Samples, begun: TrainConfig | None, keys: list[str], memory: int
) -> dict[str, Any]:
    if begun:
        config = config.model_copy(update={key: getattr(begun, key) for key in keys})
    config = config.settled()
    if keys == ["dtype"]:
        stderr.print(f"training: dtype={config.dtype} {'as begun' if begun else 'chosen'}", markup=False)
        return {"dtype": config.dtype}
    choice = Fitting(config, samples, kind_here()).auto(memory)
    shown, has = _shown(config, keys), f"{memory / 2**30:.1f} GiB free on {_device()}"
    look = "plume train CONFIG --estimate tells what takes how much"
    if choice is None and begun:
        raise InputError(
            f"{config.out}: was begun with {shown}, too much for the {has}; go on where more is free; {look}"
        )
    if choice is None:
        mend = "use lora.qlora=true, a lower max_tokens or a larger card"
        raise InputError(f"{shown}: nothing fits the {has}; {mend}; {look}")
    needed = choice.footprint.needed / 2**30
    stderr.print(
        f"training: {_shown(choice.config, keys)} {'as begun' if begun else 'chosen'}: "
        f"{needed:.1f} GiB by estimate, {has}",
        markup=False,
        soft_wrap=True,
    )
    return {key: getattr(choice.config, key) for key in keys}


def _shown(config: TrainConfig, keys: list[str]) -> str:
    return ", ".join(f"{key}={str(getattr(config, key)).lower()}" for key in keys)


def _device() -> str:
    return torch.cuda.get_device_name() if kind_here() == "cuda" else "this CPU"


def free_memory() -> int:
    """Bytes that this process's device has free: of its GPU, or its share of the machine's and the container's."""
    if kind_here() == "cuda":
        return torch.cuda.mem_get_info()[0]
    limits = [psutil.virtual_memory().available]
    most, used = CGROUP / "memory.max", CGROUP / "memory.current"
    if most.is_file() and used.is_file() and (limit := most.read_text().strip()).isdigit():
        limits.append(int(limit) - int(used.read_text()) + _read_files())
    return max(0, min(limits)) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # torchrun's: all compute on this CPU


def _read_files() -> int:
    """Bytes of files that the kernel keeps for the container, such as weights once read: it gives them up at need."""
    kept = CGROUP / "memory.stat"
    told = dict(line.split() for line in kept.read_text().splitlines()) if kept.is_file() else {}
    return sum(int(told.get(name, 0)) for name in ("active_file", "inactive_file"))
