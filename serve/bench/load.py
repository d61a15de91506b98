"""Makes the load of a measured server from a dataset folder: its test reviews, and how long their replies are."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from plume.errors import InputError
from plume.prompt import Prompt, encode_within
from serve.bench.forced_length import digest

_FIELDS = ("review", "network", "structure", "title")


@dataclass(frozen=True)
class Asked:
    """One draft that is asked for: the guard's request, the prompt that it becomes, the tokens of its reply."""

    request: dict[str, Any]
    prompt: list[int]
    tokens: int


def make(pairs: Sequence[dict[str, Any]], tokenizer: Any, prompt: Prompt, *, room: int, most: int) -> list[Asked]:
    """Render pairs as serving does; a reply counts as written, at most `most` tokens, with the one that ends it.

    Pairs whose prompt has no `room` are left out: the server refuses them. Raises InputError if none is left.
    """
    load = []
    for pair in pairs:
        case = {name: pair.get(name) or None for name in _FIELDS}
        shown = {**case, "instruction": None, "tone": "neutre", "sources": []}  # as the guard has it of such a request
        ids = encode_within(tokenizer, prompt, shown, [], room).ids
        if len(ids) <= room:
            tokens = len(tokenizer(pair["reply"], add_special_tokens=False)["input_ids"]) + 1
            request = {name: value for name, value in case.items() if value}
            load.append(Asked(request, list(ids), max(2, min(most, tokens))))
    if not load:
        raise InputError(f"no prompt of the test split has room in {room} tokens; raise max_model_len")
    return load


def lengths(load: Sequence[Asked]) -> dict[str, int]:
    """Give how long the draft for each prompt is to be (`forced_length`); that of any other prompt is the median."""
    return {"": round(median(one.tokens for one in load))} | {digest(one.prompt): one.tokens for one in load}


def describe(load: Sequence[Asked]) -> dict[str, Any]:
    """Give the distribution of lengths: tokens of prompts and of replies at p10, p50, p90, and their mean."""
    return {
        "pairs": len(load),
        "prompt_tokens": _spread([len(one.prompt) for one in load]),
        "reply_tokens": _spread([one.tokens for one in load]),
    }


def _spread(values: list[int]) -> dict[str, float]:
    ordered = sorted(values)
    at = {f"p{share}": ordered[min(len(ordered) - 1, len(ordered) * share // 100)] for share in (10, 50, 90)}
    return {**at, "mean": sum(ordered) / len(ordered)}


def write(load: Sequence[Asked], folder: Path) -> dict[str, Path]:
    """Write what vLLM's benchmark reads, for the guard and for the engine alone: `prompt` holds the request as JSON."""
    files = {"on": folder / "on.jsonl", "off": folder / "off.jsonl"}
    for arm, file in files.items():
        rows = ({"prompt": json.dumps(_body(one, arm)), "output_tokens": one.tokens} for one in load)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return files


def _body(one: Asked, arm: str) -> Any:
    return one.request if arm == "on" else one.prompt
