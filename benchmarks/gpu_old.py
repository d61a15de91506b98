"""The step as it was before each change, so that `benchmarks/gpu.py` measures what each of them gains.

A rung of the ladder takes back all changes that came after it. What the tree does not have yet, it cannot take back:
such a rung is as fast as the next one.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from transformers import AttentionInterface

from train import attention
from train.batches import Layout

try:
    from train import fused

    FUSED = (fused._norm, fused._layer)
except ImportError:  # a tree before it
    fused, FUSED = None, ()


@dataclass(frozen=True)
class Rung:
    """A state of the step: what was new in it, and what `change` does to a model to bring it back.

    Attributes:
        predicted: seconds a step of the recipe on one H100, foretold before any was measured (docs/performance.md).
    """

    name: str
    predicted: float
    change: Callable[[Any], None]

    @property
    def file(self) -> str:
        return f"{RUNGS.index(self)} {self.name}"


def _plain(model: Any) -> None:
    """Give norms and layers transformers' own forward again; LoRA layers keep theirs."""
    for module in model.modules():
        if getattr(module.__dict__.get("forward"), "func", None) in FUSED:
            del module.__dict__["forward"]


def _slices(model: Any) -> None:
    _plain(model)
    AttentionInterface.register(attention.NAME, _old(_by_slices))


def _split(model: Any) -> None:
    _plain(model)
    AttentionInterface.register(attention.NAME, _old(lambda tensor, sizes: tensor.split(sizes, 2)))


RUNGS = (
    Rung("slices", 1.7, _slices),
    Rung("split", 1.3, _split),
    Rung("one attention a row", 1.18, _plain),
    Rung("fused", 1.0, lambda _: None),  # what is taken back is `together`, in `as_it_was`
    Rung("one product for A", 0.96, lambda _: None),
)


@contextmanager
def as_it_was(rung: int | None) -> Iterator[None]:
    """Take back, meanwhile, what modules share: the attention's name, and products that layers make together."""
    together = fused and fused.together
    if together and rung is not None and rung < len(RUNGS) - 1:
        fused.together = _apart
    _for_this_torch()
    try:
        yield
    finally:
        attention.register()
        if together:
            fused.together = together


def _apart(layers: list[Any], *inputs: torch.Tensor, made: Any = None) -> torch.Tensor:
    """As `train.lora.together`, a layer at a time: `x` is read, and A multiplied, once for each."""
    x = made.apply(*inputs) if made else inputs[0]
    return torch.cat([layer(x) for layer in layers], -1)


def _by_slices(tensor: torch.Tensor, sizes: list[int]) -> list[torch.Tensor]:
    ends = torch.tensor(sizes).cumsum(0).tolist()
    return [tensor[:, :, end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _old(cut: Callable[[torch.Tensor, list[int]], Any]) -> Callable[..., Any]:
    """Attention with a call and a mask for each sample, keys and values repeated for every query head."""

    def attend(
        module: Any,  # noqa: ARG001 - of transformers' interface
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None,  # noqa: ARG001
        *,
        layout: Layout,
        scaling: float,
        sliding_window: int | None = None,
        **_: Any,
    ) -> tuple[torch.Tensor, None]:
        repeats = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
        sizes = ([layout.prefix] if layout.prefix else []) + [end - start for start, end in layout.bounds]
        queries, keys, values = (cut(tensor, sizes) for tensor in (query, key, value))
        outputs = []
        for part, own in enumerate(queries):
            seen = [0, part] if layout.prefix and part else [part]
            k, v = (torch.cat([t[i] for i in seen], 2) for t in (keys, values))
            mask = _mask(own.shape[2], k.shape[2], sliding_window, query.device)
            causal = mask is None
            outputs.append(F.scaled_dot_product_attention(own, k, v, mask, is_causal=causal, scale=scaling))
        return torch.cat(outputs, 2).transpose(1, 2), None

    return attend


def _mask(queries: int, keys: int, window: int | None, device: Any) -> torch.Tensor | None:
    if queries == keys and (window is None or keys <= window):
        return None
    ahead = torch.arange(keys, device=device) - torch.arange(keys - queries, keys, device=device)[:, None]
    return ahead <= 0 if window is None else (ahead <= 0) & (ahead > -window)


def _for_this_torch() -> None:
    """Let torch's varlen attention take fewer key heads where it does not know how (before 2.12): they are repeated."""
    own = getattr(attention, "varlen_attn", None)
    if own is None or "enable_gqa" in inspect.signature(own).parameters:
        return

    def repeated(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *rest: Any, **words: Any) -> Any:
        words.pop("enable_gqa", None)
        times = query.shape[1] // key.shape[1]
        return own(query, key.repeat_interleave(times, 1), value.repeat_interleave(times, 1), *rest, **words)

    repeated.__signature__ = inspect.Signature([inspect.Parameter("enable_gqa", inspect.Parameter.KEYWORD_ONLY)])
    attention.varlen_attn = repeated
