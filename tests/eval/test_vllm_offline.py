"""Drafts from a real vLLM engine inside `plume eval generate`: the same as transformers', adapter and all."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from eval.generate import Decoding, generate
from eval.systems import resolve
from plume import paths
from plume.corpus.dataset import read_split
from plume.models import Base, load_model, load_tokenizer
from plume.prompt import CHATML, encode_prompt, load_prompt

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed (make install)")

NEW, PENALTY = 10, 1.1


@pytest.fixture(scope="module")
def system(tiny_mistral, small_dataset, tmp_path_factory):
    """A YAML system of a tiny base with a random adapter, which ends the draft of one of the test reviews early."""
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForCausalLM

    from train import adapter
    from train.config import Lora, TrainConfig

    folder = tmp_path_factory.mktemp("system")
    base, made, prompt = Base(model=str(folder / "base")), folder / "adapter", load_prompt("short-1")
    # Heads of 32, the smallest that the CPU build knows.
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "sliding_window": 4096}
    torch.manual_seed(20231005)
    fresh = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(tiny_mistral, **heads), dtype=torch.bfloat16)
    fresh.save_pretrained(folder / "base")
    tokenizer = load_tokenizer(Base(model=str(tiny_mistral)))
    tokenizer.save_pretrained(folder / "base")
    made.mkdir()
    config = TrainConfig(data=folder, out=folder, base=base, prompt=prompt.version, lora=Lora(rank=8, alpha=16))
    model = adapter.attach(load_model(base, "float32"), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    facts = {"dataset": {"splits": {"train": {"pairs": 0, "sha256": "none"}}, "source": {"name": "none"}}, "steps": 0}
    facts |= {"trained_tokens": 0, "tokens": 0, "train_loss": 0.0, "validation_loss": None}
    facts["samples"] = {"dropped": 0, "truncated": 0}
    adapter.write(made, model, config, prompt, CHATML, facts)

    # The token that the model writes fifth becomes the end of the turn: the two rows of the output layer change places.
    model = PeftModel.from_pretrained(load_model(base, "float32"), str(made)).merge_and_unload().eval()
    ids = torch.tensor([encode_prompt(tokenizer, prompt, read_split(small_dataset, "test")[0])])
    alike = {"do_sample": False, "repetition_penalty": PENALTY, "pad_token_id": 2}
    fifth = model.generate(input_ids=ids, max_new_tokens=NEW, **alike)[0, ids.shape[1] + 4]
    plain = AutoModelForCausalLM.from_pretrained(folder / "base")
    rows, end = plain.lm_head.weight.data, tokenizer.convert_tokens_to_ids("<|im_end|>")
    rows[[int(fifth), end]] = rows[[end, int(fifth)]]
    rows[end] *= 1.05 * PENALTY  # the end of a turn stands in every prompt, so it bears the penalty
    plain.save_pretrained(folder / "base")
    spec = folder / "system.yaml"
    spec.write_text(f"base: {{model: {folder / 'base'}}}\nadapter: {made}\nexamples: {{k: 1}}\n")
    return spec


def test_vllm_writes_what_transformers_writes(system, small_dataset, tmp_path):
    ours, theirs = tmp_path / "transformers.jsonl", tmp_path / "vllm.jsonl"
    home = tmp_path / "home"
    (home / "serve").mkdir(parents=True)
    cache = paths.home() / "serve" / "cache"  # what vLLM learnt about the architecture, kept from test to test
    cache.mkdir(parents=True, exist_ok=True)
    (home / "serve" / "cache").symlink_to(cache)
    words = ["eval", "generate", "--system", system, "--data", small_dataset, "--out", theirs, "--backend", "vllm"]
    words += ["--max-new-tokens", NEW, "--context", 1024, "--examples", 0, "--repetition-penalty", PENALTY]
    environment = os.environ | {"PLUME_HOME": str(home), "VLLM_LOGGING_LEVEL": "DEBUG"}
    process = subprocess.Popen(
        [sys.executable, "-m", "plume.cli", *map(str, words)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    decoding = Decoding(max_new_tokens=NEW, repetition_penalty=PENALTY)
    generate(resolve(str(system), examples=0), small_dataset, ours, decoding, context=1024)
    said, _ = process.communicate(timeout=540)
    assert process.returncode == 0, said
    assert "pose problème" not in said  # no review in the engine's log

    def rows(path):
        return {r["id"]: r for r in map(json.loads, path.read_text().splitlines())}

    counted = ("draft", "prompt_tokens", "draft_tokens", "stopped")
    assert {i: {k: r[k] for k in counted} for i, r in rows(theirs).items()} == {
        i: {k: r[k] for k in counted} for i, r in rows(ours).items()
    }
    first = rows(theirs)[read_split(small_dataset, "test")[0]["id"]]
    assert first["stopped"]
    assert first["draft_tokens"] <= 5
    described = json.loads(theirs.with_suffix(".meta.json").read_text())
    assert described["decoding"] == {
        "strategy": "greedy",
        "max_new_tokens": NEW,
        "repetition_penalty": PENALTY,
        "dtype": "float32",
        "stop": ["<|im_end|>"],
        "backend": "vllm",
    }
    assert described["system"]["adapter_sha256"]
