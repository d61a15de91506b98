"""What a run needs to go on as if it had never been stopped."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

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
    resumed_at: int = 0  # the step after which the last process began


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
    return _read(folder / LATEST, lambda state: {**state, "progress": Progress(**state["progress"])})


def load_best(folder: Path) -> dict[str, Any]:
    """What `save_best` wrote. Raises InputError if it is damaged."""
    return _read(folder / BEST, lambda state: state)


def _read(path: Path, understand: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    try:
        with ZipFile(path) as records:
            if damaged := records.testzip():  # torch writes checksums and does not look at them
                raise ValueError(damaged)
        return understand(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # there are as many kinds as places where a byte may be wrong
        raise InputError(
            f"{path}: cannot be read ({type(error).__name__}); remove {LATEST}, then --resume begins the run again"
        ) from None


def _replace(state: Any, path: Path) -> None:
    """Written beside and renamed: a run that is killed while saving keeps what it had."""
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)  # noqa: PTH105
    except (OSError, RuntimeError) as error:  # a full disk is either, by the place where it is met
        partial.unlink(missing_ok=True)
        why = getattr(error, "strerror", None) or "is the disk full?"
        raise InputError(f"{path}: cannot be written ({why}); make room, then go on with --resume") from None
