"""Compares the engine with PEFT on golden prompts: a version is served only if its first tokens are as probable."""

from collections.abc import Iterator, Sequence
from typing import Any

from plume import golden
from plume.adapters import Adapter
from plume.golden import TOLERANCE, Gap
from plume.models import load_model, load_tokenizer
from plume.prompt import load_prompt
from serve.alias import Deployed
from serve.client import Client
from serve.vllm_command import BASE_NAME


def compare(client: Client, deployed: Deployed, dtype: str) -> float:
    """Measure the largest difference. Raises InputError if it is above the tolerance, or too few tokens are shared."""
    measured = (gap for (gap,) in gaps(client, deployed.adapter, [deployed.name], dtype))
    return golden.check(deployed.name, measured, dtype)


def gaps(client: Client, adapter: Adapter, names: Sequence[str], dtype: str) -> Iterator[list[Gap]]:
    """Compare what the engine calls by each of `names` with PEFT's adapter: one list of gaps a golden prompt."""
    prompts = golden.encode(load_tokenizer(adapter.base), load_prompt(adapter.prompt))
    for ids, logprobs in zip(prompts, reference(adapter, prompts, dtype), strict=True):
        expected = golden.likeliest(logprobs)
        seen = [golden.answered(client.complete(golden.request(name, ids))) for name in names]
        yield [golden.measure(each, expected) for each in seen]


def describe(client: Client, deployed: Deployed, dtype: str) -> dict[str, Any]:
    """Give, as JSON, how far the engine is from PEFT's adapter with it, and without: if not farther, it is not used."""
    names = [deployed.name, *({BASE_NAME} & set(client.known()))]  # an engine of merged weights has no base
    rows = [
        {"gap": gap.largest, "shared": gap.shared, "within": gap.is_within(dtype), "gap_of_base": base and base.largest}
        for gap, base in ((*found, None)[:2] for found in gaps(client, deployed.adapter, names, dtype))
    ]
    return {"dtype": dtype, "tolerance": TOLERANCE[dtype], "prompts": rows}


def reference(adapter: Adapter, prompts: list[list[int]], dtype: str) -> list[Any]:
    """Compute PEFT's log-probabilities of the first token: one float32 vector over the vocabulary for each prompt.

    The weights are rounded as the engine's, the arithmetic is float32's, on the CPU: the engine keeps its GPU.
    """
    import torch

    model = adapter.attach(load_model(adapter.base, dtype, device="cpu")).eval().float()
    with torch.inference_mode():
        return [torch.log_softmax(model(torch.tensor([ids])).logits[0, -1].float(), -1) for ids in prompts]
