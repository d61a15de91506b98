"""The loss and its gradient: the same whatever the cut, and the same as transformers' own."""

import pytest
import torch

from plume.models import Base, load_model, load_tokenizer
from plume.prompt import load_prompt
from train import adapter
from train.config import TrainConfig
from train.samples import collate, load_samples, micro_batches
from train.step import backward, mean_loss, token_losses, trainable


@pytest.fixture(scope="module")
def setting(tiny_mistral, small_dataset, tmp_path_factory):
    config = TrainConfig(
        data=small_dataset,
        out=tmp_path_factory.mktemp("run"),
        base=Base(model=str(tiny_mistral)),
        prompt="short-1",
        dtype="float32",
        lora={"rank": 8},
    )
    tokenizer = load_tokenizer(config.base)
    samples = load_samples(config, tokenizer, load_prompt(config.prompt))
    torch.manual_seed(0)
    model = adapter.attach(load_model(config.base, config.dtype), config)
    with torch.no_grad():  # LoRA starts with B = 0, where half of the gradients vanish
        for parameter in trainable(model):
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return model, list(samples.train)[:8], tokenizer.pad_token_id


def _gradients(model, batches):
    model.zero_grad()
    loss, count = backward(model, batches, "cpu")
    return loss, count, [p.grad.clone() for p in trainable(model)]


def test_loss_equals_that_of_transformers(setting):
    model, rows, pad = setting
    batch = collate(rows, pad)
    labels = torch.full_like(batch.input_ids, -100)
    for i, row in enumerate(rows):
        labels[i, row["prompt_length"] : len(row["input_ids"])] = torch.tensor(row["input_ids"][row["prompt_length"] :])
    theirs = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=labels).loss.item()
    assert token_losses(model, batch).mean().item() == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("size", [1, 3, 4])
def test_gradient_does_not_depend_on_the_cut(setting, size):
    """1 × 8 = 8 × 1 = 2 × 4, and 3 + 3 + 2: the last, smaller window weighs by its tokens."""
    model, rows, pad = setting
    loss, count, whole = _gradients(model, [collate(rows, pad)])
    cut_loss, cut_count, cut = _gradients(model, [collate(rows[i : i + size], pad) for i in range(0, 8, size)])
    assert cut_count == count
    assert cut_loss == pytest.approx(loss, rel=1e-5)
    for a, b in zip(whole, cut, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-7)


def test_no_sample_sees_another(setting):
    model, rows, pad = setting
    alone = token_losses(model, collate([rows[0]], pad))
    for other in (rows[1], rows[2]):
        together = token_losses(model, collate([rows[0], other], pad))[: len(alone)]
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_only_the_adapter_is_trained(setting):
    model, _, _ = setting
    names = [n for n, p in model.named_parameters() if p.requires_grad]
    assert names
    assert all("lora_" in n for n in names)
    assert not any("lm_head" in n or "embed" in n for n in names)  # vLLM serves no such adapter


def test_mean_loss_weighs_by_tokens_and_leaves_training_mode(setting):
    model, rows, pad = setting
    model.train()
    value = mean_loss(model, micro_batches(rows, pad, 400), "cpu")
    assert value == pytest.approx(token_losses(model, collate(rows, pad)).mean().item(), rel=1e-4)
    assert model.training
