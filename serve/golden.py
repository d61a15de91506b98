"""Compares the engine with PEFT on golden prompts: a version is served only if its first tokens are as probable.

Text is not compared: rounding alone changes what is written greedily. What is compared are the log-probabilities of the
first token, where both have it among their five likeliest.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from plume.adapters import Adapter
from plume.errors import InputError
from plume.models import load_model, load_tokenizer
from plume.paths import ROOT
from plume.prompt import encode_prompt, load_prompt
from serve.alias import Deployed
from serve.client import Client
from serve.vllm_command import BASE_NAME

PROMPTS = ROOT / "configs" / "serve" / "golden.jsonl"
TOLERANCE = {"float32": 0.1, "bfloat16": 0.3, "float16": 0.3}  # of a log-probability
_TOP, _SHARED = 5, 3


@dataclass(frozen=True)
class Gap:
    """Tells how far the engine is from PEFT at one prompt: the largest difference over the `shared` tokens of both."""

    largest: float
    shared: int

    def is_within(self, dtype: str) -> bool:
        return self.shared >= _SHARED and self.largest <= TOLERANCE[dtype]  # NaN is not


def compare(client: Client, deployed: Deployed, dtype: str) -> float:
    """Measure the largest difference. Raises InputError if it is above the tolerance, or too few tokens are shared."""
    worst = 0.0
    for number, (gap,) in enumerate(gaps(client, deployed.adapter, [deployed.name], dtype), 1):
        if not gap.is_within(dtype):
            raise InputError(
                f"{deployed.name}: golden prompt {number}: the engine's first token differs from PEFT's by "
                f"{gap.largest:.2f} (at most {TOLERANCE[dtype]} in {dtype}), {gap.shared} of {_TOP} shared; it is not "
                "served"
            )
        worst = max(worst, gap.largest)
    return worst


def gaps(client: Client, adapter: Adapter, names: Sequence[str], dtype: str) -> Iterator[list[Gap]]:
    """Compare what the engine calls by each of `names` with PEFT's adapter: one list of gaps a golden prompt."""
    tokenizer, prompt = load_tokenizer(adapter.base), load_prompt(adapter.prompt)
    prompts = [encode_prompt(tokenizer, prompt, json.loads(line)) for line in PROMPTS.read_text("utf-8").splitlines()]
    for ids, expected in zip(prompts, reference(adapter, prompts, dtype), strict=True):
        yield [_gap(engine_logprobs(client, name, ids), expected) for name in names]


def describe(client: Client, deployed: Deployed, dtype: str) -> dict[str, Any]:
    """Give, as JSON, how far the engine is from PEFT's adapter with it, and without: if not farther, it is not used."""
    rows = [
        {"gap": gap.largest, "shared": gap.shared, "within": gap.is_within(dtype), "gap_of_base": base.largest}
        for gap, base in gaps(client, deployed.adapter, [deployed.name, BASE_NAME], dtype)
    ]
    return {"dtype": dtype, "tolerance": TOLERANCE[dtype], "prompts": rows}


def _gap(seen: dict[int, float], expected: Any) -> Gap:
    both = set(expected.topk(_TOP).indices.tolist()) & set(seen)
    return Gap(max((abs(seen[token] - expected[token].item()) for token in both), default=float("inf")), len(both))


def engine_logprobs(client: Client, name: str, ids: list[int]) -> dict[int, float]:
    """Ask the engine for the log-probabilities of the five likeliest first tokens, by token id."""
    asked = {
        "model": name,
        "prompt": ids,
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": _TOP,
        "return_tokens_as_token_ids": True,
    }
    top = client.complete(asked)["choices"][0]["logprobs"]["top_logprobs"][0]
    return {int(token.removeprefix("token_id:")): value for token, value in top.items()}


def reference(adapter: Adapter, prompts: list[list[int]], dtype: str) -> list[Any]:
    """Compute PEFT's log-probabilities of the first token: one float32 vector over the vocabulary for each prompt.

    The weights are rounded as the engine's, the arithmetic is float32's, on the CPU: the engine keeps its GPU.
    """
    import torch

    model = adapter.attach(load_model(adapter.base, dtype, device="cpu")).eval().float()
    with torch.inference_mode():
        return [torch.log_softmax(model(torch.tensor([ids])).logits[0, -1].float(), -1) for ids in prompts]
