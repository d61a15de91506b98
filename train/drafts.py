"""Drafts that the model writes in the middle of training, so that a person sees what the loss does not tell."""

from collections.abc import Sequence
from typing import Any

from plume.models import write_greedily
from train.batches import TokenRow


def write_drafts(model: Any, tokenizer: Any, rows: Sequence[TokenRow], max_new_tokens: int) -> list[str]:
    """Write greedy drafts for the prompts of `rows`, as evaluation decodes them. Leaves the model as it was."""
    if not rows:
        return []
    core, was_training = model.get_base_model(), model.training
    prompts = [row["input_ids"][: row["prompt_length"]] for row in rows]
    end = rows[0]["input_ids"][-1]  # of the turn
    model.eval()
    before = core.config._attn_implementation
    core.set_attn_implementation("sdpa")  # a packed row has no room for a cache
    try:
        written = write_greedily(model, prompts, end=end, pad=tokenizer.pad_token_id, max_new_tokens=max_new_tokens)
    finally:
        core.set_attn_implementation(before)
        model.train(was_training)
    return [text.strip() for text in tokenizer.batch_decode(written, skip_special_tokens=True)]
