"""LoRA layers that cost what they must: `x Wᵀ + s (x Aᵀ) Bᵀ` and its gradient, without PEFT's extra passes.

PEFT adds two results out of place and, where the adapter is float32 over a bfloat16 base, converts every activation to
float32. Here the second product is accumulated into the first, forward and backward, and the adapter is kept in float32
(small updates are not rounded away) but used in the activations' precision.

Layers that read the same activations (queries, keys and values; gate and up) are one product of their frozen weights
and one of their A matrices: `together`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from train.products import product, side_by_side, widen

NAME = "default"  # PEFT's name of the one adapter


def use(model: Any) -> int:
    """Give every LoRA layer of a PEFT model a forward of this module; returns how many there are.

    Layers over quantised weights (QLoRA) keep their base's forward: what is added to it is the adapter's part, in the
    activations' precision, where PEFT would convert every activation to the adapter's float32.
    """
    from peft.tuners.lora import LoraLayer

    layers = [m for m in model.modules() if isinstance(m, LoraLayer)]
    for layer in layers:
        layer.forward = partial(_forward if type(layer.base_layer) is torch.nn.Linear else _forward_beside, layer)
    return len(layers)


def together(layers: Sequence[Any], *inputs: torch.Tensor, made: Any = None) -> torch.Tensor:
    """[…, in] → […, sum of the layers' outs]: what layers that read the same activations give, side by side.

    What they read is the one input; or what `made`, an autograd function, makes of the inputs by `made.value`: the
    backward pass does not keep it, but asks `made.again(its gradient, *inputs)` for it and the inputs' gradients.
    """
    if not all(map(_is_plain, layers)):
        x = made.apply(*inputs) if made else inputs[0]
        return torch.cat([layer(x) for layer in layers], -1)
    frozen = side_by_side([layer.base_layer for layer in layers])
    scalings = [layer.scaling[NAME] for layer in layers]
    a, b = ([getattr(layer, name)[NAME].weight for layer in layers] for name in ("lora_A", "lora_B"))
    return _LoraLinear.apply(frozen, scalings, made, len(inputs), *inputs, *a, *b)


def _is_plain(layer: Any) -> bool:
    """Whether a layer is a frozen matrix and its adapter, in use, and nothing else."""
    base = getattr(layer, "base_layer", None)
    if type(base) is not torch.nn.Linear or base.bias is not None or layer.disable_adapters or layer.merged:
        return False
    return not layer.training or isinstance(layer.lora_dropout[NAME], torch.nn.Identity)


def _forward(layer: Any, x: torch.Tensor) -> torch.Tensor:
    if _is_plain(layer):
        return together([layer], x)
    out = _linear(x, layer.base_layer.weight, layer.base_layer.bias)
    return out if layer.disable_adapters or layer.merged else out + _adapted(layer, x)


def _forward_beside(layer: Any, x: torch.Tensor) -> torch.Tensor:
    out = layer.base_layer(x)
    return out if layer.disable_adapters or layer.merged else out + _adapted(layer, x)


def _adapted(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """`s (x Aᵀ) Bᵀ`, in the precision of `x`."""
    a, b = layer.lora_A[NAME].weight, layer.lora_B[NAME].weight
    low = _linear(layer.lora_dropout[NAME](x), a.to(x.dtype))
    return _linear(low, b.to(x.dtype)) * layer.scaling[NAME]


def _linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    wide = widen(x)
    if wide is x:
        return F.linear(x, weight, bias)
    return F.linear(wide, weight.float(), None if bias is None else bias.float()).to(x.dtype)


class _LoraLinear(torch.autograd.Function):
    """Layers side by side: a frozen `weight` [outs, in], trained `a` [rank, in] and `b` [out, rank] of each layer."""

    @staticmethod
    def forward(
        ctx: Any, weight: torch.Tensor, scalings: Sequence[float], made: Any, count: int, *rest: torch.Tensor
    ) -> torch.Tensor:
        inputs, a, b = rest[:count], rest[count : -len(scalings)], rest[-len(scalings) :]
        x = made.value(*inputs) if made else inputs[0]
        rows = widen(x.flatten(0, -2))
        low = product(rows, torch.cat(a).to(rows.dtype))
        out = product(rows, weight.to(rows.dtype))
        for part, part_low, own, scaling in zip(*_parts(out, low, a, b), b, scalings, strict=True):
            part.addmm_(part_low, own.to(rows.dtype).t(), alpha=scaling)
        ctx.save_for_backward(low, *rest)
        ctx.frozen = weight, scalings, made, count
        return out.to(x.dtype).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:
        low, *rest = ctx.saved_tensors
        weight, scalings, made, count = ctx.frozen
        inputs, a, b = rest[:count], rest[count : -len(scalings)], rest[-len(scalings) :]
        g = widen(grad.flatten(0, -2))
        g_low, to_b, ranks = torch.empty_like(low), [], [len(each) for each in a]
        for part, to_low, part_low, own, scaling in zip(
            *_parts(g, g_low, a, b), low.split(ranks, 1), b, scalings, strict=True
        ):
            torch.mul(product(part, own.to(g.dtype).t()), scaling, out=to_low)
            to_b.append((part_low.t() @ part).t().mul(scaling).to(own.dtype))
        x, to_inputs = inputs[0], [None] * count
        if any(ctx.needs_input_grad[4 : 4 + count]):
            to_x = product(g, weight.to(g.dtype).t()).addmm_(g_low, torch.cat(a).to(g.dtype))
            to_x = to_x.to(grad.dtype).view(*grad.shape[:-1], -1)
            x, to_inputs = made.again(to_x, *inputs) if made else (x, [to_x])
        elif made:
            x = made.value(*inputs)
        to_a = (g_low.t() @ widen(x.flatten(0, -2))).to(a[0].dtype).split(ranks)
        return None, None, None, None, *to_inputs, *to_a, *to_b


def _parts(out: torch.Tensor, low: torch.Tensor, a: Sequence[Any], b: Sequence[Any]) -> tuple[Any, Any]:
    """What of the outputs, and of what lies between A and B, belongs to each layer."""
    return out.split([len(each) for each in b], 1), low.split([len(each) for each in a], 1)
