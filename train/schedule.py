"""The learning rate of each step, as a share of the highest: a linear warm-up, then what the schedule says."""

import math
from collections.abc import Callable

from train.config import Optimiser

_AFTER: dict[str, Callable[[int, int], float]] = {  # the factor of step i of the n that come after the warm-up
    "cosine": lambda i, n: 0.5 * (1 + math.cos(math.pi * i / n)),
    "linear": lambda i, n: 1 - i / n,
    "constant": lambda *_: 1.0,
}


def schedule(optimiser: Optimiser, steps: int) -> Callable[[int], float]:
    """Give the factor of each of `steps` steps, which are counted from 0.

    Of n steps w = round(n * warmup_share) warm up: step i has (i+1)/(w+1). After them, with d = (i-w)/(n-w), cosine
    gives (1 + cos(pi d))/2, linear 1 - d, constant 1. Step n, which is not made, would have 0 but for constant.
    """
    warmup = round(steps * optimiser.warmup_share)
    after = _AFTER[optimiser.schedule]

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return after(step - warmup, max(1, steps - warmup))

    return factor
