"""Norm, rotary embedding and gated unit: what stands between a layer's products, keeping for the backward pass no more
than its inputs, in their precision. transformers' own keep several times as much, some of it in float32.

Installed in the layers of Llama and Mistral as transformers builds them; other models keep their own. The functions
are plain torch, which a CPU runs as it stands; on a GPU, torch compiles each to one kernel.
"""

from collections.abc import Callable
from functools import cache, partial, wraps
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.llama import modeling_llama as llama
from transformers.models.mistral import modeling_mistral as mistral

from train.device_kind import kind_of, one_kernel
from train.lora import together


def use(model: Any) -> int:
    """Give the modules of a model a forward of this one, where it has one; returns to how many."""
    forwards = {
        **dict.fromkeys((llama.LlamaRMSNorm, mistral.MistralRMSNorm), _norm),
        **dict.fromkeys((llama.LlamaMLP, mistral.MistralMLP), _mlp),
        **dict.fromkeys((llama.LlamaAttention, mistral.MistralAttention), _attention),
    }
    modules = [m for m in model.modules() if type(m) in forwards]
    for module in modules:
        module.forward = partial(forwards[type(module)], module, module.forward)
    return len(modules)


def _norm(module: Any, own: Callable[..., Any], x: torch.Tensor) -> torch.Tensor:
    return own(x) if module.weight.requires_grad else Norm.apply(x, module.weight, module.variance_epsilon)


def _mlp(module: Any, own: Callable[..., Any], x: torch.Tensor) -> torch.Tensor:
    if module.config.hidden_act != "silu":
        return own(x)
    return together([module.down_proj], together([module.gate_proj, module.up_proj], x), made=GatedUnit)


def _attention(
    module: Any,
    own: Callable[..., Any],
    hidden_states: torch.Tensor,
    position_embeddings: tuple[torch.Tensor, torch.Tensor],
    attention_mask: torch.Tensor | None = None,
    past_key_values: Any = None,
    **words: Any,
) -> tuple[torch.Tensor, Any]:
    if "layout" not in words:  # not a packed row: a draft is being written
        return own(hidden_states, position_embeddings, attention_mask, past_key_values, **words)
    layers = [module.q_proj, module.k_proj, module.v_proj]
    parts = together(layers, hidden_states).split([layer.out_features for layer in layers], -1)
    query, key, value = (part.unflatten(-1, (-1, module.head_dim)) for part in parts)
    windowed = isinstance(module, mistral.MistralAttention)  # a Llama has none, whatever its config says
    output, weights = ALL_ATTENTION_FUNCTIONS[module.config._attn_implementation](
        module,
        *(Rotation.apply(t, *position_embeddings).transpose(1, 2) for t in (query, key)),
        value.transpose(1, 2),
        attention_mask,
        dropout=module.attention_dropout if module.training else 0.0,
        scaling=module.scaling,
        sliding_window=getattr(module.config, "sliding_window", None) if windowed else None,
        **words,
    )
    return module.o_proj(output.flatten(2)), weights


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function of tensors as it stands on a CPU, compiled on a GPU."""
    compiled = cache(lambda: torch.compile(function, dynamic=True))

    @wraps(function)
    def run(first: torch.Tensor, *rest: Any) -> Any:
        if kind_of(first) == "cpu":
            return function(first, *rest)
        if first.is_cuda:
            return compiled()(first, *rest)
        with one_kernel():  # an estimate traces it
            return function(first, *rest)

    return run


class Norm(torch.autograd.Function):
    """transformers' RMSNorm with a frozen weight, of […, size]."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
        out, scale = _normed(x, weight, eps)
        ctx.save_for_backward(x, scale)
        ctx.weight = weight.detach()
        return out

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:
        return _norm_gradient(grad, *ctx.saved_tensors, ctx.weight), None, None


@kernel
def _normed(x: torch.Tensor, weight: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor]:
    wide = x.float()
    scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    return weight * (wide * scale).to(x.dtype), scale


@kernel
def _norm_gradient(grad: torch.Tensor, x: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    wide, towards = x.float(), grad.float() * weight.float()
    along = (towards * wide).mean(-1, keepdim=True) * scale**3
    return (towards * scale).addcmul_(wide, along, value=-1).to(x.dtype)


class Rotation(torch.autograd.Function):
    """The rotary embedding of [1, tokens, heads, head dim] by `cos` and `sin`, [1, tokens, head dim]."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        ctx.angles = cos, sin  # a row's, shared by all layers
        return _rotated(x, cos[:, :, None], sin[:, :, None])

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:
        cos, sin = ctx.angles
        return _rotated(grad, cos[:, :, None], -sin[:, :, None]), None, None


@kernel
def _rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """The two halves of a head are the coordinates; both halves of `cos` and `sin` are the same angles'."""
    half = x.shape[-1] // 2
    out = x * cos
    out[..., :half].addcmul_(x[..., half:], sin[..., :half], value=-1)
    out[..., half:].addcmul_(x[..., :half], sin[..., half:])
    return out


class GatedUnit(torch.autograd.Function):
    """`silu(gate) * up` of […, gate and up side by side]."""

    @staticmethod
    def forward(ctx: Any, both: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(both)
        return _gated(both)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return _gated_again(*ctx.saved_tensors, grad)[1]

    @staticmethod
    def value(both: torch.Tensor) -> torch.Tensor:
        return _gated(both)

    @staticmethod
    def again(grad: torch.Tensor, both: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The value, and the gradient of the input."""
        value, to_both = _gated_again(both, grad)
        return value, [to_both]


@kernel
def _gated(both: torch.Tensor) -> torch.Tensor:
    gate, up = both.chunk(2, -1)
    return F.silu(gate) * up


@kernel
def _gated_again(both: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    gate, up = both.chunk(2, -1)
    gated, out = F.silu(gate), torch.empty_like(both)
    to_gate, to_up = out.chunk(2, -1)
    to_gate.copy_(torch.ops.aten.silu_backward(grad * up, gate))
    to_up.copy_(grad * gated)
    return gated.mul_(up), out
