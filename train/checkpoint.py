"""What a run needs to go on as if it had never been stopped."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from plume.errors import InputError

LATEST, BEST = "checkpoint.pt", "best.pt"


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0  # optimiser steps done
    tokens: int = 0  # computed: shared prefixes once
    trained_tokens: int = 0
    losses: list[float] = field(default_factory=list)
    validation_loss: float | None = None  # of the last validation
    best_loss: float | None = None
    best_step: int = 0
    stale: int = 0  # validations since the best one
    stopped: str | None = None  # why the run ended before its last step
    peak_memory: int = 0  # bytes


def save(folder: Path, progress: Progress, adapter: dict[str, Any], optimiser: Any, scheduler: Any) -> None:
    """The whole state of a run, with the random generators'."""
    state = {
        "progress": asdict(progress),
        "adapter": adapter,
        "optimiser": optimiser.state_dict(),
        "scheduler": scheduler.state_dict(),
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    _replace(state, folder / LATEST)


def save_best(folder: Path, adapter: dict[str, Any]) -> None:
    """The adapter of the lowest validation loss so far."""
    _replace(adapter, folder / BEST)


def load(folder: Path) -> dict[str, Any]:
    """What `save` wrote. Raises InputError if it is damaged."""
    state = _read(folder / LATEST)
    state["progress"] = Progress(**state["progress"])
    return state


def load_best(folder: Path) -> dict[str, Any]:
    """What `save_best` wrote. Raises InputError if it is damaged."""
    return _read(folder / BEST)


def _read(path: Path) -> dict[str, Any]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError) as error:
        raise InputError(
            f"{path}: cannot be read ({type(error).__name__}); remove {LATEST}, then --resume begins the run again"
        ) from None


def _replace(state: Any, path: Path) -> None:
    """Written beside and renamed: a run that is killed while saving keeps what it had."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)  # noqa: PTH105
