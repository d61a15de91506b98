"""What a run needs to go on as if it had never been stopped."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass
class Progress:
    """Where a run stands: optimiser steps done, tokens seen, losses, and the MLflow run that it belongs to."""

    run_id: str
    step: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    losses: list[float] = field(default_factory=list)
    validation_loss: float | None = None


def save(path: Path, progress: Progress, adapter: dict[str, Any], optimiser: Any, scheduler: Any) -> None:
    """Written beside and renamed: a run that is killed while saving keeps its last checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save(
        {
            "progress": asdict(progress),
            "adapter": adapter,
            "optimiser": optimiser.state_dict(),
            "scheduler": scheduler.state_dict(),
            "rng": torch.get_rng_state(),
        },
        partial,
    )
    os.replace(partial, path)  # noqa: PTH105


def load(path: Path) -> dict[str, Any]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    state["progress"] = Progress(**state["progress"])
    return state
