"""`plume train CONFIG --estimate`: memory and time before a GPU is booked. Loads no weights, needs no GPU.

Activations are not guessed: the largest micro-batch of the run is traced through the real model, loss and adapter with
fake tensors, and what autograd would keep for the backward pass is added up.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoConfig, AutoModelForCausalLM

from plume.models import quiet_bars, resolve
from train import adapter
from train.batches import MicroBatch, group, step_indices
from train.config import TrainConfig
from train.loop import largest_batch, planned_steps
from train.samples import Samples
from train.speed import GPUS, Cost
from train.step import CHUNK, token_losses, trainable

NF4 = 0.52  # bytes a weight: 4 bits, and double-quantised scales of blocks of 64
# What the trace, which follows a CPU's path, does not see of an NVIDIA GPU: assumed, not measured.
CUDA = 2**30  # bytes of its context, kernels and cuBLAS's workspaces
FRAGMENTED = 1.1  # of the allocator's blocks, a tenth is not where it is wanted
REACHED = 0.32  # of the published operations a second: assumed where no --speed is given


@dataclass(frozen=True)
class Footprint:
    """What a run takes, in bytes unless said otherwise."""

    weights: int
    adapter: int  # parameters and gradients
    optimiser: int
    activations: int  # kept for the backward pass of the largest micro-batch; with recompute, one layer's made again
    logits: int  # of one chunk, and their gradient
    all_heads: int  # on a GPU alone: keys and values repeated for each query head (`attention.attend`)
    worst_tokens: int  # tokens of the largest micro-batch
    worst_samples: int
    tokens_per_epoch: int  # computed: prefixes shared
    unshared_tokens_per_epoch: int
    steps: int
    steps_per_epoch: int
    flops_per_step: float  # operations of a mean step: 4N, with recompute 6N

    @property
    def total(self) -> int:
        return self.weights + self.adapter + self.optimiser + self.activations + self.logits

    @property
    def on_gpu(self) -> int:
        """What the same run takes of an NVIDIA GPU."""
        return round(FRAGMENTED * (self.total + self.all_heads)) + CUDA

    @property
    def tokens(self) -> int:
        """Tokens of the whole run."""
        return round(self.tokens_per_epoch * self.steps / self.steps_per_epoch)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"total": self.total, "on_gpu": self.on_gpu, "tokens": self.tokens}


def estimate(config: TrainConfig, samples: Samples) -> Footprint:
    """Work out what a run of this config on these samples takes."""
    prefix = samples.prefix if config.share_prefix else 0
    lengths, steps = samples.lengths, planned_steps(config, len(samples.train))
    per_epoch = -(-len(lengths) // config.batch_size)
    tokens = 0
    for step in range(per_epoch):
        members = [lengths[i] for i in step_indices(len(lengths), config.batch_size, step, config.seed)]
        for g in group(members, prefix, config.micro_batch_tokens):
            tokens += prefix + sum(members[i] - prefix for i in g)
    batch = largest_batch(samples, config)
    traced = _trace(config, batch)
    _, done = traced.cost.flops([batch], recompute=config.recompute)
    activations = traced.activations
    if config.recompute:  # a layer's own are made again, one layer at a time
        whole = _trace(config.model_copy(update={"recompute": False}), batch).activations
        activations += (whole - activations) // traced.layers
    return Footprint(
        weights=traced.weights,
        adapter=2 * traced.adapter,
        optimiser=2 * traced.adapter,  # AdamW's two moments
        activations=activations,
        logits=2 * 4 * min(CHUNK, len(batch.labels)) * traced.vocabulary,
        all_heads=_all_heads(config, batch) // (traced.layers if config.recompute else 1),
        worst_tokens=batch.tokens,
        worst_samples=batch.samples,
        tokens_per_epoch=tokens,
        unshared_tokens_per_epoch=sum(lengths),
        steps=steps,
        steps_per_epoch=per_epoch,
        flops_per_step=done * tokens / per_epoch / batch.tokens,
    )


def _all_heads(config: TrainConfig, batch: MicroBatch) -> int:
    """Bytes, in all layers, of the key-value heads that CUDA's attention under a mask has repeated and keeps."""
    if config.attention == "flex":
        return 0
    model = AutoConfig.from_pretrained(resolve(config.base))
    heads = model.num_attention_heads
    repeated = heads - (getattr(model, "num_key_value_heads", None) or heads)
    dim = getattr(model, "head_dim", None) or model.hidden_size // heads
    seen = batch.tokens + batch.samples * batch.layout.prefix  # each sample's keys hold the prefix again
    return 2 * model.num_hidden_layers * repeated * dim * seen * getattr(torch, config.dtype).itemsize


@dataclass(frozen=True)
class _Traced:
    weights: int
    adapter: int
    activations: int
    vocabulary: int
    layers: int
    cost: Cost


def _trace(config: TrainConfig, batch: MicroBatch) -> _Traced:
    """Run the forward pass with tensors that have shapes and no contents."""
    settings = AutoConfig.from_pretrained(resolve(config.base))
    kept: dict[int, int] = {}  # storage -> bytes; tensors that share memory count once
    plain = config.model_copy(
        update={"lora": config.lora.model_copy(update={"qlora": False}), "attention": "by_sample"}
    )
    with torch.random.fork_rng(), torch.device("meta"), quiet_bars():
        model = AutoModelForCausalLM.from_config(settings, dtype=getattr(torch, config.dtype))
        model = adapter.attach(model, plain)
    with torch.random.fork_rng(), FakeTensorMode(allow_non_fake_inputs=True):
        _place(model.train())
        fixed = {p.untyped_storage()._cdata: p.untyped_storage().nbytes() for p in model.parameters()}
        alive = []  # so that no address is used twice

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in fixed:
                kept[storage._cdata] = storage.nbytes()
                alive.append(tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = token_losses(model, batch).sum()
        learnt = {p.untyped_storage()._cdata for p in trainable(model)}
        frozen = sum(size for key, size in fixed.items() if key not in learnt)
        cost = Cost.of(model)
        del loss
    return _Traced(
        weights=_in_four_bits(frozen, cost, config) if config.lora.qlora else frozen,
        adapter=sum(fixed[key] for key in learnt),
        activations=sum(kept.values()),
        vocabulary=settings.vocab_size,
        layers=settings.num_hidden_layers,
        cost=cost,
    )


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


def _in_four_bits(frozen: int, cost: Cost, config: TrainConfig) -> int:
    width = getattr(torch, config.dtype).itemsize
    return round(frozen - cost.body * (width - NF4))


def print_estimate(found: Footprint, speed: float | None, console: Console) -> None:
    """Print what a run takes; `speed` in tokens a second, if known, gives the time."""
    table = Table("at the largest micro-batch", "GiB", title="Memory")
    for name in ("weights", "adapter", "optimiser", "activations", "logits", "total"):
        table.add_row(name, f"{getattr(found, name) / 2**30:.2f}", style="bold" if name == "total" else "")
    console.print(table)
    console.print(
        f"the largest micro-batch: {found.worst_samples} samples, {found.worst_tokens} tokens; on a GPU "
        f"{found.on_gpu / 2**30:.1f} GiB: with keys and values for all heads, a tenth for the allocator, 1 for CUDA"
    )
    saved = 1 - found.tokens_per_epoch / found.unshared_tokens_per_epoch
    console.print(
        f"{found.tokens_per_epoch:,} tokens an epoch, shared prefixes once ({saved:.0%} less than each on its own); "
        f"{found.steps} steps, {found.tokens:,} tokens in all"
    )
    if speed:
        console.print(f"time at {speed:,.0f} tokens/s: {_duration(found.tokens / speed)}")
        return
    for gpu in GPUS:
        seconds = found.flops_per_step * found.steps / (REACHED * gpu.flops)
        fits = _duration(seconds) if found.on_gpu <= gpu.memory else "does not fit"
        console.print(f"one {gpu.name} ({gpu.memory / 1e9:.0f} GB): {fits}")
    console.print(
        f"times at {REACHED:.0%} of the published speed (assumed); give a measured one with --speed TOKENS_PER_SECOND"
    )


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes / 60:.1f} h" if minutes >= 90 else f"{minutes:.1f} min"
