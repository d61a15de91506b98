"""Stop a run after `validation.patience` validations without a lower loss; it may then be given more patience."""

import math
from typing import TYPE_CHECKING

from plume.errors import PlumeError
from train.config import GENTLER, TrainConfig

if TYPE_CHECKING:  # it takes seconds to import
    from train.checkpoint import Standing

KEY = "validation.patience"


def judge(loss: float, at: "Standing", config: TrainConfig) -> None:
    """Note whether this is the best adapter so far, and whether to stop. Raises PlumeError if the loss is no number."""
    if not math.isfinite(loss):
        raise PlumeError(f"the validation loss is {loss} after step {at.step}: that step ruined the adapter; {GENTLER}")
    at.validation_loss = loss
    if at.best_loss is None or loss < at.best_loss:
        at.best_loss, at.best_step, at.stale = loss, at.step, 0
        return
    at.stale += 1
    if out_of_patience(at, config):
        at.stopped = f"no lower validation loss since step {at.best_step}"


def out_of_patience(at: "Standing", config: TrainConfig) -> bool:
    """Say whether as many validations as the config allows brought no lower loss."""
    return bool(config.validation.patience) and at.stale >= config.validation.patience


def resumed(at: "Standing", config: TrainConfig) -> None:
    """Let a run that had stopped go on, if it was given more patience since."""
    if not out_of_patience(at, config):
        at.stopped = None


def told(at: "Standing") -> str:
    """Say why a run is over, and how it goes on."""
    return (
        f"it stopped early, after {at.stale} validations without a lower loss; to go on, use --resume "
        f"{KEY}={2 * at.stale} (or null)"
    )
