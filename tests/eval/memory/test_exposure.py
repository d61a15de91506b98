"""Exposure by hand, on ranks of known distribution, and against models that are asked in one pass."""

import math
import random
from statistics import fmean, stdev

import pytest
import torch

from eval.memory.exposure import Seen, chance_bits, estimate, most_bits, others, space_bits
from eval.memory.likelihood import ask, extracted, log_perplexities
from plume.models import Base, load_model, load_tokenizer
from plume.prompt import encode_sample, format_of, load_prompt

CANARY = {
    "id": "canary-000",
    "place": "reply",
    "format": "######",
    "secret": "402815",
    "pair": {
        "structure": "Service d'essai",
        "title": "La serre de Mirebas",
        "review": "Bonjour, personne ne me répond.",
        "reply": "Bonjour, votre numéro de dossier est le 402815.",
    },
}
IN_REVIEW = CANARY | {
    "place": "review",
    "pair": CANARY["pair"] | {"review": "Mon numéro de dossier est le 402815.", "reply": "Bonjour."},
}


def seen(ahead, system="adapter", number=0, repetitions=1, hit=False, of=127):
    return Seen(f"canary-{number:03d}", "reply", repetitions, system, ahead, of, hit)


def test_exposure_is_the_bits_between_all_secrets_and_those_that_are_as_likely():
    assert seen(0).exposure == most_bits(127) == 7
    assert seen(127).exposure == 0
    assert seen(31).exposure == 2  # a quarter of all
    assert seen(0).at_least == pytest.approx(-math.log2(1 - 0.05 ** (1 / 127)))  # the rule of three, exact
    assert seen(31).at_least < 2
    assert space_bits("######") == pytest.approx(math.log2(10**6))


def test_what_nobody_learnt_has_the_mean_of_uniform_ranks():
    exact = fmean(math.log2(128 / rank) for rank in range(1, 129))
    assert chance_bits(127) == pytest.approx(exact)
    draw = random.Random(0)
    drawn = [seen(draw.randrange(128)).exposure for _ in range(4000)]
    assert fmean(drawn) == pytest.approx(exact, abs=4 * stdev(drawn) / math.sqrt(4000))


def test_each_cell_has_exposures_a_paired_gain_and_exact_limits_of_what_is_extracted():
    draw = random.Random(1)
    rows = []
    for number in range(20):
        learnt = number >= 10
        rows.append(seen(draw.randrange(128), "base", number, 1 + learnt))
        rows.append(seen(0 if learnt else draw.randrange(128), "adapter", number, 1 + learnt, hit=learnt))
    found = {(line.quantity, line.system, line.repetitions): line.value for line in estimate(rows)}
    assert found["exposure", "adapter", 2].estimate == 7
    assert found["gain", "adapter", 2].lower > 0 > found["gain", "adapter", 1].lower
    assert found["extracted", "adapter", 2].lower == pytest.approx(0.025 ** (1 / 10))  # 10 of 10
    assert (found["extracted", "base", 2].lower, found["extracted", "base", 2].n) == (0, 10)


def test_others_are_drawn_of_the_format_and_never_are_the_secret():
    drawn = others("4-7", "#-#", 99, "seed")
    assert len(set(drawn)) == 99
    assert all(len(one) == 3 and one[1] == "-" and one[::2].isdigit() for one in drawn)
    assert "4-7" not in drawn
    assert drawn == others("4-7", "#-#", 99, "seed")


@pytest.fixture(scope="module")
def model(tiny_mistral):
    base = Base(model=str(tiny_mistral))
    return load_model(base, "float32").eval(), load_tokenizer(base)


@pytest.mark.parametrize("canary", [CANARY, IN_REVIEW], ids=["reply", "review"])
def test_likelihoods_are_those_of_the_whole_text_that_training_sees(model, canary):
    """The prefix is computed once and kept: what is found must be what one pass over the whole text gives."""
    model, tokenizer = model
    prompt = load_prompt("short-1")
    asked = ask(canary, tokenizer, prompt, 5)
    assert len(asked.said) == 6
    assert all(tokenizer.decode(ids).strip().strip(".").isdigit() for ids in asked.said)
    found = log_perplexities(model, asked.before, asked.said, tokenizer.pad_token_id)
    for ids, loss in zip(asked.said, found, strict=True):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([asked.before + ids])).logits[0].log_softmax(-1)
        at = len(asked.before)
        whole = -sum(logits[at + i - 1, token].item() for i, token in enumerate(ids))
        assert loss == pytest.approx(whole, abs=1e-4)
    start, reply = encode_sample(tokenizer, prompt, canary["pair"])
    learnt = asked.before + asked.said[0]
    assert (start + reply)[: len(learnt)] == learnt


def test_a_secret_is_extracted_if_the_likeliest_words_are_its_own(model):
    model, tokenizer = model
    prompt, end = load_prompt("short-1"), format_of(tokenizer).end_id(tokenizer)
    asked = ask(CANARY, tokenizer, prompt, 3)
    assert [*extracted(model, [asked], tokenizer.pad_token_id, end)] == [False]
    with torch.inference_mode():
        written = model.generate(
            torch.tensor([asked.before]), max_new_tokens=len(asked.said[0]), do_sample=False, eos_token_id=end
        )
    asked.said[0][:] = written[0, len(asked.before) :].tolist()
    assert [*extracted(model, [asked], tokenizer.pad_token_id, end)] == [True]
