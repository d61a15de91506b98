"""Say when a run writes a checkpoint, write it, and read it: what a run needs to go on as if never stopped."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch

from plume.errors import InputError
from plume.files import replacing, telling
from train.config import MAKE_ROOM, TrainConfig

LATEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
_BEST = "best.pt"  # where checkpoints of older runs have their best adapter


@dataclass
class Standing:
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


def is_due(at: Standing, config: TrainConfig, *, last: bool) -> bool:
    """Say whether a checkpoint is written after this step: every so many steps, and where the run ends."""
    return last or bool(at.stopped) or at.step % config.checkpoint_every == 0


def save(
    folder: Path,
    progress: Standing,
    adapter: dict[str, Any],
    best: dict[str, Any] | None,
    optimiser: Any,
    random: list[dict[str, Any]],
) -> None:
    """The whole state of a run: with each process's random numbers, and the adapter of its lowest validation loss.

    The checkpoint before stays beside it.
    """
    state = {
        "progress": asdict(progress),
        "adapter": adapter,
        "best": best,
        "optimiser": optimiser.state_dict(),
        "random": random,
    }
    path = folder / LATEST
    try:
        with telling(path, MAKE_ROOM), replacing(path, keep=folder / PREVIOUS) as file:
            torch.save(state, file)
    except RuntimeError:  # what torch makes of a full disk
        raise InputError(f"{path}: cannot be written (is the disk full?); {MAKE_ROOM}") from None


def load(folder: Path, tell: Callable[[str], None] = lambda _: None) -> dict[str, Any] | None:
    """What `save` wrote last, or before that if the last is damaged or gone, which `tell` is told; None if nothing is.

    Raises InputError if what is there cannot be read.
    """
    found = [folder / name for name in (LATEST, PREVIOUS) if (folder / name).is_file()]
    faults = []
    for path in found:
        try:
            state = _read(path)
        except Exception as error:  # there are as many kinds as places where a byte may be wrong
            faults.append(f"{path}: cannot be read ({type(error).__name__})")
            continue
        if faults:
            tell(f"{faults[0]}; going on from the checkpoint before, of step {state['progress'].step}")
        return state
    if faults:
        names = " and ".join(path.name for path in found)
        raise InputError(f"{'; '.join(faults)}; remove {names}, then --resume begins the run again")
    return None


def _read(path: Path) -> dict[str, Any]:
    state = _whole(path)
    state["progress"] = Standing(**state["progress"])
    if "best" not in state:  # an older run's
        best = path.with_name(_BEST)
        state["best"] = _whole(best) if best.is_file() else None
    if "random" not in state:  # an older run's, of its first process alone
        gpus = state.pop("cuda_rng")
        state["random"] = [{"cpu": state.pop("rng")} | ({"cuda": gpus[0]} if gpus else {})]
    if state["best"] is None and state["progress"].best_step:
        raise ValueError("its best adapter is gone")
    return state


def _whole(path: Path) -> dict[str, Any]:
    with ZipFile(path) as records:
        if damaged := records.testzip():  # torch writes checksums and does not look at them
            raise ValueError(damaged)
    return torch.load(path, map_location="cpu", weights_only=True)
