"""Say which kind of device computes a tensor: "cpu" or "cuda". An estimate asks for one that this machine may lack."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch

_asked: ContextVar[str | None] = ContextVar("asked", default=None)


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


def kind_here() -> str:
    """Name the kind of device that a run on this machine computes on."""
    return "cuda" if torch.cuda.is_available() else "cpu"
