"""Ask a model how likely it finds a secret, beside others in its place, and whether it writes it by itself."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.memory.exposure import others
from plume.models import write_greedily
from plume.prompt import Prompt, encode_prompt, encode_sample

AT_ONCE = 64  # alternatives in one pass: 64 x 6 rows of logits of 49,152 entries are 75 MB


@dataclass(frozen=True)
class Asked:
    """A canary as token ids: what stands before the secret, and what may stand there, the secret first."""

    canary: Mapping[str, Any]
    before: list[int]
    said: list[list[int]]


def ask(canary: Mapping[str, Any], tokenizer: Any, prompt: Prompt, alternatives: int) -> Asked:
    """Encode a canary's pair as in training, with its secret and with `alternatives` others of the format."""
    place, secret = canary["place"], canary["secret"]
    drawn = [secret, *others(secret, canary["format"], alternatives, canary["id"])]
    pair = canary["pair"]
    pairs = [pair | {place: pair[place].replace(secret, other)} for other in drawn]
    ids = [_encoded(each, place, tokenizer, prompt) for each in pairs]
    before = _common(ids)
    after = min(_common([row[::-1] for row in ids]), min(map(len, ids)) - before)
    return Asked(canary, ids[0][:before], [row[before : len(row) - after] for row in ids])


def _encoded(pair: dict[str, Any], place: str, tokenizer: Any, prompt: Prompt) -> list[int]:
    if place == "review":
        return encode_prompt(tokenizer, prompt, pair)
    start, reply = encode_sample(tokenizer, prompt, pair)
    return start + reply


def _common(rows: Sequence[list[int]]) -> int:
    """Count the ids that all rows begin with."""
    first, last = min(rows), max(rows)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def log_perplexities(model: Any, before: list[int], said: Sequence[list[int]], pad: int) -> list[float]:
    """Give -log p (nats) of each way to go on after `before`, which is computed once."""
    import torch

    with torch.inference_mode():
        start = model(input_ids=torch.tensor([before], device=model.device), use_cache=True, logits_to_keep=1)
        first = start.logits[0, -1].float().log_softmax(-1)
        found = []
        for at in range(0, len(said), AT_ONCE):
            rows = said[at : at + AT_ONCE]
            losses = [-first[row[0]].item() for row in rows]
            longest = max(map(len, rows))
            if longest > 1:
                cache = copy.deepcopy(start.past_key_values)
                cache.batch_repeat_interleave(len(rows))
                padded = torch.tensor([row + [pad] * (longest - len(row)) for row in rows], device=model.device)
                logits = model(input_ids=padded[:, :-1], past_key_values=cache, use_cache=True).logits.float()
                picked = logits.log_softmax(-1).gather(2, padded[:, 1:, None])[..., 0].tolist()
                # What follows a row's end is padding, which its own tokens never see.
                losses = [loss - sum(row[: len(own) - 1]) for loss, row, own in zip(losses, picked, rows, strict=True)]
            found += losses
    return found


def extracted(model: Any, asked: Sequence[Asked], pad: int, end: int, batch: int = 16) -> Iterator[bool]:
    """Say of each canary whether the model, writing greedily after what stands before its secret, writes it."""
    for at in range(0, len(asked), batch):
        rows = asked[at : at + batch]
        longest = max(len(one.said[0]) for one in rows)
        written = write_greedily(model, [one.before for one in rows], end=end, pad=pad, max_new_tokens=longest)
        yield from (ids[: len(one.said[0])] == one.said[0] for ids, one in zip(written, rows, strict=True))
