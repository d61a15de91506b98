"""`plume train preferences CONFIG`: judgements on drafts turn an adapter into one that writes as people want."""

import os
from typing import Any

import torch

from plume import canaries, lineage, tracking
from plume.command import stderr
from plume.corpus.dataset import read_manifest
from plume.errors import InputError
from plume.lineage import Named
from plume.models import load_model, load_tokenizer, located
from plume.prompt import load_prompt
from train import adapter, folder, starting_adapter
from train.checkpoint import Standing
from train.config import StartingBase
from train.loop import planned_steps
from train.preferences.config import PreferencesConfig
from train.preferences.loop import HeldOut, learn
from train.preferences.samples import Preferences, load_preferences
from train.preferences.trl_trainer import ADAPTER, Losses
from train.run import Result, Work, conduct, waiting


def find_start(config: PreferencesConfig) -> tuple[PreferencesConfig, Named]:
    """Find the adapter where learning starts, and complete the config by it: base, prompt, a name that does not move.

    Raises InputError if there is none, if it was trained with canaries, or if the config names another base or prompt.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("plume train preferences computes in one process: start it without torchrun")
    if not config.base.adapter:
        raise InputError("base.adapter: missing; name where learning starts: a version, an alias or an adapter folder")
    start = lineage.find_adapter(config.base.adapter, config.tracking_uri)
    canaries.refuse(start.adapter.training, f"base.adapter={config.base.adapter}: {start}")
    start.adapter.check_prompt()
    base = start.adapter.base.model_dump() | config.base.model_dump(exclude_unset=True)
    found = config.model_copy(
        update={
            "base": located(StartingBase(**base | {"adapter": start.reference})),
            "prompt": config.prompt or start.adapter.prompt,
        }
    )
    starting_adapter.check_base(found.base, start)
    if found.prompt != start.adapter.prompt:
        raise InputError(f"prompt={found.prompt}: the adapter was trained with {start.adapter.prompt}; leave it out")
    starting_adapter.check_not_erased(start, read_manifest(config.data))
    return found, start


def train_preferences(config: PreferencesConfig, *, resume: bool = False, force: bool = False) -> Result:
    """Run a config from start to registered version."""
    # 1. What is refused is refused first; the model takes longest.
    torch.manual_seed(config.seed)
    config, start = find_start(config)
    folder.check(config, resume=resume, force=force)
    with waiting(f"preferences: reading {config.data} and the judgements"):
        tokenizer = load_tokenizer(config.base)
        samples = load_preferences(config, start, tokenizer)
    starting_adapter.check_chat(start, samples.chat)
    tracking.connect(config.tracking_uri)
    lineage.check_not_forgotten(start)
    with waiting(f"preferences: loading {config.base.model}"):
        model = load_model(config.base, config.dtype)
    model = start.adapter.attach(model, trainable=True)
    model.peft_config[ADAPTER].base_model_name_or_path = config.base.model  # it may lie elsewhere by now
    # 2. Learning, in the folder and the MLflow run that every training has.
    ended: list[HeldOut | None] = []

    def learning(log: Any) -> Standing:
        losses = Losses(model, tokenizer, samples.train, config)
        progress, held_out = learn(losses, samples, config, log, resume=resume)
        losses.finish()
        ended.append(held_out)
        return progress

    prompt = load_prompt(start.adapter.prompt)
    return conduct(
        Work(
            config,
            samples,
            start,
            planned_steps(config, len(samples.train)),
            announce=lambda steps: _announce(config, samples, steps),
            learn=learning,
            write=lambda whole, facts: adapter.write(whole, model, config, prompt, samples.chat, facts),
            more=lambda: {"preferences": samples.learnt_from() | {"held_out": ended[0] and ended[0].told()}},
            inputs=samples.tags(),
        ),
        resume=resume,
        force=force,
    )


def _announce(config: PreferencesConfig, samples: Preferences, steps: int) -> None:
    stderr.print(
        f"preferences: {len(samples.train)} to learn from, {len(samples.validation)} held out, {steps} steps of "
        f"{config.batch_size}, {config.method} from {samples.start}"
        + (f"; {len(samples.dropped)} left out, see {config.out / 'dropped.jsonl'}" if samples.dropped else "")
        + ("" if samples.validation else "; none is held out: no early stopping, the last weights are kept"),
        markup=False,
        soft_wrap=True,
    )
