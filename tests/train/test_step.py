"""The loss of a step: what transformers computes, of the adapter alone, weighed by tokens."""

import pytest
import torch

from plume.models import Base, load_model, load_tokenizer
from plume.prompt import load_prompt
from train import adapter, attention
from train.batches import micro_batches, pack
from train.config import TrainConfig
from train.drafts import write_drafts
from train.samples import load_samples
from train.step import mean_loss, token_losses, trainable


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
    samples = load_samples(config, load_tokenizer(config.base), load_prompt(config.prompt))
    torch.manual_seed(0)
    model = adapter.attach(load_model(config.base, config.dtype), config)
    with torch.no_grad():  # LoRA starts with B = 0, where half of the gradients vanish
        for parameter in trainable(model):
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return model, list(samples.train)[:8]


def test_only_the_adapter_is_trained(setting):
    model, _ = setting
    names = [n for n, p in model.named_parameters() if p.requires_grad]
    assert names
    assert all("lora_" in n for n in names)
    assert not any("lm_head" in n or "embed" in n for n in names)  # vLLM serves no such adapter


@pytest.mark.parametrize("name", [attention.NAME, attention.FLEX])
def test_drafts_leave_the_attention_and_the_mode_as_they_were(setting, tiny_mistral, name):
    model, rows = setting
    core, before = model.get_base_model(), model.get_base_model().config._attn_implementation
    try:
        core.set_attn_implementation(name)
        model.train()
        assert len(write_drafts(model, load_tokenizer(Base(model=str(tiny_mistral))), rows[:2], 3)) == 2
        assert (core.config._attn_implementation, model.training) == (name, True)
    finally:
        core.set_attn_implementation(before)


def test_mean_loss_weighs_by_tokens_and_leaves_training_mode(setting):
    model, rows = setting
    model.train()
    value = mean_loss(model, micro_batches(rows, 400), "cpu")
    assert value == pytest.approx(token_losses(model, pack(rows)).mean().item(), rel=1e-5)
    assert model.training


def test_the_heads_loss_and_gradient_are_torchs_over_several_chunks(monkeypatch):
    from train import step

    monkeypatch.setattr(step, "CHUNK", 3)
    torch.manual_seed(0)
    hidden = torch.randn(8, 16, dtype=torch.float64, requires_grad=True)
    weight, labels = torch.randn(50, 16, dtype=torch.float64), torch.randint(0, 50, (8,))
    per_token = torch.rand(8)
    (step._HeadLoss.apply(hidden, weight, labels) * per_token).sum().backward()
    ours, hidden.grad = hidden.grad, None
    theirs = torch.nn.functional.cross_entropy(hidden @ weight.t(), labels, reduction="none")
    (theirs * per_token).sum().backward()
    torch.testing.assert_close(ours, hidden.grad, rtol=1e-5, atol=1e-6)


class _Quantised(torch.nn.Linear):
    """Stands for bitsandbytes' Linear4bit, a Linear of its own class: its weights here are whole."""


@pytest.mark.parametrize("qlora", [False, True])
def test_adamws_weights_and_moments_are_float32_over_a_bfloat16_base_and_decay(tiny_mistral, tmp_path, qlora):
    """A bfloat16 second moment would still be 0.00099945 after 2,000 steps without gradient: ten times what it must."""
    words = {"data": tmp_path, "out": tmp_path, "base": {"model": str(tiny_mistral)}, "lora": {"qlora": qlora}}
    config = TrainConfig(**words, dtype="bfloat16")
    weights = trainable(adapter.attach(load_model(config.base, config.dtype), config))
    optimiser = torch.optim.AdamW(weights[:1], fused=True)
    for gradient in [1.0] + [0.0] * 2000:
        weights[0].grad = torch.full_like(weights[0], gradient)
        optimiser.step()
    assert {w.dtype for w in weights} == {torch.float32}
    moments = optimiser.state[weights[0]]["exp_avg_sq"]
    torch.testing.assert_close(moments, torch.full_like(moments, 0.001 * 0.999**2000), rtol=1e-3, atol=0)


def test_a_quantised_layer_is_adapted_as_a_plain_one_is(setting, tiny_mistral, tmp_path):
    model, rows = setting
    base = Base(model=str(tiny_mistral))
    words = {"data": tmp_path, "out": tmp_path, "base": base, "lora": {"rank": 8}, "dtype": "float32"}
    quantised = load_model(base, "float32")
    for module in quantised.model.modules():
        if type(module) is torch.nn.Linear:
            module.__class__ = _Quantised
    quantised = adapter.attach(quantised, TrainConfig(**words))
    with torch.no_grad():
        for ours, theirs in zip(trainable(quantised), trainable(model), strict=True):
            ours.copy_(theirs)
    losses = []
    for each in (model, quantised):
        each.zero_grad()
        losses.append(token_losses(each, pack(rows)))
        losses[-1].sum().backward()
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(trainable(quantised), trainable(model), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)
