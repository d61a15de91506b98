"""From judgements to token ids, by the prompt and the chat format of plain training, and what was held out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from plume.corpus.dataset import read_manifest
from plume.errors import InputError
from plume.files import file_sha256, json_sha256, sha256
from plume.lineage import Named
from plume.prompt import ChatFormat, Prompt, encode_sample, format_of, load_prompt
from train.preferences.comparisons import Judgement, Reviews, read
from train.preferences.config import PreferencesConfig
from train.preferences.filters import Dropped, sift
from train.samples import reasons

Row = dict[
    str, Any
]  # `id`, `prompt_ids`, then as trl names them: `chosen_ids`, `rejected_ids`; or `completion_ids`, `label`


@dataclass
class Preferences:
    """What is learnt from, what is held out, and what happened to the rest. Rows are as `Row` says."""

    train: list[Row]
    validation: list[Row]
    dropped: Dropped
    manifest: dict[str, Any]
    chat: ChatFormat
    inputs: list[dict[str, str]]  # of each file of decisions, ratings and drafts: `kind`, `name`, `sha256`
    start: Named
    judgements: int  # rows that were read
    said: dict[str, int]  # how many of each outcome are learnt from or held out
    # What the folder of a run asks of all samples: nothing is cut, planted or logged as a split here.
    truncated: list[Row] = field(default_factory=list)
    canaries: list[Row] = field(default_factory=list)
    sources: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """Of every row's token ids and of the adapter where learning starts, which is the reference."""
        told = [[{k: v for k, v in row.items() if k != "source"} for row in of] for of in (self.train, self.validation)]
        return json_sha256([self.start.adapter.sha256, *told])

    def summary(self) -> dict[str, Any]:
        """Count what is learnt from and what was left out, by reason."""
        return {
            "judgements": self.judgements,
            "train_rows": len(self.train),
            "held_out_rows": len(self.validation),
            "dropped": len(self.dropped),
            "truncated": 0,
            "reasons": reasons(self.dropped),
        }

    def learnt_from(self) -> dict[str, Any]:
        """Give what the card says: how many judgements of each outcome are learnt from or held out, of which files."""
        return {"said": self.said, "inputs": self.inputs}

    def tags(self) -> dict[str, str]:
        """Give the digests of the files, as tags of the run and of its version: preferences.decisions.1.sha256."""
        found: Counter[str] = Counter()
        tags = {}
        for file in self.inputs:
            found[file["kind"]] += 1
            tags[f"preferences.{file['kind']}.{found[file['kind']]}.sha256"] = file["sha256"]
        return tags


def load_preferences(config: PreferencesConfig, start: Named, tokenizer: Any) -> Preferences:
    """Read, sift, tokenise and part. Raises InputError where too few judgements are left."""
    manifest, prompt = read_manifest(config.data), load_prompt(start.adapter.prompt)
    given = read(config, Reviews(config.data))
    kept, dropped = sift(given, config, prompt)
    rows: dict[bool, list[Row]] = {True: [], False: []}
    held_out = _held_out(kept, config)
    said: Counter[str] = Counter()
    learnt = 0
    for each in kept:
        found = _encode(each, tokenizer, prompt, config)
        if isinstance(found, str):
            dropped.append(each.dropped(found))
            continue
        said[each.said] += 1
        learnt += each.review_key not in held_out
        rows[each.review_key in held_out] += found
    _check_enough(config, learnt, len(given), dropped)
    kinds = {"decisions": config.decisions, "ratings": config.ratings, "drafts": config.drafts}
    return Preferences(
        rows[False],
        rows[True],
        _in_order(dropped, given),
        manifest,
        format_of(tokenizer),
        [{"kind": k, "name": path.name, "sha256": file_sha256(path)} for k, paths in kinds.items() for path in paths],
        start,
        len(given),
        dict(said),
    )


def _in_order(dropped: Dropped, given: Iterable[Judgement]) -> Dropped:
    """Sort the rows of dropped.jsonl as their judgements were read."""
    order = {each.source: place for place, each in enumerate(given)}
    return sorted(dropped, key=lambda row: order[row["source"]])


def _held_out(kept: list[Judgement], config: PreferencesConfig) -> set[str]:
    """Draw the reviews that are held out, by the seed: all judgements on one review fall on one side."""
    reviews = sorted({each.review_key for each in kept}, key=lambda key: sha256(f"{config.seed} {key}".encode()))
    return set(reviews[: round(config.validation.share * len(reviews))])


def _encode(each: Judgement, tokenizer: Any, prompt: Prompt, config: PreferencesConfig) -> list[Row] | str:
    """Give a judgement's rows, or why it has none."""
    try:
        encoded = [
            encode_sample(tokenizer, prompt, each.review | {"reply": text}) if text else None
            for text in (each.good, each.bad)
        ]
    except ValueError as error:
        return str(error)
    longest = max(len(start) + len(reply) for start, reply in filter(None, encoded))
    if longest > config.max_tokens:
        return f"{longest} tokens, at most {config.max_tokens}"
    named = {"id": each.id, "source": each.source}
    if config.method == "dpo":
        (start, good), (_, bad) = encoded
        return [named | {"prompt_ids": start, "chosen_ids": good, "rejected_ids": bad}]
    return [
        named | {"prompt_ids": one[0], "completion_ids": one[1], "label": wanted}
        for one, wanted in zip(encoded, (True, False), strict=True)
        if one
    ]


def _check_enough(config: PreferencesConfig, learnt: int, given: int, dropped: Dropped) -> None:
    if learnt >= config.least_judgements:
        return
    told = "; ".join(f"{n} × {reason}" for reason, n in Counter(reasons(dropped)).most_common(3))
    raise InputError(
        f"{learnt} judgements to learn from, of {given} that were read, and least_judgements="
        f"{config.least_judgements}: give more" + (f" (left out, most often: {told})" if told else "")
    )
