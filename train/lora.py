"""A LoRA layer that costs what it must: `x Wᵀ + s (x Aᵀ) Bᵀ` and its gradient, without PEFT's extra passes.

PEFT adds two results out of place and, where the adapter is float32 over a bfloat16 base, converts every activation to
float32. Here the second product is accumulated into the first, forward and backward, and the adapter is kept in float32
(small updates are not rounded away) but used in the activations' precision.

A CPU without bfloat16 units multiplies bfloat16 matrices 8 to 80 times slower than float32 ones (docs/log.md). There,
products are computed in float32 and rounded once, which is what such units do: the same result up to summation order.
"""

from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from train.device_kind import kind_of

NAME = "default"  # PEFT's name of the one adapter


def widen(tensor: torch.Tensor) -> torch.Tensor:
    """float32 where this machine multiplies bfloat16 matrices in software, else the tensor itself."""
    if tensor.dtype == torch.bfloat16 and kind_of(tensor) == "cpu" and not _cpu_has_bfloat16():
        return tensor.float()
    return tensor


@cache
def _cpu_has_bfloat16() -> bool:
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


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


def _forward(layer: Any, x: torch.Tensor) -> torch.Tensor:
    base = layer.base_layer
    if layer.disable_adapters or layer.merged:
        return _linear(x, base.weight, base.bias)
    dropout = layer.lora_dropout[NAME]
    if base.bias is None and (not layer.training or isinstance(dropout, torch.nn.Identity)):
        a, b = layer.lora_A[NAME].weight, layer.lora_B[NAME].weight
        return _LoraLinear.apply(x, base.weight, a, b, layer.scaling[NAME])
    return _linear(x, base.weight, base.bias) + _adapted(layer, x)


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
    """[…, in] → […, out] with a frozen `weight` [out, in], trained `a` [rank, in] and `b` [out, rank]."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, a: torch.Tensor, b: torch.Tensor, scaling: float
    ) -> torch.Tensor:
        rows = widen(x.flatten(0, -2))
        low = rows @ a.to(rows.dtype).t()
        out = rows @ weight.to(rows.dtype).t()
        out.addmm_(low, b.to(rows.dtype).t(), alpha=scaling)
        ctx.save_for_backward(x, low, weight, a, b)
        ctx.scaling = scaling
        return out.to(x.dtype).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:
        x, low, weight, a, b = ctx.saved_tensors
        g, rows = widen(grad.flatten(0, -2)), widen(x.flatten(0, -2))
        g_low = (g @ b.to(g.dtype)).mul_(ctx.scaling)
        grad_b = (g.t() @ low).mul_(ctx.scaling).to(b.dtype)
        grad_a = (g_low.t() @ rows).to(a.dtype)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = g @ weight.to(g.dtype)
            grad_x.addmm_(g_low, a.to(g.dtype))
            grad_x = grad_x.to(x.dtype).view(x.shape)
        return grad_x, None, grad_a, grad_b, None
