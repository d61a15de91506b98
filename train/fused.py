"""Norm, rotary embedding and gated unit: what stands between a layer's products, keeping for the backward pass no more
than its inputs, in their precision. transformers' own keep several times as much, some of it in float32.

Installed in the layers of Llama and Mistral as transformers builds them; other models keep their own. The functions
are plain torch, which a CPU runs as it stands; on a GPU, torch compiles each to one kernel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
        **dict.fromkeys((llama.LlamaDecoderLayer, mistral.MistralDecoderLayer), _layer),
    }
    modules = [m for m in model.modules() if type(m) in forwards]
    for module in modules:
        module.forward = partial(forwards[type(module)], module, module.forward)
    return len(modules)


def _norm(module: Any, own: Callable[..., Any], x: torch.Tensor) -> torch.Tensor:
    return own(x) if module.weight.requires_grad else Norm.apply(x, module.weight, module.variance_epsilon)


def _layer(module: Any, own: Callable[..., Any], x: torch.Tensor, *given: Any, **words: Any) -> torch.Tensor:
    """A layer over a packed row. Of the last one, all that is needed after attention are the rows of `targets`."""
    if "layout" not in words:  # not a packed row: a draft is being written
        return own(x, *given, **words)
    attention, targets = module.self_attn, words.pop("targets", None)
    mixed = _attended(attention, module.input_layernorm, x, **words)
    if targets is not None and attention.layer_idx == attention.config.num_hidden_layers - 1:
        x, mixed = x.index_select(1, targets), mixed.index_select(1, targets)
    x = x + attention.o_proj(mixed)
    mlp, norm = module.mlp, module.post_attention_layernorm
    if mlp.config.hidden_act != "silu":
        return x + mlp(norm(x))
    return x + together([mlp.down_proj], _of_norm([mlp.gate_proj, mlp.up_proj], norm, x), made=GatedUnit)


def _attended(
    module: Any, norm: Any, x: torch.Tensor, position_embeddings: tuple[torch.Tensor, torch.Tensor], **words: Any
) -> torch.Tensor:
    """[1, tokens, heads × head dim]: what attention makes of a layer's input."""
    layers = [module.q_proj, module.k_proj, module.v_proj]
    parts = _of_norm(layers, norm, x).split([layer.out_features for layer in layers], -1)
    query, key, value = (part.unflatten(-1, (-1, module.head_dim)) for part in parts)
    windowed = isinstance(module, mistral.MistralAttention)  # a Llama has none, whatever its config says
    output, _ = ALL_ATTENTION_FUNCTIONS[module.config._attn_implementation](
        module,
        *(Rotation.apply(t, *position_embeddings).transpose(1, 2) for t in (query, key)),
        value.transpose(1, 2),
        words.pop("attention_mask", None),
        dropout=module.attention_dropout if module.training else 0.0,
        scaling=module.scaling,
        sliding_window=getattr(module.config, "sliding_window", None) if windowed else None,
        **words,
    )
    return output.flatten(2)


def _of_norm(layers: Sequence[Any], norm: Any, x: torch.Tensor) -> torch.Tensor:
    """What layers give that read the same norm of `x`: the backward pass makes the norm again."""
    if norm.weight.requires_grad:
        return together(layers, norm(x))
    return together(layers, x, made=_Normed(norm.weight.detach(), norm.variance_epsilon))


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


@dataclass(frozen=True)
class _Normed:
    """`Norm` as what layers read (`train.lora.together`)."""

    weight: torch.Tensor
    eps: float

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        return Norm.apply(x, self.weight, self.eps)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        return _normed(x, self.weight, self.eps)[0]

    def again(self, grad: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The value, and the gradient of the input."""
        value, scale = _normed(x, self.weight, self.eps)
        return value, [_norm_gradient(grad, x, scale, self.weight)]


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
