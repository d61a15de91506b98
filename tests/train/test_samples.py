"""What the model sees and what it is graded on."""

import pytest
import torch

from plume.errors import InputError
from plume.models import Base, load_tokenizer
from plume.prompt import load_prompt
from train.config import TrainConfig
from train.samples import collate, load_samples, micro_batches, step_indices


def _load(tiny_mistral, small_dataset, tmp_path, **changes):
    config = TrainConfig(
        data=small_dataset, out=tmp_path / "run", base=Base(model=str(tiny_mistral)), prompt="short-1", **changes
    )
    tokenizer = load_tokenizer(config.base)
    return load_samples(config, tokenizer, load_prompt(config.prompt)), tokenizer


def test_every_label_is_a_reply_token_and_the_last_is_the_end_of_turn(tiny_mistral, small_dataset, tmp_path):
    samples, tokenizer = _load(tiny_mistral, small_dataset, tmp_path)
    assert len(samples.train) == 13
    for row in samples.train:
        batch = collate([row], tokenizer.pad_token_id)
        assert batch.labels[-1].item() == 32000
        assert batch.labels.tolist() == row["input_ids"][row["prompt_length"] :]
        text = tokenizer.decode(batch.labels[:-1])
        assert text.strip().startswith("Bonjour, nous regrettons")
        assert "Avis" not in text


def test_each_target_position_stands_right_before_its_label(tiny_mistral, small_dataset, tmp_path):
    samples, tokenizer = _load(tiny_mistral, small_dataset, tmp_path)
    batch = collate(list(samples.train), tokenizer.pad_token_id)
    flat = batch.input_ids.flatten()
    assert torch.equal(flat[batch.targets + 1], batch.labels)
    assert batch.attention_mask.flatten()[batch.targets].all()


def test_padding_is_never_learnt_and_never_attended(tiny_mistral, small_dataset, tmp_path):
    samples, tokenizer = _load(tiny_mistral, small_dataset, tmp_path)
    batch = collate(list(samples.train), tokenizer.pad_token_id)
    padding = batch.attention_mask == 0
    assert padding.any()
    assert (batch.input_ids[padding] == tokenizer.pad_token_id).all()
    assert batch.tokens == sum(len(ids) for ids in samples.train["input_ids"])


def test_a_sample_that_is_too_long_is_listed_never_cut(tiny_mistral, small_dataset, tmp_path):
    whole, _ = _load(tiny_mistral, small_dataset, tmp_path)
    lengths = sorted(len(ids) for ids in whole.train["input_ids"])
    limit = lengths[6]
    cut, _ = _load(tiny_mistral, small_dataset, tmp_path, max_tokens=limit)
    kept = [len(ids) for ids in cut.train["input_ids"]]
    assert sorted(kept) == [n for n in lengths if n <= limit]
    assert len(cut.train) + sum(d["split"] == "train" for d in cut.dropped) == 13
    assert all("tokens" in d["reason"] for d in cut.dropped)


def test_no_sample_left_is_an_input_error(tiny_mistral, small_dataset, tmp_path):
    with pytest.raises(InputError, match="raise max_tokens"):
        _load(tiny_mistral, small_dataset, tmp_path, max_tokens=20)


@pytest.mark.parametrize(("count", "batch_size"), [(13, 4), (8, 8), (5, 8), (12, 4)])
def test_an_epoch_sees_each_sample_once(count, batch_size):
    per_epoch = -(-count // batch_size)
    for epoch in range(3):
        seen = [i for s in range(per_epoch) for i in step_indices(count, batch_size, epoch * per_epoch + s, seed=7)]
        assert sorted(seen) == list(range(count))


def test_the_order_depends_on_the_seed_and_the_epoch_alone():
    assert step_indices(13, 4, 5, seed=1) == step_indices(13, 4, 5, seed=1)
    first = [i for s in range(4) for i in step_indices(13, 4, s, seed=1)]
    second = [i for s in range(4, 8) for i in step_indices(13, 4, s, seed=1)]
    other = [i for s in range(4) for i in step_indices(13, 4, s, seed=2)]
    assert first != second
    assert first != other


def test_micro_batches_hold_every_sample_within_the_budget(tiny_mistral, small_dataset, tmp_path):
    samples, tokenizer = _load(tiny_mistral, small_dataset, tmp_path)
    rows = list(samples.train)
    longest = max(len(r["input_ids"]) for r in rows)
    batches = micro_batches(rows, tokenizer.pad_token_id, longest * 2)
    assert sum(len(b.input_ids) for b in batches) == len(rows)
    assert sum(len(b.labels) for b in batches) == sum(len(r["input_ids"]) - r["prompt_length"] for r in rows)
    assert all(b.input_ids.numel() <= longest * 2 for b in batches)
    assert batches[0].input_ids.shape[1] == longest  # what cannot fit in memory fails first
