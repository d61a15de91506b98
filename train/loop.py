"""Train the adapter, step by step: data order, optimiser, validation, checkpoints. Read `fit` from top to bottom."""

import math
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from plume.command import progress as progress_bar
from plume.command import stderr
from plume.errors import PlumeError
from plume.files import append, telling
from train import checkpoint, early_stopping, processes
from train.batches import MicroBatch, pack, step_indices, worst_group
from train.config import GENTLER, MAKE_ROOM, TrainConfig
from train.drafts import write_drafts
from train.folder import DRAFTS, STEPS
from train.next_step import pack_step, packed_ahead, sample_costs, validation_share
from train.samples import Samples
from train.schedule import schedule
from train.speed import Cost, machine_limit, peak_memory
from train.step import backward, descend, mean_loss, token_losses, trainable

Log = Callable[[dict[str, float], int], None]


def planned_steps(config: TrainConfig, samples: int) -> int:
    """Optimiser steps: `max_epochs` over the samples, cut at `max_steps`."""
    steps = math.ceil(config.max_epochs * math.ceil(samples / config.batch_size))
    return min(steps, config.max_steps or steps)


def planned_order(config: TrainConfig, samples: int) -> Iterable[list[int]]:
    """The samples of each planned step."""
    return (
        step_indices(samples, config.batch_size, step, config.seed) for step in range(planned_steps(config, samples))
    )


def largest_batch(samples: Samples, config: TrainConfig, cost: Cost | None = None) -> MicroBatch:
    """Pack the run's largest micro-batch, of any process: what must fit in memory. Without `cost`, tokens are it."""
    prefix = samples.prefix if config.share_prefix else 0
    order = planned_order(config, len(samples.train))
    costs = None if cost is None else sample_costs(cost, samples.lengths, samples.train["prompt_length"], prefix)
    worst = worst_group(samples.lengths, order, prefix, config.micro_batch_tokens, processes.count(), costs)
    return pack([samples.train[i] for i in worst], share=config.share_prefix)


def fit(
    model: Any, tokenizer: Any, samples: Samples, config: TrainConfig, log: Log, *, resume: bool
) -> checkpoint.Standing:
    """Train the adapter; returns where the run ended, and leaves the model with the best adapter.

    `log(metrics, step)` is called after each step. Raises PlumeError if the loss is no number or jumps.
    """
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    # 1. What is trained: the adapter's weights alone, by AdamW; the rate warms up and then falls (`train.schedule`).
    device = next(model.parameters()).device
    steps = planned_steps(config, len(samples.train))
    weights = trainable(model)
    optimiser = torch.optim.AdamW(
        weights, lr=config.optimiser.learning_rate, weight_decay=config.optimiser.weight_decay, fused=True
    )
    factor = schedule(config.optimiser, steps)
    # 2. Where the run begins: as the first process has it, at its last checkpoint or at step 0.
    at, best = begin(model, optimiser, weights, config, resume=resume)
    # 3. What every step needs: the arithmetic that a token costs, this process's share of the validation.
    first, cost = processes.is_first(), Cost.of(model)
    limit = machine_limit(device.type, config.dtype) * processes.count()
    validation = validation_share(samples, config, cost)
    shown = list(samples.validation.select(range(min(config.validation.drafts, len(samples.validation)))))
    adapter = lambda: get_peft_model_state_dict(model, save_embedding_layers=False)  # noqa: E731

    # 4. The largest micro-batch first, so that a run that cannot fit in memory ends now and not in the night.
    model.train()
    with processes.together():  # what does not fit on one process ends them all
        _worst_first(model, largest_batch(samples, config, cost), device)
    with (
        packed_ahead(lambda number: pack_step(samples, config, cost, number, device), at.step, steps, device) as packed,
        progress_bar("loss", "speed") as bar,
    ):
        task = bar.add_task("training", total=steps, completed=at.step, unit="steps", every=10, loss="", speed="")
        while at.step < steps and not at.stopped:
            # 5. The step's samples: a seeded order, so that a resumed run sees what an uninterrupted one would.
            started = time.perf_counter()
            step = packed(at.step)
            # 6. Gradients: each process computes micro-batches of equal cost; the sums are those of one large batch.
            total, trained = backward(model, step.batches, device, step.trained_tokens)
            total_norm = torch.nn.utils.clip_grad_norm_(weights, config.optimiser.max_grad_norm)
            processes.wait_for(device)
            loss, norm = torch.stack([total, total_norm]).tolist()  # the step's one wait for the device
            check_loss(loss, norm, at, config)
            # 7. The optimiser's step, at this step's rate.
            rate = config.optimiser.learning_rate * factor(at.step)
            descend(optimiser, rate)

            # 8. What the step did, and how fast.
            seconds = time.perf_counter() - started
            at.step += 1
            at.tokens += step.tokens
            at.trained_tokens += trained
            at.losses.append(loss)
            at.peak_memory = max(at.peak_memory, peak_memory(device.type))
            metrics = {
                "loss": loss,
                "learning_rate": rate,
                "grad_norm": norm,
                "tokens": at.tokens,
                "trained_tokens": at.trained_tokens,
                "tokens_per_second": step.tokens / seconds,
                "samples_per_second": step.pairs / seconds,
                "mfu": step.flops / seconds / limit,
                "peak_memory_gib": at.peak_memory / 2**30,
                "epoch": at.step / math.ceil(len(samples.train) / config.batch_size),
            }
            # 9. Validation, each process its share: the first one decides which adapter is best and whether to stop,
            #    and writes some drafts to be read.
            last = at.step == steps
            if len(samples.validation) and (last or at.step % config.validation.every == 0):
                metrics["validation_loss"] = mean_loss(model, validation, device)
                if first:
                    early_stopping.judge(metrics["validation_loss"], at, config)
                    if at.best_step == at.step:
                        best = {name: weight.detach().cpu().clone() for name, weight in adapter().items()}
                    drafts = write_drafts(model, tokenizer, shown, config.validation.draft_tokens)
                    for row, draft in zip(shown, drafts, strict=True):
                        _append(config.out / DRAFTS, {"step": at.step, "id": row["id"], "draft": draft})
                at = processes.of_first(at)
            # 10. The record: a line of steps.jsonl, MLflow, and a checkpoint now and then.
            if first:
                metrics = {k: v for k, v in metrics.items() if not math.isnan(v)}  # no limit known of this GPU: no MFU
                left = (steps - at.step) * seconds
                times = {"seconds": seconds, "seconds_left": left}
                _append(config.out / STEPS, {"step": at.step, **metrics, **times})
                log(metrics, at.step)
            if checkpoint.is_due(at, config, last=last):
                random = processes.all_told(processes.random_state(device))
                if first:
                    checkpoint.save(config.out, at, adapter(), best, optimiser, random)
            speed = f"{step.tokens / seconds:,.0f} tok/s, MFU {metrics.get('mfu', math.nan):.0%}"
            bar.update(task, advance=1, loss=_losses(at), speed=speed)
    # 11. The end: the best adapter that was validated is the one that is left in the model.
    if not all(weight.isfinite().all() for weight in weights):
        raise PlumeError("the adapter holds numbers that are none: lower optimiser.learning_rate and start again")
    if first and at.best_step and at.best_step != at.step:
        set_peft_model_state_dict(model, best)
    return at


def begin(
    model: Any, optimiser: Any, weights: list[Any], config: TrainConfig, *, resume: bool
) -> tuple[checkpoint.Standing, dict[str, Any] | None]:
    """Give every process the weights, moments and step of the first, and random numbers of its own.

    Returns where the run stands, and on the first process the best adapter so far. The first one alone reads the
    checkpoint, so the others need not see its folder.
    """
    from peft import set_peft_model_state_dict

    at, best, device = checkpoint.Standing(), None, weights[0].device
    state = checkpoint.load(config.out) if resume and processes.is_first() else None
    if state:
        best = state.pop("best")
        set_peft_model_state_dict(model, state.pop("adapter"))
    state = processes.of_first(state)
    processes.copy_from_first(weights)
    if state:  # else killed before its first checkpoint: it begins again
        at = state["progress"]
        at.resumed_at = at.step
        early_stopping.resumed(at, config)
        optimiser.load_state_dict(state["optimiser"])
    then, now = len(state["random"]) if state else processes.count(), processes.count()
    if processes.rank() < then and state:
        processes.set_random_state(state["random"][processes.rank()], device)
    else:
        processes.seed_apart(config.seed, at.step)
    if then != now and processes.is_first():
        before = f"{then} process{'es' if then > 1 else ''} until now"
        dropout = "; dropout draws other numbers" if config.lora.dropout else ""
        stderr.print(f"training: {before}, {now} from here on: the same pairs in each step{dropout}")
    return at, best


def _losses(at: checkpoint.Standing) -> str:
    validated = "" if at.validation_loss is None else f", validation {at.validation_loss:.3f}"
    return f"loss {at.losses[-1]:.3f}{validated}"


def _worst_first(model: Any, batch: MicroBatch, device: torch.device) -> None:
    """Compute the run's largest micro-batch once and forget it: what cannot fit fails in the first minute."""
    try:
        with processes.own_random_numbers(device):  # dropout draws: the run's own draws stay as they were
            token_losses(model, batch.to(device)).sum().backward()
    except torch.OutOfMemoryError:
        raise PlumeError(
            f"the largest micro-batch ({batch.tokens} tokens) does not fit in the GPU's memory; lower "
            "micro_batch_tokens or leave it to the card (auto), or use recompute=true; plume train CONFIG --estimate "
            "tells what takes how much"
        ) from None
    model.zero_grad(set_to_none=True)


def check_loss(loss: float, norm: float, at: checkpoint.Standing, config: TrainConfig) -> None:
    """Stop before the optimiser takes a step that ruins the adapter."""
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise PlumeError(f"the loss is {loss} and its gradient's norm {norm} at step {at.step + 1}: {GENTLER}")
    if not config.max_loss_jump or not at.losses:
        return
    recent = at.losses[-20:]
    usual = statistics.median(recent) if len(recent) >= 10 else max(recent)  # the first ones differ most
    if loss > usual + config.max_loss_jump:
        raise PlumeError(
            f"the loss jumped to {loss:.3f} at step {at.step + 1}, from {usual:.3f} in the {len(recent)} steps before: "
            "lower optimiser.learning_rate and start again, look at that step's pairs, or raise max_loss_jump"
        )


def _append(path: Path, row: dict[str, Any]) -> None:
    with telling(path, MAKE_ROOM):
        append(path, row)
