"""Attention over a packed row: each sample sees the shared prefix and itself. Exact, and nothing of T×T is ever made.

Registered with transformers under the name `plume`, so any model that takes an attention implementation can be trained:
its layers pass queries, keys and values of the whole row, and the row's `Layout` comes through the model's keyword
arguments. Grouped-query attention and sliding windows are honoured. The gradients of all samples add up in the prefix's
keys and values, and so flow into the one computation of the prefix.

`plume` makes one call of torch's attention a sample, on a CPU as on a GPU. On a CPU, own kernels were not faster:
blocks of matrix products, and unmasked parts merged by their log-sum-exp, took 0.93 and 0.97 of its time. `plume_flex`
makes one call a row, torch's block-sparse FlexAttention, which has no backward pass on CPUs.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from transformers import AttentionInterface

from train.batches import Layout
from train.device_kind import kind_of
from train.lora import widen

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
        mask = visible(own.shape[2], k.shape[2], sliding_window, query.device)
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
    return torch.cat(outputs, 2).transpose(1, 2).to(dtype), None


def visible(queries: int, keys: int, window: int | None, device: Any) -> torch.Tensor | None:
    """[queries, keys]: what the last `queries` of `keys` positions may look at; None if that is plainly causal.

    `window` is transformers' `sliding_window`: a position sees itself and the `window - 1` before it.
    """
    if queries == keys and (window is None or keys <= window):
        return None
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
