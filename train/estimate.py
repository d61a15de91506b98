"""Work out what a run takes before it begins: memory, tokens, operations. Loads no weights, needs no GPU.

Memory is traced, not guessed: `traced_memory` takes the run's largest micro-batch through the run's own code.
"""

from dataclasses import asdict, dataclass
from typing import Any

from train import processes
from train.batches import cut, step_indices
from train.config import TrainConfig
from train.device_kind import kind_here
from train.loop import largest_batch, planned_steps
from train.samples import Samples
from train.traced_memory import trace

# What the trace does not see: assumed, not measured.
CUDA = 2**30  # bytes of an NVIDIA GPU's context, kernels and cuBLAS's workspaces
FRAGMENTED = 1.1  # of the allocator's blocks, a tenth is not where it is wanted
REACHED = 0.32  # of the published operations a second: assumed where no --speed is given


@dataclass(frozen=True)
class Footprint:
    """What a run takes, in bytes unless said otherwise."""

    kind: str  # of device: "cpu" or "cuda"
    weights: int
    adapter: int
    gradients: int
    optimiser: int
    passes: int  # forward and backward pass of the largest micro-batch, at their most
    worst_tokens: int  # tokens of the largest micro-batch
    worst_samples: int
    tokens_per_epoch: int  # computed: prefixes shared
    unshared_tokens_per_epoch: int
    steps: int
    steps_per_epoch: int
    flops_per_step: float  # operations of a mean step: 4N, with recompute 6N

    @property
    def total(self) -> int:
        """Bytes of tensors that are alive at once: what `torch.cuda.max_memory_allocated` measures."""
        return self.weights + self.adapter + self.gradients + self.optimiser + self.passes

    @property
    def needed(self) -> int:
        """Bytes that the device must have free."""
        return round(FRAGMENTED * self.total) + (CUDA if self.kind == "cuda" else 0)

    @property
    def tokens(self) -> int:
        """Tokens of the whole run."""
        return round(self.tokens_per_epoch * self.steps / self.steps_per_epoch)

    def seconds(self, flops: float) -> float:
        """Time of the whole run on a device of so many published operations a second."""
        return self.flops_per_step * self.steps / (REACHED * flops)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"total": self.total, "needed": self.needed, "tokens": self.tokens}


def estimate(config: TrainConfig, samples: Samples, kind: str | None = None) -> Footprint:
    """Work out what a run of this config on these samples takes of a "cuda" or "cpu"; by default of this machine."""
    kind = kind or kind_here()
    lengths, steps = samples.lengths, planned_steps(config, len(samples.train))
    per_epoch = -(-len(lengths) // config.batch_size)
    tokens = _tokens_per_epoch(config, samples, per_epoch)
    batch = largest_batch(samples, config)
    traced = trace(config, batch, kind)
    _, done = traced.cost.flops([batch], recompute=config.recompute)
    return Footprint(
        kind=kind,
        weights=traced.weights,
        adapter=traced.adapter,
        gradients=traced.adapter,
        optimiser=2 * traced.adapter,  # AdamW's two moments
        passes=traced.passes,
        worst_tokens=batch.tokens,
        worst_samples=batch.samples,
        tokens_per_epoch=tokens,
        unshared_tokens_per_epoch=sum(lengths),
        steps=steps,
        steps_per_epoch=per_epoch,
        flops_per_step=done * tokens / per_epoch / batch.tokens,
    )


def _tokens_per_epoch(config: TrainConfig, samples: Samples, steps: int) -> int:
    prefix, lengths = samples.prefix if config.share_prefix else 0, samples.lengths
    tokens = 0
    for step in range(steps):
        members = [lengths[i] for i in step_indices(len(lengths), config.batch_size, step, config.seed)]
        for share in cut(members, members, prefix, config.micro_batch_tokens, processes.count()):
            tokens += sum(prefix + sum(members[i] - prefix for i in g) for g in share)
    return tokens
