"""Writes an adapter as GGUF, for llama.cpp, LM Studio and Ollama, and reads it back.

llama.cpp adds `alpha / rank · B A` to the weight that a pair `….lora_a`, `….lora_b` is named after, and takes the rank
from the tensors: a scaling such as rsLoRA's is told by an alpha that gives it. It rotates the two halves of a head's
query and key as neighbours, so the rows of these two weights stand in another order than in transformers, and so do
those of their B.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from peft.tuners.lora import LoraLayer
from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

from plume.errors import InputError
from train.export import parity
from train.lora import NAME

_KINDS = ("llama", "mistral")  # `model_type` of a base -> llama.cpp's architecture "llama"
_PREFIX = "base_model.model."


def check_kind(config: Any) -> None:
    """Raise InputError for a base whose names and rows llama.cpp orders otherwise."""
    if config.model_type not in _KINDS:
        raise InputError(
            f"--to gguf: the base is a {config.model_type}, and plume writes GGUF for {' and '.join(_KINDS)}; use "
            "--to merged, and convert that folder with llama.cpp's convert_hf_to_gguf.py"
        )


def _layers(model: Any) -> Iterator[tuple[str, LoraLayer]]:
    """Yield the adapter's layers by the names of llama.cpp's tensors."""
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, model.config.num_hidden_layers)
    for name, layer in model.named_modules():
        if isinstance(layer, LoraLayer):
            known = names.get_name(f"{name.removeprefix(_PREFIX)}.weight", try_suffixes=(".weight",))
            if known is None:
                raise InputError(f"--to gguf: llama.cpp has no name for the layer {name.removeprefix(_PREFIX)}")
            yield known, layer


def write(file: Path, model: Any, name: str) -> None:
    """Write the adapter of a float32 PEFT model. Raises InputError for a layer that llama.cpp has no name for."""
    writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.LLAMA])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_name(name)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    alpha = None
    for known, layer in _layers(model):
        a, b = (weights[NAME].weight.detach().float().numpy() for weights in (layer.lora_A, layer.lora_B))
        if alpha is None:
            alpha = layer.scaling[NAME] * len(a)
            writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
        writer.add_tensor(f"{known}.lora_a", a)
        writer.add_tensor(f"{known}.lora_b", np.ascontiguousarray(_neighbours(known, b, model.config)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _neighbours(name: str, b: np.ndarray, config: Any) -> np.ndarray:
    """Order the rows of a query's or key's B so that the two that are rotated together stand side by side."""
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}.get(name.split(".")[2])
    if heads is None:
        return b
    halves = b.reshape(heads, 2, -1, b.shape[1])
    return halves.swapaxes(1, 2).reshape(b.shape)


def read_back(file: Path, model: Any) -> Any:
    """Put what a GGUF file holds into the adapter of a PEFT model. Raises InputError if it is not what was there.

    The rows are ordered back by transformers, which reads what llama.cpp's own converter wrote.
    """
    reader = gguf.GGUFReader(file)
    held = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    alpha = float(reader.get_field(gguf.Keys.Adapter.LORA_ALPHA).contents())
    back = LlamaTensorProcessor(model.config.to_dict())
    for known, layer in _layers(model):
        for kind, weights in (("a", layer.lora_A), ("b", layer.lora_B)):
            name = f"{known}.lora_{kind}"
            if name not in held:
                raise InputError(f"{file}: lacks {name}; nothing was exported")
            read = held.pop(name)
            read = torch.from_numpy(np.ascontiguousarray(back.process(read, name).weights if kind == "b" else read))
            parity.check_same(f"{file}: {name}", read, weights[NAME].weight.detach().float())
            weights[NAME].weight.data = read
        layer.scaling[NAME] = alpha / len(layer.lora_A[NAME].weight)
    if held:
        raise InputError(f"{file}: holds {next(iter(held))}, which the adapter has not; nothing was exported")
    return model
