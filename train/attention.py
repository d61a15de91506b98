"""Attention over a packed row: each sample sees the shared prefix and itself. Exact, and nothing of T×T is ever made.

Registered with transformers under the name `plume`, so any model that takes an attention implementation can be trained:
its layers pass queries, keys and values of the whole row, and the row's `Layout` comes through the model's keyword
arguments. Grouped-query attention and sliding windows are honoured. The gradients of all samples add up in the prefix's
keys and values, and so flow into the one computation of the prefix.

`plume` is own products on a CPU (`train.cpu_attention`), and on a GPU one call a row of torch's flash attention for
sequences of different lengths, in the precisions that it knows; else one call of torch's attention a sample.
`plume_flex` makes one call a row, torch's block-sparse FlexAttention, which has no backward pass on CPUs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from torch.nn.attention.varlen import varlen_attn
from torch.utils._python_dispatch import _disable_current_modes
from transformers import AttentionInterface

from train import cpu_attention
from train.batches import Layout
from train.device_kind import kind_of
from train.products import widen

NAME = "plume"
FLEX = "plume_flex"


def register() -> None:
    """Make the implementations known to transformers, which makes no mask for them: the layout says it all."""
    AttentionInterface.register(NAME, attend)
    AttentionInterface.register(FLEX, attend_flex)


def attend(
    module: Any,  # noqa: ARG001 - of transformers' interface
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    layout: Layout,
    scaling: float,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """`query`: [1, heads, tokens, head dim]; `key`, `value`: [1, key-value heads, tokens, head dim].

    Returns [1, tokens, heads, head dim], as transformers expects.
    """
    assert attention_mask is None, "the layout replaces the mask"
    assert query.shape[0] == 1, "one packed row at a time"
    window = sliding_window if sliding_window and sliding_window < layout.longest else None
    if dropout:
        return _by_sample(query, key, value, layout, scaling, dropout, window), None
    if kind_of(query) == "cpu":
        output = cpu_attention.attend(*(widen(t[0]) for t in (query, key, value)), layout, scaling, window)
        return output.transpose(0, 1)[None].to(query.dtype), None
    if _flash_knows(query):
        output = flash(*(t[0].transpose(0, 1) for t in (query, key, value)), layout, scaling, window)
        return output[None], None
    return _by_sample(query, key, value, layout, scaling, dropout, window), None


def _flash_knows(query: torch.Tensor) -> bool:
    """Whether torch's flash attention computes this: half precision, on NVIDIA's Ampere or later."""
    if query.dtype not in (torch.bfloat16, torch.float16) or query.shape[-1] > 256:
        return False
    return not query.is_cuda or torch.cuda.get_device_capability(query.device) >= (8, 0)  # else an estimate traces it


def flash(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout, scaling: float, window: int | None
) -> torch.Tensor:
    """One call a row: [tokens, heads, head dim], keys and values with fewer heads; as `query` returned.

    Keys and values are laid out once for all: each sample's after a copy of the prefix's. What a sequence's last
    queries see is aligned to its last key.
    """
    plan = _flash_plan(layout, query.device)
    return varlen_attn(
        query,
        _Laid.apply(key, plan),
        _Laid.apply(value, plan),
        plan.queries,
        plan.keys,
        plan.most_queries,
        plan.most_keys,
        scale=scaling,
        window_size=(window - 1 if window else -1, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )


@dataclass(frozen=True)
class _Plan:
    """Where a row's sequences stand: the prefix is one, and each sample after the prefix."""

    prefix: int
    sizes: tuple[int, ...]  # of the sequences, without the prefix before them
    source: torch.Tensor  # which token each key is of
    queries: torch.Tensor  # bounds of the sequences among the queries, and among the keys
    keys: torch.Tensor
    most_queries: int
    most_keys: int


@lru_cache(maxsize=2)  # made by a row's first layer, used by the others and again where activations are made again
def _flash_plan(layout: Layout, device: torch.device) -> _Plan:
    sizes = [end - start for start, end in layout.bounds]
    queries = ([layout.prefix] if layout.prefix else []) + sizes
    keys = ([layout.prefix] if layout.prefix else []) + [layout.prefix + size for size in sizes]
    with _disable_current_modes():  # else an estimate would leave a plan without contents
        tokens = torch.arange(layout.tokens)
        before = tokens[: layout.prefix]
        source = torch.cat([before, *(part for a, b in layout.bounds for part in (before, tokens[a:b]))])
        bounds = [torch.tensor([0, *each]).cumsum(0).int() for each in (queries, keys)]
        placed = [t.to(device, non_blocking=True) for t in (source, *bounds)]
    return _Plan(layout.prefix, tuple(sizes), *placed, max(queries), max(keys))


class _Laid(torch.autograd.Function):
    """[tokens, heads, head dim] → those of `plan.source`. The prefix's gradients are added up in float32."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor, plan: _Plan) -> torch.Tensor:
        ctx.plan = plan
        return tensor.index_select(0, plan.source)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        prefix, sizes = ctx.plan.prefix, ctx.plan.sizes
        if not prefix:
            return grad, None
        parts = grad.split([prefix, *(size for own in sizes for size in (prefix, own))])
        shared = torch.stack([parts[0], *parts[1::2]]).sum(0, dtype=torch.float32)
        return torch.cat([shared.to(grad.dtype), *parts[2::2]]), None


def _by_sample(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    layout: Layout,
    scaling: float,
    dropout: float,
    window: int | None,
) -> torch.Tensor:
    """One call of torch's attention a sample: for dropout, and for what flash attention does not know."""
    dtype = query.dtype
    query, key, value = widen(query), widen(key), widen(value)
    grouped = kind_of(query) == "cpu"  # CUDA's kernels share key-value heads only where there is no mask
    if not grouped:
        repeats = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    # Cut by `split`: its backward pass writes one gradient; slices `t[:, :, a:b]` write one of the whole row each.
    sizes = ([layout.prefix] if layout.prefix else []) + [end - start for start, end in layout.bounds]
    queries, keys, values = (t.split(sizes, 2) for t in (query, key, value))
    outputs = []
    for part, own in enumerate(queries):
        seen = [0, part] if layout.prefix and part else [part]  # the prefix, and the sample itself
        k, v = (torch.cat([t[i] for i in seen], 2) for t in (keys, values))
        mask = visible(own.shape[2], k.shape[2], window, query.device)
        outputs.append(
            F.scaled_dot_product_attention(
                own,
                k,
                v,
                attn_mask=mask,
                dropout_p=dropout,
                is_causal=mask is None,
                scale=scaling,
                enable_gqa=grouped,
            )
        )
    return torch.cat(outputs, 2).transpose(1, 2).to(dtype)


@lru_cache(maxsize=128)  # every layer asks for the same
def visible(queries: int, keys: int, window: int | None, device: Any) -> torch.Tensor | None:
    """[queries, keys]: what the last `queries` of `keys` positions may look at; None if that is plainly causal.

    `window` is transformers' `sliding_window`: a position sees itself and the `window - 1` before it.
    """
    if queries == keys and (window is None or keys <= window):
        return None
    with _disable_current_modes():
        ahead = torch.arange(keys, device=device) - torch.arange(keys - queries, keys, device=device)[:, None]
        return ahead <= 0 if window is None else (ahead <= 0) & (ahead > -window)


def attend_flex(
    module: Any,  # noqa: ARG001 - of transformers' interface
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    layout: Layout,
    scaling: float,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """As `attend`, by one block-sparse kernel: blocks of 128 × 128 that no sample may look at are never computed."""
    assert attention_mask is None, "the layout replaces the mask"
    assert dropout == 0.0, "FlexAttention drops nothing"
    mask = _block_mask(layout, sliding_window, query.device)
    output = _flex(query.device.type)(query, key, value, block_mask=mask, scale=scaling, enable_gqa=True)
    return output.transpose(1, 2), None


@cache
def _flex(device: str) -> Callable[..., torch.Tensor]:
    """The kernel, compiled where there is one to compile; on a CPU its plain form, forward only, for the tests."""
    return torch.compile(flex_attention) if device == "cuda" else flex_attention


@lru_cache(maxsize=2)  # made by a row's first layer, used by the others and again in the backward pass
def _block_mask(layout: Layout, window: int | None, device: torch.device) -> BlockMask:
    """Which of a packed row's positions see which: those of the prefix and of their own sample up to themselves."""
    sample = torch.zeros(layout.tokens, dtype=torch.int32)  # 0: the prefix
    position = torch.arange(layout.tokens, dtype=torch.int32)
    for number, (start, end) in enumerate(layout.bounds, 1):
        sample[start:end] = number
        position[start:end] = torch.arange(layout.prefix, layout.prefix + end - start)
    sample, position = sample.to(device), position.to(device)

    def sees(_batch: Any, _head: Any, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        seen = (k <= q) & ((sample[k] == 0) | (sample[k] == sample[q]))
        return seen if window is None else seen & (position[q] - position[k] < window)

    return create_block_mask(sees, None, None, layout.tokens, layout.tokens, device=device)
