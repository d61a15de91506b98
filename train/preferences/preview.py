"""`plume train preferences CONFIG --preview N`: what would be learnt, and what is left out and why. Trains nothing."""

from typing import Any

from rich.console import Console

from train.preferences.samples import Preferences, Row
from train.samples import reasons

_NAMES = {"chosen_ids": "wanted", "rejected_ids": "unwanted"}


def preview(samples: Preferences, tokenizer: Any, count: int, console: Console) -> None:
    """Print `count` samples with the end of their prompt, then the counts."""
    for row in samples.train[:count]:
        console.print(f"— {row['id']}, {row['source']}: {len(row['prompt_ids'])} tokens of prompt —", markup=False)
        for name, ids in _texts(row):
            text = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
            console.print(f"{name} ({len(ids)} tokens): {text}\n", markup=False, soft_wrap=True)
    told = ", ".join(f"{n} {said}" for said, n in samples.said.items())
    console.print(
        f"{samples.judgements} judgements: {told or 'none'}; {len(samples.train)} samples to learn from, "
        f"{len(samples.validation)} held out, {len(samples.dropped)} judgements left out",
        markup=False,
        soft_wrap=True,
    )
    for reason, times in sorted(reasons(samples.dropped).items(), key=lambda item: -item[1]):
        console.print(f"left out: {times} × {reason}", markup=False, soft_wrap=True)


def _texts(row: Row) -> list[tuple[str, list[int]]]:
    if "label" in row:
        return [("wanted" if row["label"] else "unwanted", row["completion_ids"])]
    return [(name, row[key]) for key, name in _NAMES.items()]
