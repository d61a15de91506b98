"""How fast a step is, in tokens and in the share of what the machine could do.

The limit counts multiplications of the frozen weights. LoRA needs no gradient of them, so a token costs 4 operations a
weight (2 forward, 2 for the gradient of the activations), 6 where activations are made again. Attention is counted for
the pairs that see each other; the adapter's own work, about 1 %, is not. What the last layer leaves out, of tokens that
predict nothing learnt, is counted: about 1 %, too.
"""

import resource
import sys
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from train import gpus
from train.batches import Layout, MicroBatch


@dataclass(frozen=True)
class Cost:
    """What a model costs: weights multiplied for every token, for every trained token (the head), and attention."""

    body: int
    head: int
    attention_width: int  # layers × heads × head dim

    @classmethod
    def of(cls, model: Any) -> "Cost":
        core = model.get_base_model() if hasattr(model, "get_base_model") else model
        config = core.config
        heads = config.num_attention_heads
        dim = getattr(config, "head_dim", None) or config.hidden_size // heads
        body = sum(_logical_size(m) for m in _frozen_linears(core.model))
        return cls(body, core.lm_head.weight.numel(), config.num_hidden_layers * heads * dim)

    def flops(self, batches: list[MicroBatch], *, recompute: bool) -> tuple[float, float]:
        """Operations of a step that are useful (4N), and all that the device does (6N with `recompute`)."""
        tokens, seen = sum(b.tokens for b in batches), sum(pairs(b.layout) for b in batches)
        useful = self._useful(tokens, seen, sum(len(b.labels) for b in batches))
        return useful, useful + (self._forward(tokens, seen) if recompute else 0.0)

    def of_sample(self, length: int, prompt: int, prefix: int) -> float:
        """Useful operations that a sample of `length` tokens adds to a row whose first `prefix` tokens it shares."""
        own = length - prefix
        return self._useful(own, own * prefix + _causal(own), length - prompt)

    def _useful(self, tokens: int, seen: int, trained: int) -> float:
        attention = 4.0 * self.attention_width * seen  # its backward pass is two of its forward ones
        return 2 * self._forward(tokens, seen) + attention + 4.0 * self.head * trained

    def _forward(self, tokens: int, seen: int) -> float:
        return 2.0 * self.body * tokens + 4.0 * self.attention_width * seen


def _causal(tokens: int) -> int:
    return tokens * (tokens + 1) // 2


def pairs(layout: Layout) -> int:
    """Query/key pairs that attention must look at."""
    return _causal(layout.prefix) + sum((b - a) * layout.prefix + _causal(b - a) for a, b in layout.bounds)


def _frozen_linears(module: Any) -> list[Any]:
    return [m for n, m in module.named_modules() if isinstance(m, torch.nn.Linear) and "lora_" not in n]


def _logical_size(linear: Any) -> int:
    return linear.in_features * linear.out_features  # 4-bit weights are stored two to a byte


@cache
def machine_limit(device: str, dtype: str) -> float:
    """Operations a second that the device could do: published for GPUs, a matrix product measured here for CPUs."""
    if device == "cuda":
        gpu = gpus.known(torch.cuda.get_device_name())
        return gpu.flops if gpu else float("nan")
    from train.products import product, widen

    # On a CPU, whatever `dtype` is: where bfloat16 is no faster, products are made in float32.
    left, right = (torch.ones(1024, 1024, dtype=getattr(torch, dtype)) for _ in range(2))  # draws no random numbers
    left, right = widen(left), widen(right)
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        product(left, right)
        best = min(best, time.perf_counter() - started)
    return 2 * 1024**3 / best


def peak_memory(device: str) -> int:
    """Bytes: the GPU's allocator at its fullest, or the process's resident memory at its largest."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
