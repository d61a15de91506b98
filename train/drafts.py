"""Drafts that the model writes in the middle of training, so that a person sees what the loss does not tell."""

from collections.abc import Sequence
from typing import Any

import torch

from train.batches import Row


@torch.inference_mode()
def write_drafts(model: Any, tokenizer: Any, rows: Sequence[Row], max_new_tokens: int) -> list[str]:
    """Greedy drafts for the prompts of `rows`, as evaluation decodes them. Leaves the model as it was."""
    if not rows:
        return []
    core = model.get_base_model()
    prompts = [row["input_ids"][: row["prompt_length"]] for row in rows]
    longest = max(map(len, prompts))
    pads = [longest - len(p) for p in prompts]
    ids = torch.tensor([[tokenizer.pad_token_id] * n + p for n, p in zip(pads, prompts, strict=True)])
    mask = torch.tensor([[0] * n + [1] * len(p) for n, p in zip(pads, prompts, strict=True)])
    was_training = model.training
    model.eval()
    before = core.config._attn_implementation
    core.set_attn_implementation("sdpa")  # a packed row has no room for a cache
    try:
        output = model.generate(
            input_ids=ids.to(core.device),
            attention_mask=mask.to(core.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            use_cache=True,
            eos_token_id=rows[0]["input_ids"][-1],  # the end of the turn
            pad_token_id=tokenizer.pad_token_id,
        )
    finally:
        core.set_attn_implementation(before)
        model.train(was_training)
    return [text.strip() for text in tokenizer.batch_decode(output[:, longest:], skip_special_tokens=True)]
