"""Attaching a LoRA adapter to a base model, and writing the adapter folder."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from plume import __version__
from plume.adapters import TEMPLATE, TRAINING
from plume.errors import InputError
from plume.prompt import SERVING_TEMPLATE, Prompt, template_sha256
from train.config import TrainConfig


def attach(model: Any, config: TrainConfig) -> Any:
    """The base model with a fresh LoRA adapter; only the adapter is trainable, in the base's dtype.

    PEFT would keep the adapter in float32 and convert every activation on its way in (`autocast_adapter_dtype`).
    """
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=config.lora.target_modules,
        task_type="CAUSAL_LM",
    )
    try:
        model = get_peft_model(model, lora, autocast_adapter_dtype=False)
    except ValueError as error:
        raise InputError(f"lora.target_modules={config.lora.target_modules}: {str(error).splitlines()[0]}") from None
    # The name that the user gave, not the folder of this machine that it was resolved to.
    model.peft_config["default"].base_model_name_or_path = config.base.model
    return model


def write(folder: Path, model: Any, config: TrainConfig, prompt: Prompt, facts: dict[str, Any]) -> None:
    """Write the adapter folder: PEFT's files, chat template, `training.json`, model card."""
    model.save_pretrained(folder, save_embedding_layers=False)
    (folder / TEMPLATE).write_text(SERVING_TEMPLATE, encoding="utf-8")
    training = {
        "base": config.base.model_dump(mode="json"),
        "prompt": {"version": prompt.version, "sha256": prompt.sha256},
        "chat_template_sha256": template_sha256(),
        "config": config.model_dump(mode="json", exclude={"data", "out", "tracking_uri"}),
        **facts,
        "versions": {"plume": __version__, **{p: version(p) for p in ("torch", "transformers", "peft", "datasets")}},
    }
    (folder / TRAINING).write_text(json.dumps(training, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_card(config, prompt, facts), encoding="utf-8")
    for path in folder.iterdir():  # PEFT writes the weights 0600; servers run under another user
        path.chmod(0o644)


def _card(config: TrainConfig, prompt: Prompt, facts: dict[str, Any]) -> str:
    splits = facts["dataset"]["splits"]
    validation = facts["validation_loss"]
    return f"""---
base_model: {config.base.model}
library_name: peft
language: [fr]
tags: [lora, plume]
---
# LoRA adapter for drafting replies to citizens' reviews

Drafts for an agent who reads, corrects and publishes; never to be published by itself.

- Base: `{config.base.model}`{f" at `{config.base.revision}`" if config.base.revision else ""};
  prompt version `{prompt.version}`.
- Trained on {splits["train"]["pairs"]} pseudonymised review/reply pairs of `{facts["dataset"]["source"]["name"]}`:
  {facts["steps"]} steps of {config.batch_size} pairs, {facts["trained_tokens"]} reply tokens seen;
  digests in `training.json`.
- Loss (nats a reply token): {facts["train_loss"]:.3f} at the last step,
  {"not measured" if validation is None else f"{validation:.3f}"} on the validation split.
- Limits: learnt from published replies, with their habits and mistakes; may invent contacts, deadlines or promises,
  which `plume eval` measures. The training texts are pseudonymised, not anonymous: treat the weights accordingly.
"""
