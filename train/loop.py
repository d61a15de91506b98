"""The training loop: data order, steps, validation, checkpoints. Flat, to be read from top to bottom."""

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from plume.command import progress as progress_bar
from plume.errors import PlumeError
from train import checkpoint
from train.config import TrainConfig
from train.samples import Samples, micro_batches, step_indices
from train.step import backward, mean_loss, trainable


def planned_steps(config: TrainConfig, samples: int) -> int:
    """Optimiser steps: `max_epochs` over the samples, cut at `max_steps`."""
    steps = math.ceil(config.max_epochs * math.ceil(samples / config.batch_size))
    return min(steps, config.max_steps or steps)


def fit(
    model: Any,
    samples: Samples,
    config: TrainConfig,
    pad_id: int,
    run_id: str,
    log: Callable[[dict[str, float], int], None],
    *,
    resume: bool,
) -> checkpoint.Progress:
    """Train the adapter; returns where the run ended.

    `log(metrics, step)` is called after each step; a checkpoint is written every `checkpoint_every` steps.
    """
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    device = next(model.parameters()).device
    steps = planned_steps(config, len(samples.train))
    optimiser = torch.optim.AdamW(
        trainable(model), lr=config.optimiser.learning_rate, weight_decay=config.optimiser.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, _schedule(steps, config.optimiser.warmup_share))
    at = checkpoint.Progress(run_id)
    saved = config.out / "checkpoint.pt"
    if resume:
        state = checkpoint.load(saved)
        at = state["progress"]
        set_peft_model_state_dict(model, state["adapter"])
        optimiser.load_state_dict(state["optimiser"])
        scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["rng"])
    rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    validation = micro_batches(list(samples.validation), pad_id, config.micro_batch_tokens)
    model.train()
    with progress_bar("loss", "speed") as bar:
        task = bar.add_task("training", total=steps, completed=at.step, loss="", speed="")
        while at.step < steps:
            started = time.perf_counter()
            indices = step_indices(len(samples.train), config.batch_size, at.step, config.seed)
            batches = micro_batches([samples.train[i] for i in indices], pad_id, config.micro_batch_tokens)
            loss, trained = backward(model, batches[rank::processes], device)
            if not math.isfinite(loss):
                raise PlumeError(
                    f"the loss is {loss} at step {at.step + 1}: lower optimiser.learning_rate, or use dtype=float32; "
                    f"the last good state is {saved if saved.is_file() else 'not saved yet'}"
                )
            norm = torch.nn.utils.clip_grad_norm_(trainable(model), config.optimiser.max_grad_norm)
            rate = scheduler.get_last_lr()[0]
            optimiser.step()
            scheduler.step()
            optimiser.zero_grad(set_to_none=True)

            tokens = sum(b.tokens for b in batches)
            seconds = time.perf_counter() - started
            at.step += 1
            at.tokens += tokens
            at.trained_tokens += trained
            at.losses.append(loss)
            metrics = {
                "loss": loss,
                "learning_rate": rate,
                "grad_norm": float(norm),
                "tokens": at.tokens,
                "trained_tokens": at.trained_tokens,
                "tokens_per_second": tokens / seconds,
                "epoch": at.step / math.ceil(len(samples.train) / config.batch_size),
            }
            last = at.step == steps
            if validation and (last or at.step % config.validate_every == 0):
                metrics["validation_loss"] = at.validation_loss = mean_loss(model, validation, device)
            if rank == 0:
                log(metrics, at.step)
                _append(config.out / "steps.jsonl", {"step": at.step, **metrics, "seconds": seconds})
                if last or at.step % config.checkpoint_every == 0:
                    adapter = get_peft_model_state_dict(model, save_embedding_layers=False)
                    checkpoint.save(saved, at, adapter, optimiser, scheduler)
            bar.update(task, advance=1, loss=f"loss {loss:.3f}", speed=f"{tokens / seconds:,.0f} tok/s")
    return at


def _schedule(steps: int, warmup_share: float) -> Callable[[int], float]:
    warmup = round(steps * warmup_share)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

    return factor


def _append(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def join_processes() -> None:
    """Join the other processes if torchrun started this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
