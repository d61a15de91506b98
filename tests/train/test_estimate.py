"""What a run takes, worked out before it begins: against the memory and the tokens of real runs."""

import re
import shutil
from dataclasses import astuple
from itertools import accumulate

import pytest
import torch
from transformers import AutoModelForCausalLM, MistralConfig, Qwen2Config, T5Config

from plume.adapters import Adapter
from plume.errors import InputError
from plume.models import load_model
from train import adapter
from train.batches import pack
from train.config import TrainConfig
from train.device_kind import kind_of, one_kernel, traced_as
from train.estimate import CUDA, FRAGMENTED, estimate
from train.loop import largest_batch
from train.step import token_losses, trainable
from train.traced_memory import LiveBytes, trace, trace_layers

WAYS = [(dtype, recompute) for dtype in ("float32", "bfloat16") for recompute in (False, True)]


def measured_peak(model, batch) -> int:
    """Bytes that forward and backward pass hold at most, by torch's profiler: kernels' own buffers included."""
    for parameter in trainable(model):
        parameter.grad = torch.zeros_like(parameter)
    token_losses(model, batch).sum().backward()  # what is made once and kept is there
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        token_losses(model, batch).sum().backward()
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    return max(accumulate(e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())))


@pytest.mark.parametrize(("dtype", "recompute"), WAYS)
def test_the_traced_peak_is_within_a_tenth_of_the_measured_one(tiny, dtype, recompute):
    config, samples = tiny(dtype=dtype, recompute=recompute, max_tokens=256)
    model = adapter.attach(load_model(config.base, config.dtype), config).train()
    for size in (300, 900):
        batch = largest_batch(samples, config.model_copy(update={"micro_batch_tokens": size}))
        assert trace(config, batch, "cpu").passes == pytest.approx(measured_peak(model, batch), rel=0.1), size


@pytest.mark.long
@pytest.mark.parametrize(("dtype", "recompute"), WAYS)
def test_the_traced_peak_of_the_embedded_model_too(plume_home, dtype, recompute):
    config = TrainConfig(data="unused", out="unused", dtype=dtype, recompute=recompute)
    model = adapter.attach(load_model(config.base, config.dtype), config).train()
    for count in (1, 4, 8):
        batch = pack([{"input_ids": [1] * 200 + [2 + i] * 250, "prompt_length": 300} for i in range(count)])
        assert trace(config, batch, "cpu").passes == pytest.approx(measured_peak(model, batch), rel=0.1), count


@pytest.mark.gpu
@pytest.mark.parametrize("recompute", [False, True])
def test_the_estimate_is_within_a_tenth_of_what_cuda_measures(recompute, tmp_path, write_mistral):
    settings = write_mistral(tmp_path, layers=4, hidden_size=2048, intermediate_size=7168, num_attention_heads=16)
    config = TrainConfig(data="unused", out="unused", base={"model": str(tmp_path)}, recompute=recompute)
    batch = pack([{"input_ids": [1] * 264 + [2 + i] * 256, "prompt_length": 300} for i in range(15)])
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    with torch.device("cuda"):
        model = AutoModelForCausalLM.from_config(settings, dtype=torch.bfloat16)
        model = adapter.attach(model, config).train()
    optimiser = torch.optim.AdamW(trainable(model), fused=True)
    for _ in range(2):
        torch.cuda.reset_peak_memory_stats()
        for _ in range(2):
            token_losses(model, batch.to("cuda")).sum().backward()
        optimiser.step()
    traced = trace(config, batch, "cuda")
    expected = traced.weights + 4 * traced.adapter + traced.passes
    assert expected == pytest.approx(torch.cuda.max_memory_allocated() - before, rel=0.1)


def test_all_layers_take_what_three_tell_of(tmp_path, write_mistral):
    write_mistral(tmp_path, layers=5)
    batch = pack([{"input_ids": [1] * 60 + [2 + i] * 50, "prompt_length": 70} for i in range(3)])
    for recompute in (False, True):
        config = TrainConfig(data="unused", out="unused", base={"model": str(tmp_path)}, recompute=recompute)
        told, whole = trace(config, batch, "cuda"), trace_layers(config, batch, "cuda", 5)
        assert astuple(told) == pytest.approx(astuple(whole), rel=1e-3)


def test_a_model_of_one_layer_is_traced_and_one_of_another_build_refused(tmp_path):
    batch = pack([{"input_ids": [1] * 60 + [2 + i] * 50, "prompt_length": 70} for i in range(3)])
    sizes = {"vocab_size": 128, "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 1}
    Qwen2Config(**sizes, num_key_value_heads=2, intermediate_size=64).save_pretrained(tmp_path / "one")
    T5Config(d_model=32, num_layers=2).save_pretrained(tmp_path / "other")
    one, other = (TrainConfig(data="x", out="x", base={"model": str(tmp_path / name)}) for name in ("one", "other"))
    assert trace(one, batch, "cpu") == trace_layers(one, batch, "cpu", 1)
    with pytest.raises(InputError, match=r"base.model=.*other: cannot be traced as a Llama or Mistral"):
        trace(other, batch, "cpu")
    MistralConfig(**sizes, num_key_value_heads=3).save_pretrained(tmp_path / "other")
    with pytest.raises(InputError, match=r"cannot be traced .*; look at its config.json"):
        trace(other, batch, "cpu")


def test_weights_and_adapter_are_counted_to_the_byte(tiny):
    config, samples = tiny()
    found = estimate(config, samples, "cpu")
    model = adapter.attach(load_model(config.base, config.dtype), config)
    learnt = sum(p.numel() for p in trainable(model))
    assert found.weights == pytest.approx(4 * sum(p.numel() for p in model.parameters()) - 4 * learnt, rel=1e-3)
    assert (found.adapter, found.gradients, found.optimiser) == (4 * learnt, 4 * learnt, 8 * learnt)


def test_four_bits_a_weight_and_no_more_is_kept_of_a_quantised_base(tmp_path, write_mistral):
    write_mistral(tmp_path, layers=2, hidden_size=256, intermediate_size=512, num_attention_heads=4)
    batch = pack([{"input_ids": [1] * 60 + [2 + i] * 50, "prompt_length": 70} for i in range(3)])
    plain = TrainConfig(data="unused", out="unused", base={"model": str(tmp_path)})
    quantised = plain.model_copy(update={"lora": plain.lora.model_copy(update={"qlora": True})})
    whole, packed = (trace(config, batch, "cuda") for config in (plain, quantised))
    assert whole.weights - packed.weights == pytest.approx((2 - 0.516) * whole.body, rel=0.01)
    assert packed.adapter == whole.adapter
    assert packed.passes >= whole.passes


def test_what_recompute_takes_is_estimated_too(tiny):
    without, with_it = (estimate(*tiny(recompute=recompute), "cpu") for recompute in (False, True))
    assert 1 < with_it.flops_per_step / without.flops_per_step <= 1.5  # all but the head, which is most of this model
    assert with_it.passes < without.passes


def test_a_gpu_needs_a_tenth_and_its_context_more(tiny):
    here, there = (estimate(*tiny(), kind) for kind in ("cpu", "cuda"))
    assert there.needed == pytest.approx(FRAGMENTED * there.total + CUDA, abs=1)
    assert here.needed == pytest.approx(FRAGMENTED * here.total, abs=1)


def test_the_code_of_a_gpu_is_traced_without_one():
    tensor = torch.ones(1)
    assert kind_of(tensor) == "cpu"
    with traced_as("cuda"):
        assert kind_of(tensor) == "cuda"
    assert kind_of(tensor) == "cpu"


def test_live_bytes_follow_what_is_made_and_what_is_gone():
    with LiveBytes() as followed:
        first = torch.zeros(1000)
        view = first[10:]
        second = torch.zeros(500)
        assert (followed.live, followed.peak) == (6000, 6000)
        del first
        assert followed.live == 6000  # the view holds it
        del view, second
        assert (followed.live, followed.peak) == (0, 6000)
        with one_kernel():
            kept = (torch.zeros(9000) + 1)[:0].clone() + torch.zeros(1)
        torch.zeros(1)
        assert kept.numel() == 0
        assert followed.peak == 6000


def test_estimate_needs_no_weights_and_is_near_what_the_run_logs(shown, home, trained, tiny_mistral, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(tiny_mistral, bare, ignore=shutil.ignore_patterns("*.safetensors"))
    out = shown("--estimate", "--speed", "100", out=home / "estimated", base__model=bare)
    facts = Adapter.load(trained[0] / "adapter").training
    tokens = int(re.search(r"([\d,]+) tokens in all", out)[1].replace(",", ""))
    assert tokens == pytest.approx(facts["tokens"], rel=0.02)
    assert f"{tokens / 100 / 60:.1f} min" in out
    assert not (home / "estimated").exists()
    assert facts["memory_gib"]["estimated"] > 0
    assert facts["memory_gib"]["measured"] > facts["memory_gib"]["estimated"]  # which has no Python and no torch
