"""Says how many drafts a second a machine could write at most: its memory and its multiplications set the limit.

Of each step, all weights are read once, and the keys and values of each draft in flight; two operations a weight and
token. Prompts are read in full but for what all begin with, which is cached.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plume.errors import InputError

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class Model:
    """Holds what counts of a model: its weights, and the bytes of keys and values a token."""

    weights: int
    bytes_a_weight: int
    kv_bytes_a_token: int

    @classmethod
    def read(cls, folder: Path, dtype: str) -> "Model":
        """Read it from a model's folder. Raises InputError for a folder without its shape."""
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            heads = config["num_attention_heads"]
            head = config.get("head_dim") or config["hidden_size"] // heads
            kept = config["num_hidden_layers"] * (config.get("num_key_value_heads") or heads) * head
            weights = sum(_weights(file) for file in folder.glob("*.safetensors"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder}: its shape cannot be read ({type(error).__name__})") from None
        if not weights:
            raise InputError(f"{folder}: holds no *.safetensors; save the model so, to have its limit worked out")
        return cls(weights, BYTES[dtype], 2 * kept * BYTES[dtype])


def _weights(file: Path) -> int:
    """Count the numbers in a safetensors file, by its header."""
    with file.open("rb") as opened:
        header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
    total = 0
    for name, tensor in header.items():
        if name != "__metadata__":
            count = 1
            for size in tensor["shape"]:
                count *= size
            total += count
    return total


@dataclass(frozen=True)
class Machine:
    """Holds what a machine reads (bytes a second) and multiplies (operations a second) at best."""

    bandwidth: float
    flops: float


def limit(
    model: Model, machine: Machine, *, in_flight: int, prompt_tokens: float, cached: float, draft_tokens: float
) -> dict[str, Any]:
    """Give the most drafts a second with so many in flight, the least seconds a token, and what binds a step."""
    context = prompt_tokens + draft_tokens / 2
    read = model.weights * model.bytes_a_weight + in_flight * context * model.kv_bytes_a_token
    by_memory, by_flops = read / machine.bandwidth, 2 * model.weights * in_flight / machine.flops
    step = max(by_memory, by_flops)
    prefill = 2 * model.weights * (prompt_tokens - cached) / machine.flops
    return {
        **asdict(machine),
        "bytes_a_step": read,
        "seconds_a_token": step,
        "drafts_a_second": in_flight / (in_flight * prefill + draft_tokens * step),
        "bound_by": "memory" if by_memory >= by_flops else "multiplications",
    }
