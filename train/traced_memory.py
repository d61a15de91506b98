"""Trace a micro-batch through forward and backward pass, and follow the bytes that are alive.

Traced tensors have shapes and hold nothing. The traced code is the run's own: model, adapter, attention, loss.
`LiveBytes` follows real tensors too. Not seen is what a kernel takes and gives back within one call.
"""

import weakref
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary
from transformers import AutoConfig, AutoModelForCausalLM

from plume.errors import InputError, PlumeError, first_line
from plume.models import quiet_bars, resolve
from train import adapter
from train.batches import MicroBatch
from train.config import TrainConfig
from train.device_kind import traced_as, within_kernel
from train.speed import Cost
from train.step import token_losses, trainable

NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)  # bytes a weight: 4 bits, a byte of scale a 64, a float32 a 256 of those


class LiveBytes(TorchDispatchMode):
    """Follow the memory of tensors while it is on: `live` bytes now, `peak` bytes at most; `known` are there already.

    Tensors that share memory count once. What is made within one kernel (`device_kind.one_kernel`) and gone at its end
    does not count.
    """

    def __init__(self, known: Iterable[torch.Tensor] = ()) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._seen = WeakIdKeyDictionary()
        for tensor in known:
            self._follow(tensor.untyped_storage())

    def __torch_dispatch__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._follow(tensor.untyped_storage())
        return made

    def _follow(self, storage: Any) -> None:
        if storage not in self._seen:
            self._seen[storage] = True
            self.live += storage.nbytes()
            weakref.finalize(storage, self._freed, storage.nbytes())
        if not within_kernel():
            self.peak = max(self.peak, self.live)

    def _freed(self, size: int) -> None:
        self.live -= size


@dataclass(frozen=True)
class Traced:
    """Bytes and sizes of a model and of a micro-batch's passes through it; each grows by as much with every layer."""

    weights: int  # frozen, with buffers
    adapter: int  # trained
    passes: int  # what forward and backward pass hold at most, beside weights, adapter and its gradients
    body: int  # weights multiplied for each token
    head: int
    attention_width: int

    @property
    def cost(self) -> Cost:
        return Cost(self.body, self.head, self.attention_width)


def trace(config: TrainConfig, batch: MicroBatch, kind: str) -> Traced:
    """Trace `batch` as a device of `kind` would compute it.

    Two and three layers are traced: all but the last are alike, so each of the others takes as much more as the third.
    Raises InputError for a base of another build than Llama's or Mistral's, or whose config.json is wrong.
    """
    try:
        layers = AutoConfig.from_pretrained(resolve(config.base)).num_hidden_layers
        few = min(2, layers)
        two, three = (trace_layers(config, batch, kind, n) for n in (few, min(3, layers)))
    except PlumeError:
        raise
    except Exception as error:  # of transformers and torch: as many kinds as a config.json can be wrong
        raise InputError(
            f"base.model={config.base.model}: cannot be traced as a Llama or Mistral ({first_line(error)}); look at "
            "its config.json"
        ) from None
    return Traced(*(a + (layers - few) * (b - a) for a, b in zip(astuple(two), astuple(three), strict=True)))


def trace_layers(config: TrainConfig, batch: MicroBatch, kind: str, layers: int) -> Traced:
    """Trace the first `layers` layers, with embeddings and head."""
    # FlexAttention keeps what by_sample keeps (queries, keys, values, output); off a GPU torch traces no kernel of it.
    plain = config.model_copy(update={"attention": "by_sample"})
    with torch.random.fork_rng(devices=[]), torch.device("meta"), quiet_bars():
        model = AutoModelForCausalLM.from_config(_settings(config, layers), dtype=getattr(torch, config.dtype))
        if config.lora.qlora:
            _quantise(model.model)
        model = adapter.attach(model, plain)
    with torch.random.fork_rng(devices=[]), FakeTensorMode(allow_non_fake_inputs=True):
        _place(model.train())
        learnt = trainable(model)
        for parameter in learnt:
            parameter.grad = torch.zeros_like(parameter)
        adapted = sum(_sizes(learnt).values())
        weights = sum(_sizes([*model.parameters(), *model.buffers()]).values()) - adapted
        followed = LiveBytes([*model.parameters(), *model.buffers(), *(p.grad for p in learnt)])
        before = followed.live
        with traced_as(kind), followed:
            token_losses(model, batch).sum().backward()
        cost = Cost.of(model)
        return Traced(
            weights=weights,
            adapter=adapted,
            passes=followed.peak - before,
            body=cost.body,
            head=cost.head,
            attention_width=cost.attention_width,
        )


def _settings(config: TrainConfig, layers: int) -> Any:
    settings = AutoConfig.from_pretrained(resolve(config.base))
    settings.num_hidden_layers = layers
    if getattr(settings, "layer_types", None):
        settings.layer_types = settings.layer_types[:layers]
    return settings


def _sizes(tensors: Iterable[torch.Tensor]) -> dict[int, int]:
    """Bytes by storage: tied weights count once."""
    return {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in tensors}


def _place(model: torch.nn.Module) -> None:
    """Give parameters and buffers of the meta device a place: a kernel of the CPU is chosen, and nothing computed."""
    placed: dict[int, torch.nn.Parameter] = {}  # tied weights stay tied
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in placed:
                empty = torch.empty_like(parameter, device="cpu")
                placed[id(parameter)] = torch.nn.Parameter(empty, parameter.requires_grad)
            setattr(module, name, placed[id(parameter)])
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, torch.empty_like(buffer, device="cpu"))


def _quantise(module: torch.nn.Module) -> None:
    """Put a `_FourBits` in the place of each linear layer, as bitsandbytes does (all but the head)."""
    for name, child in module.named_children():
        if type(child) is torch.nn.Linear:
            setattr(module, name, _FourBits(child))
        else:
            _quantise(child)


class _FourBits(torch.nn.Linear):
    """Stands for bitsandbytes' Linear4bit, which needs a GPU: it keeps and makes as many bytes."""

    def __init__(self, of: torch.nn.Linear) -> None:
        super().__init__(of.in_features, of.out_features, bias=False, dtype=of.weight.dtype)
        packed = torch.empty(round(NF4 * self.weight.numel()), dtype=torch.uint8)
        self.weight, self.bias = torch.nn.Parameter(packed, requires_grad=False), of.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = _FourBitsProduct.apply(x, self.out_features)
        return out if self.bias is None else out + self.bias


class _FourBitsProduct(torch.autograd.Function):
    """Both passes make the weights whole for one product; nothing is kept."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, out_features: int) -> torch.Tensor:
        ctx.shape = (out_features, x.shape[-1])
        return torch.nn.functional.linear(x, x.new_empty(ctx.shape))

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        return grad @ grad.new_empty(ctx.shape), None
