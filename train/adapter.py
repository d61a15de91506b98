"""Attaching a LoRA adapter to a base model, and writing the adapter folder."""

import difflib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from plume import __version__
from plume.adapters import TEMPLATE, TRAINING, Adapter
from plume.errors import InputError
from plume.prompt import ChatFormat, Prompt
from train import attention, fused, lora
from train.card import card
from train.config import TrainConfig

_PATHS = {"data", "out", "tracking_uri", "decisions", "ratings", "drafts"}  # of a config: of this machine alone


def attach(model: Any, config: TrainConfig, start: Adapter | None = None) -> Any:
    """The base model with a LoRA adapter, ready to be trained on packed rows; only the adapter is trainable.

    The adapter is a fresh one, or has the weights of `start`.

    The adapter is float32, and so are AdamW's moments of it: in bfloat16 small updates are rounded away and second
    moments never decay. It is used in the base's precision (`train.lora`). Raises InputError for layers that the model
    does not have, or a model of another build.
    """
    from peft import LoraConfig, get_peft_model

    if not hasattr(model, "model") or not hasattr(model, "lm_head"):
        raise InputError(f"base.model={config.base.model}: a {type(model).__name__} is not built as Llama or Mistral")
    _check_targets(model, config.lora.target_modules)
    model = get_peft_model(model, LoraConfig(**config.lora.for_peft()), autocast_adapter_dtype=True)
    # The name that the user gave, not the folder of this machine that it was resolved to.
    model.peft_config["default"].base_model_name_or_path = config.base.model
    if start:
        start.load_into(model)
    lora.use(model)
    fused.use(model)
    attention.register()
    model.get_base_model().set_attn_implementation(_attention(model, config))
    if config.recompute:
        model.get_base_model().gradient_checkpointing_enable({"use_reentrant": False})
    return model


def _check_targets(model: Any, targets: str | list[str]) -> None:
    """Raise InputError for a name that no linear layer has: PEFT refuses only if none of them is found."""
    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    known = sorted({name.rsplit(".", 1)[-1] for name in linear} - {"lm_head"})
    for target in [] if targets == "all-linear" else targets:
        if not any(f".{name}".endswith(f".{target}") for name in linear):
            near = difflib.get_close_matches(target, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: all-linear, or a list of {', '.join(known)}"
            raise InputError(f"lora.target_modules: the model has no linear layer {target!r}; {hint}")


def _attention(model: Any, config: TrainConfig) -> str:
    """The name of the attention implementation; InputError where FlexAttention cannot train."""
    if config.attention == "by_sample":
        return attention.NAME
    if next(model.parameters()).device.type == "cpu":
        raise InputError("attention=flex: torch has no backward pass of it on CPUs; leave it out, or train on a GPU")
    if dropout := getattr(model.config, "attention_dropout", 0.0):
        raise InputError(f"attention=flex: it drops nothing, and the model drops {dropout}; use attention=by_sample")
    return attention.FLEX


def check_vocabulary(model: Any, tokenizer: Any, base: str) -> None:
    """Raise InputError if the tokenizer has tokens that the model has no weights for."""
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise InputError(
            f"base.model={base}: its tokenizer has {len(tokenizer)} tokens, its weights {rows}; plume does not resize "
            "vocabularies, because vLLM would not serve the adapter: use the tokenizer that the model was trained with"
        )


def write(
    folder: Path, model: Any, config: TrainConfig, prompt: Prompt, chat: ChatFormat, facts: dict[str, Any]
) -> None:
    """Write the adapter folder: PEFT's files, chat template, `training.json`, model card."""
    model.save_pretrained(folder, save_embedding_layers=False)
    (folder / TEMPLATE).write_text(chat.template, encoding="utf-8")
    training = {
        "base": config.base.model_dump(mode="json", exclude={"adapter"}),
        "prompt": {"version": prompt.version, "sha256": prompt.sha256},
        "chat_template_sha256": chat.sha256,
        "config": config.model_dump(mode="json", exclude=_PATHS),
        **facts,
        "versions": {"plume": __version__, **{p: version(p) for p in ("torch", "transformers", "peft", "datasets")}},
    }
    (folder / TRAINING).write_text(json.dumps(training, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card(config, prompt.version, facts), encoding="utf-8")
