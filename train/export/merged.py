"""Writes base + adapter as one model in the base's precision, for transformers, vLLM and others."""

import json
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from plume.errors import InputError
from plume.models import quiet
from plume.prompt import format_of
from train.export import parity
from train.lora import NAME

SHARD = "5GB"


def merge(model: Any, dtype: torch.dtype) -> Any:
    """Add the adapter to the weights of a float32 PEFT model, and round to `dtype` once; return the bare model.

    PEFT's own merging rounds the adapter's part first, and the sum a second time.
    """
    with torch.no_grad():
        for layer in (module for module in model.modules() if isinstance(module, LoraLayer)):
            a, b = layer.lora_A[NAME].weight, layer.lora_B[NAME].weight
            layer.base_layer.weight.addmm_(b, a, alpha=layer.scaling[NAME])
    return model.unload().to(dtype)


def write(folder: Path, model: Any, tokenizer: Any) -> None:
    """Write a merged model's folder: weights, configs, tokenizer with plume's template."""
    end = format_of(tokenizer).end_id(tokenizer)
    model.config.use_cache = True  # OpenHermes ships false
    model.config.eos_token_id = end
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=end, pad_token_id=tokenizer.pad_token_id, do_sample=False
    )
    model.save_pretrained(folder, max_shard_size=SHARD)
    tokenizer.save_pretrained(folder)
    _name_the_rotation_for_all(folder / "config.json")


def _name_the_rotation_for_all(path: Path) -> None:
    """Write `rope_theta` and `torch_dtype` beside what transformers 5 calls them.

    Who reads the old names alone (transformers 4, older llama.cpp) would rotate by 10,000, whatever the base's is.
    """
    config = json.loads(path.read_text(encoding="utf-8"))
    theta = (config.get("rope_parameters") or {}).get("rope_theta")  # None where each kind of layer has its own
    config |= {"torch_dtype": config["dtype"]} | ({"rope_theta": theta} if theta else {})
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def check_files(folder: Path, model: Any) -> None:
    """Raise InputError unless the folder's tensors are the model's, bit for bit."""
    from safetensors import safe_open

    expected, held = model.state_dict(), set()
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 - no dict
                if name not in expected:
                    raise InputError(f"{path}: holds {name}, which the model has not; nothing was exported")
                parity.check_same(f"{path}: {name}", file.get_tensor(name), expected[name])
                held.add(expected[name].data_ptr())
    if lacking := [name for name, tensor in expected.items() if tensor.data_ptr() not in held]:  # tied ones are there
        raise InputError(f"{folder}: lacks {lacking[0]}; nothing was exported")


def read_back(folder: Path, dtype: str, tokenizer: Any) -> Any:
    """Load the folder as any user does. Raises InputError for another precision, other token ids, another end."""
    with quiet():
        model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
        theirs = AutoTokenizer.from_pretrained(folder)
    if str(model.dtype) != f"torch.{dtype}":
        raise InputError(f"{folder}: is {model.dtype}, the base {dtype}; nothing was exported")
    chat = format_of(tokenizer)
    turns = [{"role": "system", "content": "Réponds."}, {"role": "user", "content": parity.REPLY}]
    if (ids := _encode(theirs, theirs.chat_template, turns)) != _encode(tokenizer, chat.template, turns):
        raise InputError(f"{folder}: its tokenizer gives other ids ({ids[:8]} …); nothing was exported")
    if model.generation_config.eos_token_id != chat.end_id(tokenizer):
        raise InputError(f"{folder}: its drafts would not end at {chat.end}; nothing was exported")
    return model.float().eval()


def _encode(tokenizer: Any, template: str, turns: list[dict[str, str]]) -> list[int]:
    text = tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]
