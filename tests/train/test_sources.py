"""Training on a dataset with sources: what passages add, what loses them first, what MLflow is told."""

import pytest

from plume.corpus.dataset import read_split
from plume.models import Base, load_tokenizer
from plume.prompt import encode_prompt, encode_sample, load_prompt
from tests.conftest import PASSAGES
from train.config import TrainConfig
from train.samples import encode, load_samples


@pytest.fixture(scope="module")
def tokenizer(tiny_mistral):
    return load_tokenizer(Base(model=str(tiny_mistral)))


def test_what_passages_add_is_counted_and_told(tiny_mistral, tokenizer, small_dataset, sourced_dataset, tmp_path):
    def load(data, prompt):
        config = TrainConfig(data=data, out=tmp_path / "run", base=Base(model=str(tiny_mistral)), prompt=prompt)
        return load_samples(config, tokenizer, load_prompt(prompt))

    with_sources, without = load(sourced_dataset, "v3"), load(small_dataset, "v3")
    added = sum(with_sources.lengths) - sum(without.lengths)
    assert sum(with_sources.sources_tokens) == with_sources.summary()["sources_tokens_per_epoch"] == added > 13 * 50
    assert f"shown with 13 of 13 training pairs, {added / 13:.0f} tokens each" in with_sources.say_sources()
    assert without.say_sources() == ""
    assert "sources_tokens_per_epoch" not in without.summary()
    assert load(sourced_dataset, "v2").sha256 == load(small_dataset, "v2").sha256  # older prompts ignore them
    [row] = [pair for pair in read_split(sourced_dataset, "train") if pair["id"] == with_sources.train[0]["id"]]
    start, reply = encode_sample(tokenizer, load_prompt("v3"), row)  # as serving reads it, a date as text
    assert with_sources.train[0]["input_ids"] == start + reply


@pytest.mark.parametrize("over_length", ["drop", "truncate_review"])
def test_a_sample_that_is_too_long_first_loses_passages(tokenizer, sourced_dataset, over_length):
    prompt, pair = load_prompt("v3"), read_split(sourced_dataset, "train")[2]
    whole = [sum(map(len, encode_sample(tokenizer, prompt, pair | {"sources": PASSAGES[:n]}))) for n in range(4)]
    for n in range(4):
        row = encode(pair, tokenizer, prompt, whole[n], over_length)
        assert (len(row["input_ids"]), row["fate"]) == (whole[n], "kept" if n == 3 else "truncated")
        assert row["reason"] == (
            "" if n == 3 else f"{whole[3]} tokens, at most {whole[n]}: {3 - n} of 3 passages left out"
        )
        shown = encode_prompt(tokenizer, prompt, pair | {"sources": PASSAGES[:n]})
        assert row["input_ids"][: row["prompt_length"]] == shown
        assert row["sources_tokens"] == whole[n] - whole[0]
    row = encode(pair, tokenizer, prompt, whole[0] - 5, over_length)
    assert row["fate"] == ("dropped" if over_length == "drop" else "truncated")
    assert f"{whole[3]} tokens, at most {whole[0] - 5}" in row["reason"]
    assert row["sources_tokens"] == 0


def test_preview_tells_what_passages_add_and_mlflow_takes_the_pairs(shown, sourced_dataset, tiny_mistral, tmp_path):
    printed = shown("--preview", "1", data=sourced_dataset, prompt="v3")
    assert "passages of sources: shown with 13 of 13" in " ".join(printed.split())
    import mlflow.data

    base = Base(model=str(tiny_mistral))
    config = TrainConfig(data=sourced_dataset, out=tmp_path / "run", base=base, prompt="v3")
    pairs = load_samples(config, load_tokenizer(base), load_prompt("v3")).sources["train"]
    told = mlflow.data.from_huggingface(pairs, path=str(sourced_dataset), name="train", digest="e" * 36).to_dict()
    assert '"sources"' in told["schema"]
