"""What is shown before a run: the samples with their masks, and what they will take."""

import re
import shutil

import pytest
import torch
from rich.console import Console
from transformers import MistralConfig

import datasets
from plume.adapters import Adapter
from plume.models import load_model, load_tokenizer
from plume.prompt import load_prompt
from train import adapter
from train.batches import micro_batches
from train.config import TrainConfig
from train.estimate import CUDA, FRAGMENTED, REACHED, Footprint, estimate, print_estimate
from train.loop import planned_order
from train.samples import Samples, load_samples
from train.speed import machine_limit
from train.step import token_losses


def test_preview_shows_the_mask_and_what_is_left_out_and_trains_nothing(shown, home):
    out = shown("--preview", "2", out=home / "preview", max_tokens=180, micro_batch_tokens=400)
    assert out.count("⟦") == out.count("<|im_end|>⟧") == 2
    learnt = out.split("⟦")[1].split("⟧")[0]
    assert learnt.startswith("Bonjour, nous regrettons")
    assert "Avis :" not in learnt
    assert re.search(r"left out: \d+ × # tokens, at most #", out)
    assert re.search(r"at most 180 tokens; all start with the same \d\d+ *$", out, re.MULTILINE)
    assert not (home / "preview").exists()


def test_estimate_needs_no_weights_and_is_near_what_the_run_logs(shown, home, trained, tiny_mistral, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(tiny_mistral, bare, ignore=shutil.ignore_patterns("*.safetensors"))
    out = shown("--estimate", "--speed", "100", out=home / "estimated", base__model=bare)
    facts = Adapter.load(trained[0] / "adapter").training
    tokens = int(re.search(r"([\d,]+) tokens in all", out)[1].replace(",", ""))
    assert tokens == pytest.approx(facts["tokens"], rel=0.02)
    assert f"{tokens / 100 / 60:.1f} min" in out
    assert re.search(
        r"^the largest micro-batch: .* on a GPU .* 1 for CUDA$", out, re.MULTILINE
    )  # in a pipe nothing wraps
    assert not (home / "estimated").exists()
    assert facts["memory_gib"]["estimated"] > 0
    assert facts["memory_gib"]["measured"] > facts["memory_gib"]["estimated"]  # which has no Python and no torch


def test_without_a_measured_speed_each_gpu_says_whether_it_fits_and_how_long_it_takes(capsys):
    gib = 2**30
    taken = dict.fromkeys(("weights", "adapter", "optimiser", "activations", "logits", "all_heads"), 6 * gib)
    counts = {"worst_tokens": 4096, "worst_samples": 9, "tokens_per_epoch": 900, "unshared_tokens_per_epoch": 1800}
    footprint = Footprint(**taken, **counts, steps=100, steps_per_epoch=50, flops_per_step=989e12 * REACHED * 36)
    print_estimate(footprint, None, Console(width=200))
    told = capsys.readouterr().out.splitlines()
    assert "one H100 (80 GB): 60.0 min" in told
    assert "one L4 (24 GB): does not fit" in told


@pytest.mark.parametrize(
    ("name", "teraflops"), [("NVIDIA L40S", 362), ("NVIDIA L4", 121), ("NVIDIA A100-SXM4-80GB", 312)]
)
def test_a_gpu_is_known_by_the_name_that_torch_gives(monkeypatch, name, teraflops):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: name)
    assert machine_limit.__wrapped__("cuda", "bfloat16") == teraflops * 1e12


def test_a_traced_forward_keeps_what_the_real_one_keeps(tiny_mistral, small_dataset, tmp_path):
    """The estimate's activations are those that autograd saves in a real step, to the byte."""
    settings = {"base": {"model": str(tiny_mistral)}, "prompt": "short-1", "dtype": "float32"}
    config = TrainConfig(data=small_dataset, out=tmp_path, **settings)
    samples = load_samples(config, load_tokenizer(config.base), load_prompt(config.prompt))
    expected = estimate(config, samples)
    model = adapter.attach(load_model(config.base, config.dtype), config).train()
    fixed = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept, alive = {}, []

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in fixed:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    steps = [[samples.train[i] for i in order] for order in planned_order(config, len(samples.train))]
    worst = max((b for rows in steps for b in micro_batches(rows, config.micro_batch_tokens)), key=lambda b: b.tokens)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        token_losses(model, worst)
    assert expected.worst_tokens == worst.tokens
    assert expected.activations == pytest.approx(sum(kept.values()), rel=0.01)
    assert expected.weights == sum(p.numel() * 4 for p in model.parameters() if not p.requires_grad)


def test_the_recipe_fits_one_80_gb_gpu_with_room(tmp_path):
    """One layer of Mistral 7B's shape, times 32, beside its weights; the largest micro-batch is as full as can be."""
    shape = {"hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8}
    base = MistralConfig(vocab_size=32002, num_hidden_layers=1, architectures=["MistralForCausalLM"], **shape)
    base.save_pretrained(tmp_path)
    words = ["data=x", "out=x", f"base.model={tmp_path}"]
    config = TrainConfig.load("configs/train/openhermes2-lora.yaml", words)
    row = {"input_ids": [1] * 264 + [2] * 256, "prompt_length": 265}
    rows = datasets.Dataset.from_list([row] * config.batch_size)
    layer = estimate(config, Samples(rows, rows, [], [], {}, {}))
    assert 0.9 < layer.worst_tokens / config.micro_batch_tokens <= 1
    assert layer.all_heads == 2 * 24 * 128 * (layer.worst_tokens + layer.worst_samples * 264) * 2
    kept = 32 * (layer.activations + layer.all_heads)
    assert FRAGMENTED * (2 * 7.3e9 + kept) + CUDA < 0.8 * 80e9


def test_what_recompute_takes_is_estimated_too(tiny_mistral, small_dataset, tmp_path):
    settings = {"base": {"model": str(tiny_mistral)}, "prompt": "short-1", "dtype": "float32"}
    kept, again = (
        TrainConfig(data=small_dataset, out=tmp_path, recompute=recompute, **settings) for recompute in (False, True)
    )
    samples = load_samples(kept, load_tokenizer(kept.base), load_prompt(kept.prompt))
    without, with_it = estimate(kept, samples), estimate(again, samples)
    assert 1 < with_it.flops_per_step / without.flops_per_step <= 1.5  # all but the head, which is most of this model
    layers = load_model(kept.base, "float32").config.num_hidden_layers
    assert without.activations / layers < with_it.activations < without.activations
