"""Golden prompts: invented reviews whose first tokens must be as probable wherever a version's weights are used.

Text is not compared: rounding alone changes what is written greedily. What is compared are the log-probabilities of the
first token, where both sides have it among their five likeliest.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from plume.errors import InputError
from plume.paths import ROOT
from plume.prompt import Prompt, encode_prompt

PROMPTS = ROOT / "configs" / "serve" / "golden.jsonl"
TOLERANCE = {"float32": 0.1, "bfloat16": 0.3, "float16": 0.3}  # of a log-probability
TOP = 5
_SHARED = 3


def pairs() -> list[dict[str, Any]]:
    """Read the reviews."""
    return [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()]


def encode(tokenizer: Any, prompt: Prompt) -> list[list[int]]:
    """Give the token ids of each golden prompt."""
    return [encode_prompt(tokenizer, prompt, pair) for pair in pairs()]


def likeliest(logprobs: Any) -> dict[int, float]:
    """Give the likeliest first tokens of a vector over the vocabulary, with their log-probabilities."""
    return {token: logprobs[token].item() for token in logprobs.topk(TOP).indices.tolist()}


def request(name: str, ids: list[int]) -> dict[str, Any]:
    """Ask an engine for the log-probabilities of the likeliest first tokens, by token id."""
    return {
        "model": name,
        "prompt": ids,
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": TOP,
        "return_tokens_as_token_ids": True,
    }


def answered(completion: dict[str, Any]) -> dict[int, float]:
    """Read what an engine answers to `request`."""
    top = completion["choices"][0]["logprobs"]["top_logprobs"][0]
    return {int(token.removeprefix("token_id:")): value for token, value in top.items()}


@dataclass(frozen=True)
class Gap:
    """Tells how far an engine is from PEFT at one prompt: the largest difference over the `shared` tokens of both."""

    largest: float
    shared: int

    def is_within(self, dtype: str) -> bool:
        return self.shared >= _SHARED and self.largest <= TOLERANCE[dtype]  # NaN is not


def measure(seen: Mapping[int, float], expected: Mapping[int, float]) -> Gap:
    """Compare the likeliest first tokens of an engine and of PEFT."""
    both = set(expected) & set(seen)
    return Gap(max((abs(seen[token] - expected[token]) for token in both), default=float("inf")), len(both))


def check(name: str, gaps: Iterable[Gap], dtype: str) -> float:
    """Give the largest difference. Raises InputError if it is above the tolerance, or too few tokens are shared."""
    worst = 0.0
    for number, gap in enumerate(gaps, 1):
        if not gap.is_within(dtype):
            raise InputError(
                f"{name}: golden prompt {number}: the engine's first token differs from PEFT's by {gap.largest:.2f} "
                f"(at most {TOLERANCE[dtype]} in {dtype}), {gap.shared} of {TOP} shared; it is not served"
            )
        worst = max(worst, gap.largest)
    return worst
