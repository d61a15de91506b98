"""Measures how far an exported model is from base + adapter: log-probabilities of fixed replies to golden prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from plume import golden
from plume.errors import InputError
from plume.exported import Parity
from plume.prompt import Prompt, encode_sample

REPLY = (
    "Bonjour, nous vous remercions de votre message et regrettons cette attente. Votre demande a été transmise au "
    "service compétent. Cordialement."
)
# Of the log-probability of a token. Merged weights are rounded once to the base's precision, which moves what is said
# about as much as the rounding of the base itself did; an adapter that is only written in another way moves nothing.
ROUNDED = {"float32": 1e-3, "bfloat16": 0.3, "float16": 0.05}  # at most; on average a tenth of it
SAME = 1e-4


@dataclass(frozen=True)
class Said:
    """Holds what a model says: log-probabilities of each sample's reply, and the likeliest first tokens."""

    reply: torch.Tensor
    first: list[dict[int, float]]


def samples(tokenizer: Any, prompt: Prompt) -> list[tuple[list[int], list[int]]]:
    """Encode each golden prompt with the fixed reply: ids of the prompt, ids of the reply."""
    return [encode_sample(tokenizer, prompt, pair | {"reply": REPLY}) for pair in golden.pairs()]


def say(model: Any, encoded: Sequence[tuple[list[int], list[int]]]) -> Said:
    """Ask a float32 model for what it says of the samples."""
    replies, first = [], []
    with torch.inference_mode():
        for start, reply in encoded:
            logits = model(torch.tensor([[*start, *reply]])).logits[0, len(start) - 1 : -1].float()
            logprobs = torch.log_softmax(logits, -1)
            replies.append(logprobs.gather(1, torch.tensor(reply)[:, None])[:, 0])
            first.append(golden.likeliest(logprobs[0]))
    return Said(torch.cat(replies), first)


def compare(expected: Said, seen: Said, tolerance: float) -> Parity:
    """Raise InputError if log-probabilities differ by more than the tolerance, or by a tenth of it on average."""
    gaps = (expected.reply - seen.reply).abs()
    largest, mean = gaps.max().item(), gaps.mean().item()
    if not (largest <= tolerance and mean <= tolerance / 10):  # NaN is not
        raise InputError(
            f"the export does not say what base + adapter say: log-probabilities of tokens differ by {largest:.4g} at "
            f"most and {mean:.4g} on average, {tolerance:g} and {tolerance / 10:g} are allowed; nothing was exported"
        )
    return Parity(largest, mean, tolerance, len(gaps))


def check_same(name: str, written: torch.Tensor, expected: torch.Tensor) -> None:
    """Raise InputError unless a tensor was read back as it was written, bit for bit."""
    if written.dtype != expected.dtype or not torch.equal(written, expected):
        raise InputError(f"{name}: was not read back as it was written; nothing was exported: check the disk")
