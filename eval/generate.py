"""`plume eval generate`: a system writes a draft for every review of a split. Resumable; nothing is generated twice."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field

from eval.systems import Resolved
from plume.command import progress
from plume.config import Config
from plume.corpus.dataset import read_manifest, read_split
from plume.errors import InputError
from plume.models import load_tokenizer
from plume.prompt import IM_END, encode_prompt


class Decoding(Config):
    """How drafts are decoded: greedily, so that a system always writes the same draft for the same review."""

    strategy: Literal["greedy"] = "greedy"
    max_new_tokens: int = Field(320, ge=1)
    dtype: Literal["float32", "bfloat16"] | None = Field(None, description="by default bfloat16 on GPU, float32 on CPU")


def generate(
    system: Resolved,
    data: Path,
    out: Path,
    decoding: Decoding,
    *,
    split: str = "test",
    batch_size: int = 16,
    force: bool = False,
) -> int:
    """Write drafts.jsonl and its description drafts.meta.json; returns the number of drafts newly generated.

    Rows that are already there are kept if they answer the same tokens by the same system and decoding (their `key`),
    so an interrupted run goes on where it stopped. Raises InputError if `out` holds drafts of something else, unless
    `force`.
    """
    manifest = read_manifest(data)
    pairs = read_split(data, split)
    if not pairs:
        raise InputError(f"{data}: the split {split!r} is empty; build the dataset from a larger export")
    dtype = decoding.dtype or ("bfloat16" if torch.cuda.is_available() else "float32")
    meta = {
        "system": system.describe(),
        "decoding": {**decoding.model_dump(), "dtype": dtype},
        "data": {"split": split, "sha256": manifest["splits"][split]["sha256"]},
    }
    meta["fingerprint"] = _sha({"decoding": meta["decoding"], "prompt": system.prompt.shown_sha256})
    tokenizer = load_tokenizer(system.base)
    todo = {}
    for pair in pairs:
        ids = encode_prompt(tokenizer, system.prompt, pair)
        todo[pair["id"]] = (_sha({"ids": ids, "system": meta["system"], "decoding": meta["decoding"]}), ids)
    kept = _kept(out, {i: key for i, (key, _) in todo.items()}, force=force)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept), encoding="utf-8")
    out.with_suffix(".meta.json").write_text(json.dumps(meta, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for row in kept:
        del todo[row["id"]]
    if not todo:
        return 0
    model = system.load(dtype)
    with progress("speed") as bar, out.open("a", encoding="utf-8") as file:
        task = bar.add_task(f"drafts: {system.name}", total=len(pairs), completed=len(kept), speed="")
        for rows in _generate(model, tokenizer, todo, decoding, batch_size):
            for row in rows:
                file.write(json.dumps({**row, "system": system.name}, ensure_ascii=False) + "\n")
            file.flush()
            speed = sum(r["draft_tokens"] for r in rows) / sum(r["seconds"] for r in rows)
            bar.update(task, advance=len(rows), speed=f"{speed:,.0f} tok/s")
    return len(todo)


def _generate(
    model: Any, tokenizer: Any, todo: dict[str, tuple[str, list[int]]], decoding: Decoding, batch_size: int
) -> Iterator[list[dict[str, Any]]]:
    """Batches of like length, padded on the left; `seconds` is a draft's share of its batch's time."""
    end = tokenizer.convert_tokens_to_ids(IM_END)
    order = sorted(todo, key=lambda i: (-len(todo[i][1]), i))
    for at in range(0, len(order), batch_size):
        ids = order[at : at + batch_size]
        longest = max(len(todo[i][1]) for i in ids)
        pads = [longest - len(todo[i][1]) for i in ids]
        padded = [[tokenizer.pad_token_id] * pad + todo[i][1] for pad, i in zip(pads, ids, strict=True)]
        inputs = torch.tensor(padded, device=model.device)
        mask = (torch.arange(longest, device=model.device) >= torch.tensor(pads, device=model.device)[:, None]).long()
        started = time.perf_counter()
        with torch.inference_mode():
            output = model.generate(
                input_ids=inputs,
                attention_mask=mask,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                max_new_tokens=decoding.max_new_tokens,
                eos_token_id=end,
                pad_token_id=tokenizer.pad_token_id,
            )
        seconds = (time.perf_counter() - started) / len(ids)
        rows = []
        for i, sequence in zip(ids, output[:, longest:].tolist(), strict=True):
            stopped = end in sequence
            tokens = sequence[: sequence.index(end)] if stopped else sequence
            rows.append(
                {
                    "id": i,
                    "draft": tokenizer.decode(tokens, skip_special_tokens=True).strip(),
                    "prompt_tokens": len(todo[i][1]),
                    "draft_tokens": len(tokens) + stopped,
                    "seconds": round(seconds, 3),
                    "stopped": stopped,
                    "key": todo[i][0],
                }
            )
        yield rows


def _kept(out: Path, keys: dict[str, str], *, force: bool) -> list[dict[str, Any]]:
    if not out.is_file() or force:
        return []
    other = InputError(
        f"{out}: holds no drafts of this system, prompt, decoding and dataset; name another --out, or --force"
    )
    rows = []
    lines = out.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line) if line else None
        except json.JSONDecodeError:
            if number < len(lines) or number == 1:
                raise other from None
            continue  # killed in the middle of its last line: that draft is done again
        if row is None:
            continue
        if not isinstance(row, dict) or "id" not in row or keys.get(row["id"]) != row.get("key"):
            raise other
        rows.append(row)
    return rows


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
