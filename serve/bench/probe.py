"""Measures what this machine reads and multiplies at best, in a process of its own, before an engine takes it.

python -m serve.bench.probe DTYPE        prints {"bandwidth": bytes a second, "flops": operations a second}
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

_TIMES = 5


def main() -> None:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype, gpu = getattr(torch, sys.argv[1]), device == "cuda"
    # Far more than a cache holds, which a server's processor shares with others.
    wide = torch.ones((4 if gpu else 1) << 28, dtype=torch.float32, device=device)
    size = 8192 if gpu else 2048
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    sync = torch.cuda.synchronize if gpu else lambda: None
    with torch.inference_mode():
        reading = _best(lambda: wide.sum(), sync)
        multiplying = _best(lambda: left @ right, sync)
    sys.stdout.write(json.dumps({"bandwidth": wide.nbytes / reading, "flops": 2 * size**3 / multiplying}))


def _best(work: Callable[[], Any], sync: Callable[[], None]) -> float:
    """Give the shortest of some times, in seconds; the first, which warms up, does not count."""
    times = []
    for _ in range(1 + _TIMES):
        begun = time.perf_counter()
        work()
        sync()
        times.append(time.perf_counter() - begun)
    return min(times[1:])


if __name__ == "__main__":
    main()
