"""What a run needs to go on as if it had never been stopped."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

LATEST, BEST = "checkpoint.pt", "best.pt"


@dataclass
class Progress:
    """Where a run stands, and the MLflow run that it belongs to."""

    run_id: str
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
    energy: dict[str, float] = field(default_factory=lambda: {"kwh": 0.0, "kg_co2e": 0.0})


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
    state = torch.load(folder / LATEST, map_location="cpu", weights_only=True)
    state["progress"] = Progress(**state["progress"])
    return state


def load_best(folder: Path) -> dict[str, Any]:
    return torch.load(folder / BEST, map_location="cpu", weights_only=True)


def _replace(state: Any, path: Path) -> None:
    """Written beside and renamed: a run that is killed while saving keeps what it had."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)  # noqa: PTH105
