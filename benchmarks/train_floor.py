"""The least that a step of `train.py` can cost here: each matrix product that it cannot do without, alone, repeated.

    python benchmarks/train_floor.py [--dtype bfloat16] [--repeats 5]

SmolLM2's shapes, 16 pairs of the corpus's mean lengths, one thread. Each kernel of torch runs by itself, on operands of
the right sizes, again and again: its best time is what a step would pay if nothing else touched the caches. Summed:
frozen products forward and backward, attention with its softmax, the adapter's products, gated unit, norms, loss.
Rotary embedding, residual sums, splitting, joining, and the optimiser come on top. Figures: docs/performance.md.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch.nn.functional import linear, rms_norm, silu

from plume.command import say

LAYERS, HIDDEN, KEYS, GATED, VOCABULARY, HEADS, SIZE, RANK = 30, 576, 192, 1536, 49152, 9, 64, 16
PREFIX, REVIEW, REPLY, PAIRS = 263, 245, 220, 16
TOKENS, TARGETS, OWN = PREFIX + PAIRS * (REVIEW + REPLY), PAIRS * REPLY, REVIEW + REPLY
SHAPES = {"q, o": (HIDDEN, HIDDEN, 2), "k, v": (HIDDEN, KEYS, 2), "gate, up": (HIDDEN, GATED, 2)}
SHAPES["down"] = (GATED, HIDDEN, 1)  # from, to, how many in a layer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    total = [0.0, 0.0]
    with torch.no_grad():
        for part, kernels in parts(getattr(torch, asked.dtype)).items():
            best, median = map(sum, zip(*(_timed(run, asked.repeats, times) for run, times in kernels), strict=True))
            total = [total[0] + best, total[1] + median]
            say(f"{part}: {best:.2f} CPU-s (median {median:.2f})")
    say(f"together: {total[0]:.1f} CPU-s a step at best (median {total[1]:.1f}; n = {asked.repeats} a kernel)")


def parts(dtype: torch.dtype) -> dict[str, list[tuple[Callable[[], object], int]]]:
    """List by part each kernel with how often a step runs it."""

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(shape).to(dtype)

    frozen, adapter = [], []
    for inward, outward, many in SHAPES.values():
        x, w, g = some(TOKENS, inward), some(outward, inward), some(TOKENS, outward)
        a, b, h = some(RANK, inward), some(outward, RANK), some(TOKENS, RANK)
        products = (lambda x=x, w=w: linear(x, w), lambda g=g, w=w: g @ w)
        frozen += [(each, many * LAYERS) for each in products]
        products = (
            *(lambda x=x, a=a: linear(x, a), lambda g=g, h=h, b=b: g.addmm_(h, b.T), lambda g=g, b=b: g @ b),
            *(lambda g=g, h=h: g.T @ h, lambda h=h, x=x: h.T @ x, lambda x=x, h=h, a=a: x.addmm_(h, a)),
        )
        adapter += [(each, many * LAYERS) for each in products]
    x, w, g = some(TARGETS, HIDDEN), some(VOCABULARY, HIDDEN), some(TARGETS, VOCABULARY)
    frozen += [(lambda: linear(x, w), 1), (lambda: g @ w, 1)]
    q, k, v = some(HEADS, OWN, SIZE), some(HEADS, PREFIX + OWN, SIZE), some(HEADS, PREFIX + OWN, SIZE)
    p = torch.softmax(some(HEADS, OWN, PREFIX + OWN), -1)
    attention = (
        *(lambda: torch.bmm(q, k.mT), lambda: torch.softmax(p, -1), lambda: torch.bmm(p, v)),
        *(lambda: torch.bmm(q, v.mT), lambda: torch._softmax_backward_data(p, p, -1, dtype)),
        *(lambda: torch.bmm(p, k), lambda: torch.bmm(p.mT, q), lambda: torch.bmm(p.mT, q)),
    )
    gate, up, hidden, weight = some(TOKENS, GATED), some(TOKENS, GATED), some(TOKENS, HIDDEN), some(HIDDEN)
    unit = (
        *(lambda: silu(gate) * up, lambda: gate * up),
        lambda: torch.ops.aten.silu_backward(gate, up),
    )
    loss = (lambda: torch.log_softmax(g, -1), lambda: torch._log_softmax_backward_data(g, g, -1, dtype))
    return {
        "frozen products": frozen,
        "attention": [(each, LAYERS * PAIRS) for each in attention],
        "adapter's products": adapter,
        "gated unit": [(each, LAYERS) for each in unit],
        "norms, forward": [(lambda: rms_norm(hidden, (HIDDEN,), weight), 2 * LAYERS)],
        "loss": [(each, 1) for each in loss],
    }


def _timed(run: Callable[[], object], repeats: int, times: int) -> tuple[float, float]:
    """Give the best and the median CPU-seconds of one kernel, times how often a step runs it."""
    taken = []
    for _ in range(repeats):
        begun = time.process_time()
        run()
        taken.append(time.process_time() - begun)
    taken.sort()
    return taken[0] * times, taken[len(taken) // 2] * times


if __name__ == "__main__":
    main()
