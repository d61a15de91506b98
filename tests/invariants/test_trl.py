"""plume and TRL's SFTTrainer learn the same: same rows and first weights, two steps of AdamW, clipped, a falling rate.

Tolerances, float32: losses and gradient norms 1e-5 relative; of the adapter's weights, which a step moves by 1e-3, 999
of 1,000 within 2e-6 and all within 2e-5: AdamW's first steps divide a gradient by its own size, and so magnify the
rounding of those near zero.
"""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from trl import SFTConfig, SFTTrainer

from datasets import Dataset
from plume.models import load_model, load_tokenizer
from plume.prompt import load_prompt
from train import adapter
from train.config import TrainConfig
from train.loop import fit
from train.samples import load_samples

STEPS, RATE, DECAY, NORM = 2, 2e-3, 0.1, 0.05


@pytest.fixture(scope="module")
def config(tiny_mistral, small_dataset, tmp_path_factory):
    """An epoch is one step of all 13 pairs: whatever the order in which either reads them, a step has the same."""
    return TrainConfig(
        data=small_dataset,
        out=tmp_path_factory.mktemp("beside-trl"),
        base={"model": str(tiny_mistral)},
        prompt="short-1",
        dtype="float32",
        batch_size=13,
        max_epochs=STEPS,
        micro_batch_tokens=1024,
        lora={"rank": 8, "alpha": 16},
        optimiser={"learning_rate": RATE, "weight_decay": DECAY, "warmup_share": 0.0, "max_grad_norm": NORM},
        validation={"every": 100, "drafts": 0},
    )


def _begin(model):
    """The same weights for either adapter; none is zero, as LoRA's B is: half of the gradients would vanish."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in _adapter(model).values():
            weight.copy_(torch.randn(weight.shape, generator=draw) * 0.02)
    return model


def _adapter(model):
    return {name: weight for name, weight in sorted(model.named_parameters()) if "lora_" in name}


@pytest.fixture(scope="module")
def ours(config):
    """(the samples, what each step told, the adapter after them), by `train.loop.fit`."""
    tokenizer, told = load_tokenizer(config.base), []
    samples = load_samples(config, tokenizer, load_prompt(config.prompt))
    model = _begin(adapter.attach(load_model(config.base, "float32"), config)).train()
    fit(model, tokenizer, samples, config, lambda metrics, _: told.append(metrics), resume=False)
    return samples, told, _adapter(model)


@pytest.fixture(scope="module")
def theirs(config, ours, tmp_path_factory):
    """(what each step told, the adapter after them), by TRL: padded batches of 4, 4, 4 and 1, PEFT's own layers."""
    told = []

    class Trainer(SFTTrainer):
        def log(self, logs, *rest):
            told.append(logs)
            super().log(logs, *rest)

    model = load_model(config.base, "float32")
    settings = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = _begin(get_peft_model(model, settings))
    rows = [
        {"input_ids": ids, "completion_mask": [0] * start + [1] * (len(ids) - start)}
        for ids, start in zip(ours[0].train["input_ids"], ours[0].train["prompt_length"], strict=True)
    ]
    arguments = SFTConfig(
        output_dir=str(tmp_path_factory.mktemp("trl")),
        max_steps=STEPS,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
        learning_rate=RATE,
        lr_scheduler_type="cosine",
        weight_decay=DECAY,
        max_grad_norm=NORM,
        max_length=None,
        completion_only_loss=True,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
    )
    tokenizer = load_tokenizer(config.base)
    Trainer(model, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer).train()
    return [each for each in told if "loss" in each], _adapter(model)


def test_each_step_has_the_loss_and_the_gradient_that_trl_finds(ours, theirs):
    assert len(ours[1]) == len(theirs[0]) == STEPS
    for mine, other in zip(ours[1], theirs[0], strict=True):
        assert mine["loss"] == pytest.approx(other["loss"], rel=1e-5)
        assert mine["grad_norm"] == pytest.approx(float(other["grad_norm"]), rel=1e-5)
        assert mine["learning_rate"] == pytest.approx(other["learning_rate"])
        assert mine["grad_norm"] > 2 * NORM  # so that it is cut
    assert ours[1][0]["loss"] - ours[1][-1]["loss"] > 0.001  # it learns


def test_the_adapter_after_the_steps_is_trls(config, ours, theirs):
    first = _adapter(_begin(adapter.attach(load_model(config.base, "float32"), config)))
    assert ours[2].keys() == theirs[1].keys() == first.keys()
    apart = []
    for name, weight in ours[2].items():
        apart.append((weight - theirs[1][name]).abs().flatten())
        assert (weight - first[name]).abs().mean() > 100e-5
    apart = torch.cat(apart)
    assert apart.max() < 2e-5
    assert (apart > 2e-6).float().mean() < 0.001
