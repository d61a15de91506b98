"""What the model sees and what it is graded on."""

import shutil
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plume.errors import InputError
from plume.models import Base, load_tokenizer
from plume.prompt import load_prompt
from train.batches import common_prefix, group, micro_batches, pack, step_indices, worst_group
from train.config import TrainConfig
from train.samples import encode, load_samples


def _load(tiny_mistral, small_dataset, tmp_path, **changes):
    config = TrainConfig(
        data=small_dataset, out=tmp_path / "run", base=Base(model=str(tiny_mistral)), prompt="short-1", **changes
    )
    tokenizer = load_tokenizer(config.base)
    return load_samples(config, tokenizer, load_prompt(config.prompt)), tokenizer


@pytest.mark.parametrize("name", ["data[1]", "data*", "data?", "**", "{a,b}", "100%20", "a#b c"])
def test_a_data_folder_is_taken_literally_and_no_neighbour_is_read(
    tiny_mistral, small_dataset, tmp_path, plume_home, name
):
    """`load_dataset` takes it for a pattern; and it keeps a copy of the texts where no one looks who must forget."""
    for folder in (name, "data1", "dataX"):
        shutil.copytree(small_dataset, tmp_path / folder)
    samples, _ = _load(tiny_mistral, tmp_path / name, tmp_path)
    assert (len(samples.train), len(samples.validation), len(samples.sources["test"])) == (13, 3, 3)
    assert samples.sources["train"][0]["written_on"] == date(2023, 1, 15)
    assert not (plume_home / "splits").exists()


def test_every_label_is_a_reply_token_and_the_last_is_the_end_of_turn(tiny_mistral, small_dataset, tmp_path):
    samples, tokenizer = _load(tiny_mistral, small_dataset, tmp_path)
    assert len(samples.train) == 13
    for row in samples.train:
        batch = pack([row])
        assert batch.labels[-1].item() == 32000
        assert batch.labels.tolist() == row["input_ids"][row["prompt_length"] :]
        text = tokenizer.decode(batch.labels[:-1])
        assert text.strip().startswith("Bonjour, nous regrettons")
        assert "Avis" not in text


@pytest.mark.parametrize("share", [True, False])
def test_each_target_position_stands_right_before_its_label(tiny_mistral, small_dataset, tmp_path, share):
    samples, _ = _load(tiny_mistral, small_dataset, tmp_path)
    rows = list(samples.train)
    batch = pack(rows, share=share)
    assert (batch.layout.prefix > 50) is share
    ends = [end for _, end in batch.layout.bounds]
    inside = [p for p in batch.targets.tolist() if p + 1 not in ends]
    following = dict(zip(batch.targets.tolist(), batch.labels.tolist(), strict=True))
    assert all(following[p] == batch.input_ids[0, p + 1].item() for p in inside)
    assert len(batch.labels) == sum(len(r["input_ids"]) - r["prompt_length"] for r in rows)


def test_a_packed_row_holds_every_sample_whole_at_its_own_positions(tiny_mistral, small_dataset, tmp_path):
    samples, _ = _load(tiny_mistral, small_dataset, tmp_path)
    rows = list(samples.train)
    batch = pack(rows)
    prefix = batch.input_ids[0, : batch.layout.prefix].tolist()
    for row, (start, end) in zip(rows, batch.layout.bounds, strict=True):
        assert prefix + batch.input_ids[0, start:end].tolist() == row["input_ids"]
        assert batch.position_ids[0, start:end].tolist() == list(range(len(prefix), len(row["input_ids"])))
    assert batch.tokens == batch.input_ids.shape[1]  # no padding


def test_the_prefix_is_the_longest_and_never_reaches_a_target():
    row = lambda ids, prompt: {"input_ids": ids, "prompt_length": prompt}  # noqa: E731
    assert common_prefix([row([1, 2, 3, 4, 5], 4), row([1, 2, 9, 4, 5], 4)]) == 2
    assert common_prefix([row([1, 2, 3, 4, 5], 4), row([1, 2, 3, 4, 6], 4)]) == 3  # the last prompt token stays own
    assert common_prefix([row([1, 2, 3, 4, 5], 2), row([1, 2, 3, 4, 6], 4)]) == 1
    assert common_prefix([row([1, 2, 3], 2)]) == 0  # alone, it shares nothing
    assert common_prefix([]) == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(11, 400), min_size=1, max_size=40), st.integers(0, 10), st.integers(10, 900))
def test_groups_hold_each_sample_once_within_the_budget(lengths, prefix, budget):
    groups = group(lengths, prefix, budget)
    assert sorted(i for g in groups for i in g) == list(range(len(lengths)))
    sizes = [prefix + sum(lengths[i] - prefix for i in g) for g in groups]
    assert all(size <= budget or len(g) == 1 for size, g in zip(sizes, groups, strict=True))
    assert sizes == sorted(sizes, reverse=True)


def test_the_worst_group_is_the_largest_of_all_steps():
    lengths = [50, 60, 300, 40, 200, 90]
    assert worst_group(lengths, [[0, 1], [2, 3], [4, 5]], 10, 400) == [2, 3]
    assert sorted(worst_group(lengths, [[0, 1], [3, 4, 5], [2]], 10, 400)) == [3, 4, 5]
    assert worst_group(lengths, [[0, 1], [3, 4, 5], [2]], 10, 400, processes=2) == [2]


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
    samples, _ = _load(tiny_mistral, small_dataset, tmp_path)
    rows = list(samples.train)
    longest = max(len(r["input_ids"]) for r in rows)
    batches = micro_batches(rows, longest * 2)
    assert len(batches) > 1
    assert sum(b.samples for b in batches) == len(rows)
    assert sum(len(b.labels) for b in batches) == sum(len(r["input_ids"]) - r["prompt_length"] for r in rows)
    assert all(b.tokens <= longest * 2 for b in batches)
    assert micro_batches([], 100) == []


def test_over_length_truncates_the_review_never_the_reply(tiny_mistral, small_dataset, tmp_path):
    whole, _ = _load(tiny_mistral, small_dataset, tmp_path)
    replies = {r["id"]: r["input_ids"][r["prompt_length"] :] for r in whole.train}
    limit = sorted(whole.lengths)[6]
    cut, tokenizer = _load(tiny_mistral, small_dataset, tmp_path, max_tokens=limit, over_length="truncate_review")
    assert len(cut.train) + sum(d["split"] == "train" for d in cut.dropped) == 13
    assert max(cut.lengths) <= limit
    touched = {t["id"] for t in cut.truncated if t["split"] == "train"}
    assert touched
    for row in cut.train:
        assert row["input_ids"][row["prompt_length"] :] == replies[row["id"]]
        assert ("[…]" in tokenizer.decode(row["input_ids"])) is (row["id"] in touched)
    assert all("review cut from" in t["reason"] for t in cut.truncated)


def test_over_length_as_an_error_names_the_pairs(tiny_mistral, small_dataset, tmp_path):
    with pytest.raises(InputError, match=r"pairs are longer than max_tokens=150: 9\d\d-1 \(\d+ tokens"):
        _load(tiny_mistral, small_dataset, tmp_path, max_tokens=150, over_length="error")


def test_an_empty_reply_is_dropped_with_its_reason(tiny_mistral):
    tokenizer = load_tokenizer(Base(model=str(tiny_mistral)))
    row = encode({"review": "Bonjour", "reply": " \n"}, tokenizer, load_prompt("short-1"), 500)
    assert (row["fate"], row["reason"], row["input_ids"]) == ("dropped", "empty reply", [])
