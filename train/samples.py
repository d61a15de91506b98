"""From pairs to token ids, to micro-batches: loss on the reply's tokens only, end-of-turn included."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import datasets
from plume.corpus.dataset import read_manifest
from plume.errors import InputError
from plume.paths import home
from plume.prompt import Prompt, encode_sample
from train.config import TrainConfig


@dataclass
class Samples:
    """The tokenised splits, and the pairs left out with the reason."""

    train: datasets.Dataset
    validation: datasets.Dataset
    dropped: list[dict[str, Any]]
    sources: dict[str, datasets.Dataset]  # split -> pairs as loaded, for lineage
    manifest: dict[str, Any]


def load_samples(config: TrainConfig, tokenizer: Any, prompt: Prompt) -> Samples:
    """Load a dataset folder and tokenise it through `Dataset.map`.

    Columns: `id`, `input_ids` (prompt and reply), `prompt_length`. Raises InputError if no training sample is left.
    """
    datasets.disable_progress_bars()
    manifest = read_manifest(config.data)
    sources = dict(datasets.load_dataset(str(Path(config.data).resolve()), cache_dir=str(home() / "splits")))
    for split, rows in sources.items():
        assert len(rows) == manifest["splits"][split]["pairs"], f"{split}: not the pairs of the manifest"
    dropped: list[dict[str, Any]] = []
    encoded = {}
    for split in ("train", "validation"):
        if split not in sources:
            encoded[split] = datasets.Dataset.from_dict({"id": [], "input_ids": [], "prompt_length": []})
            continue
        rows = sources[split].map(
            lambda pair: _encode(pair, tokenizer, prompt, config.max_tokens),
            remove_columns=[c for c in sources[split].column_names if c != "id"],
            keep_in_memory=True,
        )
        dropped += [{"id": r["id"], "split": split, "reason": r["reason"]} for r in rows if r["reason"]]
        encoded[split] = rows.filter(lambda r: not r["reason"], keep_in_memory=True).remove_columns("reason")
    if not len(encoded["train"]):
        raise InputError(
            f"{config.data}: no training sample is left of {manifest['splits']['train']['pairs']} pairs "
            f"({len(dropped)} longer than max_tokens={config.max_tokens}); raise max_tokens or build a larger dataset"
        )
    return Samples(encoded["train"], encoded["validation"], dropped, sources, manifest)


def _encode(pair: dict[str, Any], tokenizer: Any, prompt: Prompt, max_tokens: int) -> dict[str, Any]:
    try:
        start, reply = encode_sample(tokenizer, prompt, pair)
    except ValueError as error:
        return {"input_ids": [], "prompt_length": 0, "reason": str(error)}
    length = len(start) + len(reply)
    reason = f"{length} tokens, at most {max_tokens}" if length > max_tokens else ""
    return {"input_ids": [] if reason else start + reply, "prompt_length": len(start), "reason": reason}


def step_indices(count: int, batch_size: int, step: int, seed: int) -> list[int]:
    """The samples of optimiser step `step` (from 0): epochs are seeded permutations, read one after the other.

    It depends on its arguments alone, so a resumed run sees the same data in the same order. An epoch's last batch may
    be smaller: a batch never spans two epochs.
    """
    per_epoch = -(-count // batch_size)
    epoch, position = divmod(step, per_epoch)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed + epoch)).tolist()
    return order[position * batch_size : (position + 1) * batch_size]


@dataclass
class MicroBatch:
    """Padded on the right. `input_ids`, `attention_mask`: [samples, longest]; `targets`: positions whose next token is
    learnt, as flat indices into [samples × longest], with their `labels`: [trained tokens]."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    targets: torch.Tensor
    labels: torch.Tensor
    tokens: int  # without padding

    def to(self, device: Any) -> "MicroBatch":
        return MicroBatch(
            self.input_ids.to(device),
            self.attention_mask.to(device),
            self.targets.to(device),
            self.labels.to(device),
            self.tokens,
        )


def micro_batches(rows: list[dict[str, Any]], pad_id: int, budget: int) -> list[MicroBatch]:
    """Group samples of like length so that longest × samples stays within `budget` tokens; longest groups first,
    so that what does not fit in memory fails at the first step."""
    groups: list[list[dict[str, Any]]] = []
    for row in sorted(rows, key=lambda r: -len(r["input_ids"])):
        if groups and len(groups[-1][0]["input_ids"]) * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(row)
        else:
            groups.append([row])
    return [collate(group, pad_id) for group in groups]


def collate(rows: list[dict[str, Any]], pad_id: int) -> MicroBatch:
    longest = max(len(r["input_ids"]) for r in rows)
    input_ids = torch.full((len(rows), longest), pad_id)
    attention_mask = torch.zeros((len(rows), longest), dtype=torch.long)
    targets, labels = [], []
    for i, row in enumerate(rows):
        ids = torch.tensor(row["input_ids"])
        input_ids[i, : len(ids)] = ids
        attention_mask[i, : len(ids)] = 1
        # Position p predicts token p+1: the last prompt position predicts the reply's first token.
        positions = torch.arange(row["prompt_length"] - 1, len(ids) - 1)
        targets.append(positions + i * longest)
        labels.append(ids[row["prompt_length"] :])
    return MicroBatch(input_ids, attention_mask, torch.cat(targets), torch.cat(labels), int(attention_mask.sum()))
