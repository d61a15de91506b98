"""Say which kind of device computes a tensor: "cpu" or "cuda". An estimate asks for one that this machine may lack."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch

_asked: ContextVar[str | None] = ContextVar("asked", default=None)
_kernel: ContextVar[bool] = ContextVar("kernel", default=False)


def kind_of(tensor: Any) -> str:
    """Whose code a tensor takes. All code that differs between the two asks here, so that an estimate traces it."""
    return _asked.get() or tensor.device.type


@contextmanager
def traced_as(kind: str) -> Iterator[None]:
    """Take the code of `kind` meanwhile, wherever the tensors are."""
    before = _asked.set(kind)
    try:
        yield
    finally:
        _asked.reset(before)


@contextmanager
def one_kernel() -> Iterator[None]:
    """Mark code that a GPU runs as one kernel: an estimate does not count what is made and gone within it."""
    before = _kernel.set(True)
    try:
        yield
    finally:
        _kernel.reset(before)


def within_kernel() -> bool:
    return _kernel.get()


def kind_here() -> str:
    """Name the kind of device that a run on this machine computes on."""
    return "cuda" if torch.cuda.is_available() else "cpu"
