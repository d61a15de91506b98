"""From pairs to token ids. Every pair is accounted for: kept, truncated or dropped, each with its reason."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import datasets
from plume.corpus.dataset import FEATURES, read_manifest, read_split
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.models import context_length
from plume.prompt import CHATML, ChatFormat, Prompt, encode_sample, format_of
from train import canaries
from train.batches import common_prefix
from train.config import TrainConfig

CUT = " […]"  # stands where a review was cut


@dataclass
class Samples:
    """The tokenised splits, and what happened to the pairs that are not there as they were."""

    train: datasets.Dataset
    validation: datasets.Dataset
    dropped: list[dict[str, Any]]  # id, split, reason
    truncated: list[dict[str, Any]]  # the same
    sources: dict[str, datasets.Dataset]  # split -> pairs as loaded, for lineage
    manifest: dict[str, Any]
    chat: ChatFormat = CHATML
    canaries: list[dict[str, Any]] = field(default_factory=list)  # planted among the training pairs

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each training sample, prompt and reply."""
        return [len(ids) for ids in self.train["input_ids"]]

    @cached_property
    def prefix(self) -> int:
        """Tokens that all training samples start with."""
        return common_prefix(self.train)

    @cached_property
    def sha256(self) -> str:
        """Of every sample's token ids: dataset, prompt, template and tokenizer in one."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation):
            for ids, start in zip(split["input_ids"], split["prompt_length"], strict=True):
                digest.update(np.array([start, *ids], dtype="<i4").tobytes())
            digest.update(b"\0")
        return digest.hexdigest()

    def summary(self) -> dict[str, Any]:
        """Counts of what is trained on: pairs, tokens, share of trained tokens, what was left out."""
        total = sum(self.lengths)
        return {
            "train_pairs": len(self.train),
            "validation_pairs": len(self.validation),
            "dropped": len(self.dropped),
            "truncated": len(self.truncated),
            "tokens_per_epoch": total,
            "longest_sample_tokens": max(self.lengths),
            "shared_prefix_tokens": self.prefix,
            "trained_share": 1 - sum(self.train["prompt_length"]) / total,
        }


def load_samples(config: TrainConfig, tokenizer: Any, prompt: Prompt) -> Samples:
    """Load a dataset folder and tokenise it through `Dataset.map`.

    Columns: `id`, `input_ids` (prompt and reply), `prompt_length`. Raises InputError if no training sample is left, or
    if one is longer than `max_tokens` and `over_length` is "error".
    """
    datasets.disable_progress_bars()
    context = context_length(config.base)
    if context and config.max_tokens > context:
        raise InputError(
            f"max_tokens={config.max_tokens}: base.model={config.base.model} was made for {context} tokens"
        )
    manifest = read_manifest(config.data)
    if not manifest["splits"]["train"]["pairs"]:
        raise InputError(f"{config.data}: its training split holds no pair; build a larger dataset")
    sources = {split: _pairs(config.data, split) for split in SPLITS if manifest["splits"][split]["pairs"]}
    for split, rows in sources.items():
        if len(rows) != (told := manifest["splits"][split]["pairs"]):
            raise InputError(
                f"{config.data / split}.jsonl: holds {len(rows)} pairs, manifest.json says {told}; build the dataset "
                "folder again"
            )
    dropped: list[dict[str, Any]] = []
    truncated: list[dict[str, Any]] = []
    encoded = {}
    planted = canaries.draw(config) if config.canaries else []
    chat = format_of(tokenizer)
    end = chat.end_id(tokenizer)
    for split in SPLITS[:2]:
        if split not in sources:
            encoded[split] = datasets.Dataset.from_dict({"id": [], "input_ids": [], "prompt_length": []})
            continue
        given = sources[split]
        if split == "train" and planted:
            given = datasets.concatenate_datasets([given, _typed(canaries.pairs(planted))])
        rows = given.map(
            lambda pair: encode(pair, tokenizer, prompt, config.max_tokens, config.over_length),
            remove_columns=[c for c in given.column_names if c != "id"],
            keep_in_memory=True,
        )
        fates: dict[str, list[dict[str, Any]]] = {"kept": [], "dropped": [], "truncated": []}
        for row in rows.select_columns(["id", "fate", "reason"]):
            fates[row["fate"]].append({"id": row["id"], "split": split, "reason": row["reason"]})
        dropped += fates["dropped"]
        truncated += fates["truncated"]
        kept = rows.filter(lambda r: r["fate"] != "dropped", keep_in_memory=True).remove_columns(["fate", "reason"])
        assert len(kept) + len(fates["dropped"]) == len(given), f"{split}: a pair is neither kept nor dropped"
        for ids, start in zip(kept["input_ids"], kept["prompt_length"], strict=True):
            assert 0 < start < len(ids), "a kept sample has trained tokens and a prompt"
            assert ids[-1] == end, "a kept sample ends its turn"
        encoded[split] = kept
    if lost := [row for row in dropped + truncated if row["id"] in {canary["pair"]["id"] for canary in planted}]:
        raise InputError(f"max_tokens={config.max_tokens}: {lost[0]['id']} has {lost[0]['reason']}; raise max_tokens")
    if config.over_length == "error" and (long := [r for r in dropped if "at most" in r["reason"]]):
        shown = ", ".join(f"{r['id']} ({r['reason']})" for r in long[:5])
        raise InputError(
            f"{config.data}: {len(long)} pairs are longer than max_tokens={config.max_tokens}: {shown}"
            f"{', …' if len(long) > 5 else ''}; raise max_tokens, or over_length=drop or truncate_review"
        )
    if not len(encoded["train"]):
        told = ", ".join(f"{n} {why}" for why, n in reasons([r for r in dropped if r["split"] == "train"]).items())
        raise InputError(
            f"{config.data}: no training sample is left of {manifest['splits']['train']['pairs']} pairs "
            f"(max_tokens={config.max_tokens}; {told}); raise max_tokens or build a larger dataset"
        )
    return Samples(encoded["train"], encoded["validation"], dropped, truncated, sources, manifest, chat, planted)


def _pairs(folder: Path, split: str) -> datasets.Dataset:
    """The pairs of a split, with the features that the dataset card declares, in memory.

    Not by `load_dataset`: it takes a path with `[`, `*` or `?` for a pattern, which other folders may match, and keeps
    a copy of the texts in a cache, where nobody who is to be forgotten would be looked for.
    """
    try:
        return _typed(read_split(folder, split))
    except (ValueError, TypeError, pa.ArrowException) as error:  # described by its manifest, and made by hand
        raise InputError(f"{Path(folder) / split}.jsonl: not the columns of a dataset folder ({error})") from None


def _typed(rows: list[dict[str, Any]]) -> datasets.Dataset:
    table = {name: [row.get(name) for row in rows] for name in FEATURES}
    features = {name: datasets.Value(kind) for name, kind in FEATURES.items()}
    for name, kind in FEATURES.items():
        if kind == "date32":
            table[name] = [day and date.fromisoformat(day) for day in table[name]]
    return datasets.Dataset.from_dict(table, features=datasets.Features(features))


def encode(
    pair: dict[str, Any], tokenizer: Any, prompt: Prompt, max_tokens: int, over_length: str = "drop"
) -> dict[str, Any]:
    """A pair as `input_ids`, `prompt_length`, `fate` ("kept", "truncated" or "dropped") and its `reason`."""
    for part in ("review", "reply"):
        if not str(pair.get(part) or "").strip():
            return _gone(f"empty {part}")
    try:
        start, reply = encode_sample(tokenizer, prompt, pair)
    except ValueError as error:
        return _gone(str(error))
    length = len(start) + len(reply)
    if length <= max_tokens:
        return {"input_ids": start + reply, "prompt_length": len(start), "fate": "kept", "reason": ""}
    if over_length != "truncate_review":
        return _gone(f"{length} tokens, at most {max_tokens}")
    return _truncate(pair, tokenizer, prompt, max_tokens, length)


def _truncate(pair: dict[str, Any], tokenizer: Any, prompt: Prompt, max_tokens: int, length: int) -> dict[str, Any]:
    """The sample with a beginning of its review that fits, cut at a word within 2 % of the longest. The reply stays."""
    words = pair["review"].split()

    def cut(keep: int) -> tuple[list[int], list[int]]:
        return encode_sample(tokenizer, prompt, pair | {"review": " ".join(words[:keep]) + CUT})

    try:
        best, low, high = cut(0), 0, len(words)
        fewest, most = len(best[0]) + len(best[1]), length
        if fewest > max_tokens:
            return _gone(f"{length} tokens, at most {max_tokens}, and more than that without the review")
        while high - low > max(1, len(words) // 50):
            # Where the limit would be if all words were of one length; at the ends, a step in any case.
            keep = low + round((high - low) * (max_tokens - fewest) / (most - fewest))
            margin = max(1, (high - low) // 10)
            keep = min(max(keep, low + margin), high - margin)
            sample = cut(keep)
            tokens = len(sample[0]) + len(sample[1])
            if tokens <= max_tokens:
                best, low, fewest = sample, keep, tokens
            else:
                high, most = keep, tokens
    except ValueError as error:
        return _gone(str(error))
    reason = f"{length} tokens, at most {max_tokens}: review cut from {len(words)} to {low} words"
    return {"input_ids": best[0] + best[1], "prompt_length": len(best[0]), "fate": "truncated", "reason": reason}


def _gone(reason: str) -> dict[str, Any]:
    return {"input_ids": [], "prompt_length": 0, "fate": "dropped", "reason": reason}


def reasons(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many rows have each kind of reason, numbers left out: "# tokens, at most #" → 3."""
    return dict(Counter(re.sub(r"\d+", "#", r["reason"]) for r in rows))
