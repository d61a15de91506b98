"""The model card of an adapter: what it is, what it was trained on, its limits, and what the training cost."""

from typing import Any

from train.config import TrainConfig


def card(config: TrainConfig, prompt: str, facts: dict[str, Any]) -> str:
    """The card as Markdown; `facts` is what `train.run` found out and also writes to `training.json`."""
    splits, counts = facts["dataset"]["splits"], facts["samples"]
    method = "QLoRA (NF4 base)" if config.lora.qlora else "rsLoRA" if config.lora.rslora else "LoRA"
    lost = counts["dropped"] + counts["truncated"]
    return f"""---
base_model: {config.base.model}
library_name: peft
language: [fr]
tags: [lora, plume]
---
# LoRA adapter for drafting replies to citizens' reviews

Drafts for an agent who reads, corrects and publishes; never to be published by itself.

- Base: `{config.base.model}`{f" at `{config.base.revision}`" if config.base.revision else ""};
  prompt version `{prompt}`; {method} rank {config.lora.rank}, alpha {config.lora.alpha}, {config.dtype}.
- Loss (nats a reply token): {facts["train_loss"]:.3f} at the last step,
  {_validation(facts)}.
- {_energy(facts.get("energy"), config.country)}

## Data

| split | pairs | SHA-256 |
|---|---|---|
{_rows(splits)}

Pseudonymised review/reply pairs of `{facts["dataset"]["source"]["name"]}`. {facts["steps"]} steps of up to
{config.batch_size} pairs; {facts["trained_tokens"]:,} reply tokens were learnt from, {facts["tokens"]:,} computed.
{f"{counts['dropped']} pairs left out and {counts['truncated']} reviews cut for their length." if lost else ""}

## Limits

Learnt from published replies, with their habits and mistakes; may invent contacts, deadlines or promises, which
`plume eval` measures. The training texts are pseudonymised, not anonymous: treat the weights accordingly. It knows the
services and the period of its data alone, and writes French.
"""


def _validation(facts: dict[str, Any]) -> str:
    if facts["validation_loss"] is None:
        return "not measured on the validation split"
    at = f" (the best, after step {facts['best_step']}; these are its weights)" if facts.get("best_step") else ""
    return f"{facts['validation_loss']:.3f} on the validation split{at}"


def _rows(splits: dict[str, Any]) -> str:
    return "\n".join(f"| {name} | {split['pairs']} | `{split['sha256'][:16]}…` |" for name, split in splits.items())


def _energy(energy: dict[str, float] | None, country: str) -> str:
    if energy is None:
        return "Energy: not measured."
    part = f" since step {energy['from_step']}, where the run was resumed" if energy.get("from_step") else ""
    return (
        f"Energy{part}: {energy['kwh']:.4f} kWh, {energy['kg_co2e']:.4f} kg CO₂e at the carbon intensity of {country} "
        "(codecarbon, offline; an estimate where the machine has no power counters)."
    )
