"""Nothing is lost or cut silently: 10,000 generated pairs of 5 to 5,000 tokens, each kept, truncated or dropped."""

import json
import random
from collections import Counter

import pytest

from plume.models import Base, load_tokenizer
from plume.prompt import load_prompt
from train.samples import encode

WORDS = "bonjour dossier agence rendez-vous attestation délai conseiller formulaire merci".split()  # noqa: SIM905
COUNT, LIMIT = 10_000, 1024


@pytest.fixture(scope="module")
def pairs():
    draw = random.Random(5)
    text = lambda tokens: " ".join(draw.choices(WORDS, k=max(1, round(tokens / 3))))  # noqa: E731
    size = lambda: 5 * 1000 ** draw.random()  # noqa: E731 - 5 to 5,000, as many short as long
    rows = [{"id": f"{i}-1", "review": text(size()), "reply": text(size())} for i in range(COUNT - 3)]
    return [*rows, *({"id": f"e-{i}", "review": "Bonjour", "reply": blank} for i, blank in enumerate(("", " ", "\n")))]


@pytest.mark.parametrize(
    ("over_length", "count"),
    [
        ("drop", 1000),
        ("truncate_review", 500),
        pytest.param("drop", COUNT, marks=pytest.mark.long),
        pytest.param("truncate_review", COUNT, marks=pytest.mark.long),
    ],
)
def test_every_pair_is_accounted_for(pairs, tiny_mistral, over_length, count):
    pairs = pairs[-count:]
    tokenizer, prompt = load_tokenizer(Base(model=str(tiny_mistral))), load_prompt("short-1")
    fates: Counter = Counter()
    for pair in pairs:
        row = encode(pair, tokenizer, prompt, LIMIT, over_length)
        fates[row["fate"]] += 1
        if row["fate"] == "dropped":
            assert row["reason"]
            assert row["input_ids"] == []
            continue
        assert (row["reason"] == "") is (row["fate"] == "kept")
        assert len(row["input_ids"]) <= LIMIT
        learnt = row["input_ids"][row["prompt_length"] :]
        assert learnt[-1] == 32000
        assert tokenizer.decode(learnt[:-1]).strip() == pair["reply"]  # whole, whatever happened to the review
    assert sum(fates.values()) == count
    assert set(fates) == ({"kept", "dropped"} if over_length == "drop" else {"kept", "truncated", "dropped"})
    assert fates["kept"] > count / 10
    assert fates["dropped"] > count / 100


def test_a_run_counts_what_it_leaves_out(plume_train, small_dataset):
    folder = plume_train("short", max_tokens=200, micro_batch_tokens=400, max_steps=1)
    dropped = [json.loads(line) for line in (folder / "dropped.jsonl").read_text().splitlines()]
    facts = json.loads((folder / "adapter" / "training.json").read_text())
    assert len(dropped) == facts["samples"]["dropped"] > 0
    kept = facts["samples"]["train_pairs"] + facts["samples"]["validation_pairs"]
    assert kept + len(dropped) == 13 + 3
    assert all("at most 200" in row["reason"] for row in dropped)
