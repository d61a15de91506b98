"""Attention over a packed row on a CPU, as products of a few hundred rows: forward, and its own backward pass.

torch's kernel for CPUs computes what a mask hides, and multiplies small tiles; its backward pass in bfloat16 took 28 %
of a step (docs/log.md). Here a block of queries meets only the keys that it may see. Scores and softmax are float32
whatever the precision: bfloat16 scores, if large, put gradients off by 3 %. The other products are left to bfloat16
units. The backward pass makes a block's scores again; in bfloat16, where the softmax takes two bytes a pair, that of
samples up to `KEPT` tokens is kept instead: a third of attention's time for about half as much memory again.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from train.batches import Layout

KEPT = 1024  # tokens of the longest sample: beyond, memory grows with the square
BLOCK = 128  # queries at once, of all heads that share keys: their scores stay in a core's cache


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout, scaling: float, window: int | None
) -> torch.Tensor:
    """`query`: [heads, tokens, head dim]; `key`, `value`: [key-value heads, tokens, head dim]. Shaped as `query`."""
    return _Attention.apply(query, key, value, layout, scaling, window)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Any, key: Any, value: Any, layout: Layout, scaling: float, window: int | None
    ) -> torch.Tensor:
        value = value.contiguous()  # as a part of the products' output it would keep all of that
        ctx.settings = layout, scaling, window
        kept, keeps = [], query.dtype == torch.bfloat16 and layout.longest <= KEPT
        output = torch.empty_like(query.transpose(0, 1), memory_format=torch.contiguous_format).transpose(0, 1)
        scaled, key_wide = _wide(query) * scaling, _wide(key)
        for own, before in _parts(layout):
            k, v = _seen(key_wide, own, before), _seen(value, own, before)
            for rows, keys, hidden in _blocks(own, before, window):
                weights = _weights(_grouped(scaled, key, rows), k[:, keys], hidden).to(value.dtype)
                if keeps:
                    kept.append(weights)
                mixed = torch.bmm(weights.flatten(1, 2), v[:, keys])
                _grouped(output, key, rows).copy_(mixed.view(*weights.shape[:3], -1))
        ctx.save_for_backward(query, key, value, *kept)
        return output

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:
        query, key, value, *kept = ctx.saved_tensors
        layout, scaling, window = ctx.settings
        dtype, left = query.dtype, iter(kept)
        scaled, key_wide = (query, key) if kept else (_wide(query) * scaling, _wide(key))
        grad_query, wide = torch.empty_like(query), _wide(query[:0]).dtype
        grad_key, grad_value = (torch.zeros_like(key, dtype=wide) for _ in range(2))
        for own, before in _parts(layout):
            k, narrow_k, v = (_seen(t, own, before) for t in (key_wide, key, value))
            to_k, to_v = (torch.zeros_like(k, dtype=wide) for _ in range(2))
            for rows, keys, hidden in _blocks(own, before, window):
                weights = next(left, None)
                if weights is None:
                    weights = _weights(_grouped(scaled, key, rows), k[:, keys], hidden)
                weights = weights.flatten(1, 2)
                upstream, q = (_grouped(t, key, rows).flatten(1, 2) for t in (grad, query))
                to_weights = torch.bmm(upstream, v[:, keys].transpose(1, 2)).to(weights.dtype)
                to_scores = torch._softmax_backward_data(to_weights, weights, -1, weights.dtype).to(dtype)
                to_q = _grouped(grad_query, key, rows)
                to_q.copy_(torch.bmm(to_scores, narrow_k[:, keys]).view(to_q.shape))
                to_k[:, keys] += _wide(torch.bmm(to_scores.transpose(1, 2), q))
                to_v[:, keys] += _wide(torch.bmm(weights.to(dtype).transpose(1, 2), upstream))
            for total, part in ((grad_key, to_k), (grad_value, to_v)):
                total[:, :before] += part[:, :before]
                total[:, own] += part[:, before:]
        return grad_query.mul_(scaling), grad_key.mul_(scaling).to(dtype), grad_value.to(dtype), None, None, None


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor


def _parts(layout: Layout) -> Iterator[tuple[slice, int]]:
    """The prefix and each sample: its own tokens, and how many of the prefix it sees before them."""
    if layout.prefix:
        yield slice(0, layout.prefix), 0
    for start, end in layout.bounds:
        yield slice(start, end), layout.prefix


def _seen(tensor: torch.Tensor, own: slice, before: int) -> torch.Tensor:
    return torch.cat([tensor[:, :before], tensor[:, own]], 1)


def _blocks(own: slice, before: int, window: int | None) -> Iterator[tuple[slice, slice, torch.Tensor]]:
    """Queries (rows of the packed row), the keys that they see (of the part's own), and who does not see which."""
    for start in range(own.start, own.stop, BLOCK):
        end = min(start + BLOCK, own.stop)
        first = before + start - own.start  # the position of the first query
        oldest = max(0, first - window + 1) if window else 0
        keys = slice(oldest, first + end - start)
        cut = window and keys.stop - keys.start > window
        yield slice(start, end), keys, _hidden(end - start, keys.stop - oldest if cut else end - start, window)


@lru_cache(maxsize=1024)  # every layer asks for the same
def _hidden(queries: int, keys: int, window: int | None) -> torch.Tensor:
    """Of the last `queries` of `keys` positions, which do not see which."""
    with _disable_current_modes():  # else an estimate would leave masks without contents
        behind = torch.arange(keys - queries, keys)[:, None] - torch.arange(keys)
        return (behind < 0) | (behind >= (window or keys))


def _weights(query: torch.Tensor, key: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """[key-value heads, heads that share them, queries, keys]."""
    scores = torch.bmm(query.flatten(1, 2), key.transpose(1, 2)).view(*query.shape[:3], -1)
    scores[..., -hidden.shape[1] :].masked_fill_(hidden, -torch.inf)
    return scores.softmax(-1)


def _grouped(tensor: torch.Tensor, key: torch.Tensor, rows: slice) -> torch.Tensor:
    """[heads, tokens, head dim] -> [key-value heads, heads that share them, these tokens, head dim], a view."""
    return tensor[:, rows].unflatten(0, (len(key), -1))
