"""The processes of torchrun: they begin together, and what one of them refuses is said once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist

from plume.errors import EnvironmentMissing, InputError, PlumeError


def join() -> None:
    """Join the other processes if torchrun started this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))


def is_first() -> bool:
    """Whether this is the process that writes, logs and speaks."""
    return not dist.is_initialized() or dist.get_rank() == 0


def all_told(value: Any) -> list[Any]:
    """Give what each process told here, by rank; every process must come by."""
    if not dist.is_initialized():
        return [value]
    told: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(told, value)
    return told


@contextmanager
def together() -> Iterator[None]:
    """What one process refuses in here, all do: the first raises it, the others leave with its exit code, silent.

    Without it, those that found nothing wrong go on and fail, at length, once the one that did is gone.
    """
    error: Exception | None = None
    try:
        yield
    except Exception as raised:
        error = raised
    if dist.is_initialized():
        told: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(told, error and (getattr(error, "exit_code", 1), f"{error}"))
        for number, (code, message) in ((i, each) for i, each in enumerate(told) if each):
            if not is_first():
                raise SystemExit(code)
            error = error or {2: InputError, 3: EnvironmentMissing}.get(code, PlumeError)(
                f"process {number}: {message}"
            )
    if error:
        raise error


@contextmanager
def unless_left_alone() -> Iterator[None]:
    """A process whose peer has ended leaves in one line: why is what that one says."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or " by peer" in str(error) or "Broken pipe" in str(error):
            raise PlumeError(f"process {dist.get_rank()}: another process of this run has ended") from None
        raise
