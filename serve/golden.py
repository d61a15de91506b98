"""Compares the engine with PEFT on golden prompts: a version is served only if its first tokens are as probable.

Text is not compared: rounding alone changes what is written greedily. What is compared are the log-probabilities of the
first token, where both have it among their five likeliest.
"""

import json
from typing import Any

from plume.adapters import Adapter
from plume.errors import InputError
from plume.models import load_model, load_tokenizer
from plume.paths import ROOT
from plume.prompt import encode_prompt, load_prompt
from serve.alias import Deployed
from serve.client import Client

PROMPTS = ROOT / "configs" / "serve" / "golden.jsonl"
TOLERANCE = {"float32": 0.1, "bfloat16": 0.3, "float16": 0.3}  # of a log-probability
_TOP, _SHARED = 5, 3


def compare(client: Client, deployed: Deployed, dtype: str) -> float:
    """Measure the largest difference. Raises InputError if it is above the tolerance, or too few tokens are shared."""
    adapter = deployed.adapter
    tokenizer, prompt = load_tokenizer(adapter.base), load_prompt(adapter.prompt)
    prompts = [encode_prompt(tokenizer, prompt, json.loads(line)) for line in PROMPTS.read_text("utf-8").splitlines()]
    worst = 0.0
    for number, (ids, expected) in enumerate(zip(prompts, reference(adapter, prompts, dtype), strict=True), 1):
        seen = engine_logprobs(client, deployed.name, ids)
        top = set(expected.topk(_TOP).indices.tolist()) & set(seen)
        gap = max((abs(seen[token] - expected[token].item()) for token in top), default=float("inf"))
        if len(top) < _SHARED or not gap <= TOLERANCE[dtype]:  # NaN is not
            raise InputError(
                f"{deployed.name}: golden prompt {number}: the engine's first token differs from PEFT's by {gap:.2f} "
                f"(at most {TOLERANCE[dtype]} in {dtype}), {len(top)} of {_TOP} shared; it is not served"
            )
        worst = max(worst, gap)
    return worst


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

    model = adapter.attach(load_model(adapter.base, dtype)).eval().float()
    with torch.inference_mode():
        return [torch.log_softmax(model(torch.tensor([ids])).logits[0, -1].float(), -1) for ids in prompts]
