"""From pairs to token ids. Every pair is accounted for: kept, truncated or dropped, each with its reason."""

import hashlib
import os
import re
import signal
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

import datasets
from plume.corpus.dataset import FEATURES, PASSAGE, feature, read_manifest, read_split
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.models import context_length
from plume.prompt import CHATML, ChatFormat, Prompt, encode_prompt, encode_sample, format_of
from train import canaries, sample_cache
from train.batches import common_prefix
from train.config import TrainConfig

CUT = " […]"  # stands where a review was cut
MOST_PROCESSES, PAIRS_A_PROCESS = 8, 2_000  # that tokenise; a process of its own takes seconds to begin
ENCODED = datasets.Features(
    {
        "id": datasets.Value("string"),
        "input_ids": datasets.List(datasets.Value("int32")),
        "prompt_length": datasets.Value("int32"),
        "sources_tokens": datasets.Value("int32"),
        "fate": datasets.Value("string"),
        "reason": datasets.Value("string"),
    }
)


@dataclass
class Samples:
    """The tokenised splits, and what happened to the pairs that are not there as they were."""

    train: datasets.Dataset
    validation: datasets.Dataset
    dropped: list[dict[str, Any]]  # id, split, reason
    truncated: list[dict[str, Any]]  # the same; the review was cut, or passages of sources were left out
    sources: dict[str, datasets.Dataset]  # split -> pairs as loaded, for lineage
    manifest: dict[str, Any]
    chat: ChatFormat = CHATML
    canaries: list[dict[str, Any]] = field(default_factory=list)  # planted among the training pairs
    sources_tokens: list[int] = field(default_factory=list)  # of each training sample, those of passages it shows

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each training sample, prompt and reply."""
        return _arrays(self.train)[1].tolist()

    def say_sources(self) -> str:
        """Say how many tokens passages of sources add; nothing where the prompt shows none."""
        added, pairs = sum(self.sources_tokens), sum(map(bool, self.sources_tokens))
        if not added:
            return ""
        return (
            f"passages of sources: shown with {pairs} of {len(self.lengths)} training pairs, {added / pairs:.0f} "
            f"tokens each on average ({added:,} an epoch, {added / sum(self.lengths):.0%} of all)"
        )

    @cached_property
    def prefix(self) -> int:
        """Tokens that all training samples start with."""
        return common_prefix(self.train)

    @cached_property
    def sha256(self) -> str:
        """Of every sample's token ids: dataset, prompt, template and tokenizer in one."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation):
            ids, lengths, starts = (array.astype("<i4") for array in _arrays(split))
            for end, length, start in zip(np.cumsum(lengths), lengths, starts, strict=True):
                digest.update(start.tobytes() + ids[end - length : end].tobytes())
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
            **({"sources_tokens_per_epoch": sum(self.sources_tokens)} if any(self.sources_tokens) else {}),
            "longest_sample_tokens": max(self.lengths),
            "shared_prefix_tokens": self.prefix,
            "trained_share": 1 - sum(self.train["prompt_length"]) / total,
        }


def load_samples(config: TrainConfig, tokenizer: Any, prompt: Prompt) -> Samples:
    """Load a dataset folder and tokenise it, or read what an earlier command kept of it (`train.sample_cache`).

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
    planted = canaries.draw(config) if config.canaries else []
    encoded = sample_cache.kept(
        config.data,
        sample_cache.key_of(config, tokenizer, prompt, manifest),
        manifest,
        lambda: {name: _encode(sources[name], config, tokenizer, prompt) for name in SPLITS[:2] if name in sources},
    )
    if planted:
        rows = _encode(_typed(canaries.pairs(planted)), config, tokenizer, prompt)
        encoded["train"] = datasets.concatenate_datasets([encoded["train"], rows])
    chat = format_of(tokenizer)
    dropped: list[dict[str, Any]] = []
    truncated: list[dict[str, Any]] = []
    kept = {split: _settle(encoded.get(split), split, dropped, truncated) for split in SPLITS[:2]}
    sources_tokens = kept["train"]["sources_tokens"][:]
    kept = {split: rows.remove_columns("sources_tokens") for split, rows in kept.items()}
    for split in kept.values():
        _check(split, chat.end_id(tokenizer))
    if lost := [row for row in dropped + truncated if row["id"] in {canary["pair"]["id"] for canary in planted}]:
        raise InputError(f"max_tokens={config.max_tokens}: {lost[0]['id']} has {lost[0]['reason']}; raise max_tokens")
    if config.over_length == "error" and (long := [r for r in dropped if "at most" in r["reason"]]):
        shown = ", ".join(f"{r['id']} ({r['reason']})" for r in long[:5])
        raise InputError(
            f"{config.data}: {len(long)} pairs are longer than max_tokens={config.max_tokens}: {shown}"
            f"{', …' if len(long) > 5 else ''}; raise max_tokens, or over_length=drop or truncate_review"
        )
    if not len(kept["train"]):
        told = ", ".join(f"{n} {why}" for why, n in reasons([r for r in dropped if r["split"] == "train"]).items())
        raise InputError(
            f"{config.data}: no training sample is left of {manifest['splits']['train']['pairs']} pairs "
            f"(max_tokens={config.max_tokens}; {told}); raise max_tokens or build a larger dataset"
        )
    return Samples(
        kept["train"], kept["validation"], dropped, truncated, sources, manifest, chat, planted, sources_tokens
    )


def _encode(pairs: datasets.Dataset, config: TrainConfig, tokenizer: Any, prompt: Prompt) -> datasets.Dataset:
    """Tokenise pairs, in several processes where there are many: columns `id` and those of `encode`."""
    first = os.getpid()

    def row(pair: dict[str, Any]) -> dict[str, Any]:
        if os.getpid() != first:  # Ctrl-C ends the processes by their parent: they say nothing of it
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return encode(pair, tokenizer, prompt, config.max_tokens, config.over_length)

    processes = min(os.cpu_count() or 1, MOST_PROCESSES, len(pairs) // PAIRS_A_PROCESS)
    # Else the tokenizer would warn of each process that is forked once it has threads; a text at a time needs none.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return pairs.map(
        row,
        remove_columns=[c for c in pairs.column_names if c != "id"],
        features=ENCODED,
        keep_in_memory=True,
        load_from_cache_file=False,
        num_proc=processes if processes > 1 else None,
    )


def _settle(
    rows: datasets.Dataset | None, split: str, dropped: list[dict[str, Any]], truncated: list[dict[str, Any]]
) -> datasets.Dataset:
    """Give the samples that are trained on, and add the others to `dropped`, those that were cut to `truncated`."""
    if rows is None:
        rows = datasets.Dataset.from_dict({name: [] for name in ENCODED}, features=ENCODED)
    stay = []
    for place, (pair, fate, reason) in enumerate(zip(*(rows[c][:] for c in ("id", "fate", "reason")), strict=True)):
        if fate != "dropped":
            stay.append(place)
        if fate != "kept":
            (dropped if fate == "dropped" else truncated).append({"id": pair, "split": split, "reason": reason})
    if len(stay) < len(rows):
        rows = rows.select(stay).flatten_indices(keep_in_memory=True)
    return rows.remove_columns(["fate", "reason"])


def _check(samples: datasets.Dataset, end: int) -> None:
    """Assert that each sample has a prompt and trained tokens, and ends its turn."""
    ids, lengths, starts = _arrays(samples)
    assert ((starts > 0) & (starts < lengths)).all(), "a kept sample has trained tokens and a prompt"
    assert (ids[np.cumsum(lengths) - 1] == end).all(), "a kept sample ends its turn"


def _arrays(samples: datasets.Dataset) -> tuple[Any, Any, Any]:
    """Give the token ids of all samples in a row, how many each has, and how many of those are its prompt's."""
    table = samples.with_format("arrow")[:]
    ids = table["input_ids"].combine_chunks()
    lengths = pa.compute.list_value_length(ids)
    return tuple(a.to_numpy(zero_copy_only=False) for a in (ids.flatten(), lengths, table["prompt_length"]))


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
    features = {name: feature(kind) for name, kind in FEATURES.items()}
    for name, kind in FEATURES.items():
        if kind == "date32":
            table[name] = [day and date.fromisoformat(day) for day in table[name]]
        if kind == "passages":
            table[name] = [found and [_dated(passage) for passage in found] for found in table[name]]
    return datasets.Dataset.from_dict(table, features=datasets.Features(features))


def _dated(passage: dict[str, Any]) -> dict[str, Any]:
    found = {key: passage.get(key) for key in PASSAGE}
    return {key: day and date.fromisoformat(day) if PASSAGE[key] == "date32" else day for key, day in found.items()}


def encode(
    pair: dict[str, Any], tokenizer: Any, prompt: Prompt, max_tokens: int, over_length: str = "drop"
) -> dict[str, Any]:
    """A pair as `input_ids`, `prompt_length`, `sources_tokens`, `fate` ("kept", "truncated", "dropped"), `reason`.

    What is too long first loses passages of sources, the last first: the reply was written without them.
    """
    for part in ("review", "reply"):
        if not str(pair.get(part) or "").strip():
            return _gone(f"empty {part}")
    try:
        start, reply = encode_sample(tokenizer, prompt, pair)
        length, passages = len(start) + len(reply), prompt.passages(pair)
        said = f"{length} tokens, at most {max_tokens}"
        while len(start) + len(reply) > max_tokens and prompt.passages(pair):
            pair = prompt.without_last_passage(pair)
            start, reply = encode_sample(tokenizer, prompt, pair)
        if len(start) + len(reply) > max_tokens and over_length != "truncate_review":
            return _gone(said)
        if len(start) + len(reply) > max_tokens:
            return _truncate(pair, tokenizer, prompt, max_tokens, len(start) + len(reply), said)
        shown = prompt.passages(pair)
        added = len(start) - len(encode_prompt(tokenizer, prompt, pair | {"sources": []})) if shown else 0
    except ValueError as error:
        return _gone(str(error))
    left_out = len(passages) - len(shown)
    reason = f"{said}: {left_out} of {len(passages)} passages left out" if left_out else ""
    return _sample(start, reply, reason) | {"sources_tokens": added}


def _truncate(
    pair: dict[str, Any], tokenizer: Any, prompt: Prompt, max_tokens: int, length: int, said: str
) -> dict[str, Any]:
    """The sample with a beginning of its review that fits, cut at a word within 2 % of the longest. The reply stays."""
    words = pair["review"].split()

    def cut(keep: int) -> tuple[list[int], list[int]]:
        return encode_sample(tokenizer, prompt, pair | {"review": " ".join(words[:keep]) + CUT})

    best, low, high = cut(0), 0, len(words)
    fewest, most = len(best[0]) + len(best[1]), length
    if fewest > max_tokens:
        return _gone(f"{said}, and more than that without the review")
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
    return _sample(*best, f"{said}: review cut from {len(words)} to {low} words")


def _sample(start: list[int], reply: list[int], reason: str) -> dict[str, Any]:
    fate = "truncated" if reason else "kept"
    ids = {"input_ids": start + reply, "prompt_length": len(start), "sources_tokens": 0}
    return ids | {"fate": fate, "reason": reason}


def _gone(reason: str) -> dict[str, Any]:
    return {"input_ids": [], "prompt_length": 0, "sources_tokens": 0, "fate": "dropped", "reason": reason}


def reasons(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many rows have each kind of reason, numbers left out: "# tokens, at most #" → 3."""
    return dict(Counter(re.sub(r"\d+", "#", r["reason"]) for r in rows))
