"""Train the adapter, step by step: data order, optimiser, validation, checkpoints. Read `fit` from top to bottom."""

import math
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from plume.command import progress as progress_bar
from plume.errors import PlumeError
from plume.files import append, telling
from train import checkpoint, early_stopping
from train.batches import MicroBatch, micro_batches, pack, step_indices, worst_group
from train.config import GENTLER, MAKE_ROOM, TrainConfig
from train.drafts import write_drafts
from train.folder import DRAFTS, STEPS
from train.processes import together
from train.samples import Samples
from train.schedule import schedule
from train.speed import Cost, machine_limit, peak_memory
from train.step import backward, mean_loss, token_losses, trainable

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


def largest_batch(samples: Samples, config: TrainConfig) -> MicroBatch:
    """Pack the run's largest micro-batch: what must fit in memory."""
    prefix = samples.prefix if config.share_prefix else 0
    order = planned_order(config, len(samples.train))
    worst = worst_group(samples.lengths, order, prefix, config.micro_batch_tokens)
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
    # 2. Where the run begins: at its last checkpoint, with the optimiser and random numbers of then, or at step 0.
    at, best = checkpoint.Standing(), None
    if resume and (state := checkpoint.load(config.out)):  # killed before the first one, a run begins again
        at, best = state["progress"], state["best"]
        at.resumed_at = at.step
        early_stopping.resumed(at, config)
        set_peft_model_state_dict(model, state["adapter"])
        optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"]:
            torch.cuda.set_rng_state_all(state["cuda_rng"])
    # 3. What every step needs: this process's rank, the validation batches, the arithmetic that a token costs.
    rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    validation = micro_batches(list(samples.validation), config.micro_batch_tokens, share=config.share_prefix)
    shown = list(samples.validation.select(range(min(config.validation.drafts, len(samples.validation)))))
    cost, limit = Cost.of(model), machine_limit(device.type, config.dtype) * processes
    adapter = lambda: get_peft_model_state_dict(model, save_embedding_layers=False)  # noqa: E731

    # 4. The largest micro-batch first, so that a run that cannot fit in memory ends now and not in the night.
    model.train()
    with together():  # what does not fit on one process ends them all
        _worst_first(model, samples, config, device)
    with progress_bar("loss", "speed") as bar:
        task = bar.add_task("training", total=steps, completed=at.step, unit="steps", every=10, loss="", speed="")
        while at.step < steps and not at.stopped:
            # 5. The step's samples: a seeded order, so that a resumed run sees what an uninterrupted one would.
            started = time.perf_counter()
            indices = step_indices(len(samples.train), config.batch_size, at.step, config.seed)
            rows = [samples.train[i] for i in indices]
            batches = micro_batches(rows, config.micro_batch_tokens, share=config.share_prefix)
            # 6. Gradients: each process takes every n-th micro-batch; the sums are those of one large batch.
            total, trained = backward(model, batches[rank::processes], device)
            total_norm = torch.nn.utils.clip_grad_norm_(weights, config.optimiser.max_grad_norm)
            loss, norm = torch.stack([total, total_norm]).tolist()  # the step's one wait for the device
            _check(loss, norm, at, config)
            # 7. The optimiser's step, at this step's rate.
            rate = config.optimiser.learning_rate * factor(at.step)
            for weights_of_one_rate in optimiser.param_groups:
                weights_of_one_rate["lr"] = rate
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

            # 8. What the step did, and how fast.
            seconds = time.perf_counter() - started
            tokens = sum(b.tokens for b in batches)
            useful, _ = cost.flops(batches, recompute=config.recompute)
            at.step += 1
            at.tokens += tokens
            at.trained_tokens += trained
            at.losses.append(loss)
            at.peak_memory = max(at.peak_memory, peak_memory(device.type))
            metrics = {
                "loss": loss,
                "learning_rate": rate,
                "grad_norm": norm,
                "tokens": at.tokens,
                "trained_tokens": at.trained_tokens,
                "tokens_per_second": tokens / seconds,
                "samples_per_second": len(rows) / seconds,
                "mfu": useful / seconds / limit,
                "peak_memory_gib": at.peak_memory / 2**30,
                "epoch": at.step / math.ceil(len(samples.train) / config.batch_size),
            }
            # 9. Validation: the best adapter is kept, some drafts are written to be read; the run may stop here.
            last = at.step == steps
            if validation and (last or at.step % config.validation.every == 0):
                metrics["validation_loss"] = mean_loss(model, validation, device)
                early_stopping.judge(metrics["validation_loss"], at, config)
                if rank == 0:
                    if at.best_step == at.step:
                        best = {name: weight.detach().cpu().clone() for name, weight in adapter().items()}
                    drafts = write_drafts(model, tokenizer, shown, config.validation.draft_tokens)
                    for row, draft in zip(shown, drafts, strict=True):
                        _append(config.out / DRAFTS, {"step": at.step, "id": row["id"], "draft": draft})
            # 10. The record: a line of steps.jsonl, MLflow, and a checkpoint now and then.
            if rank == 0:
                metrics = {k: v for k, v in metrics.items() if not math.isnan(v)}  # no limit known of this GPU: no MFU
                left = (steps - at.step) * seconds
                times = {"seconds": seconds, "seconds_left": left}
                _append(config.out / STEPS, {"step": at.step, **metrics, **times})
                log(metrics, at.step)
                if checkpoint.is_due(at, config, last=last):
                    checkpoint.save(config.out, at, adapter(), best, optimiser)
            speed = f"{tokens / seconds:,.0f} tok/s, MFU {metrics.get('mfu', math.nan):.0%}"
            bar.update(task, advance=1, loss=_losses(at), speed=speed)
    # 11. The end: the best adapter that was validated is the one that is left in the model.
    if not all(weight.isfinite().all() for weight in weights):
        raise PlumeError("the adapter holds numbers that are none: lower optimiser.learning_rate and start again")
    if rank == 0 and at.best_step and at.best_step != at.step:
        set_peft_model_state_dict(model, best)
    return at


def _losses(at: checkpoint.Standing) -> str:
    validated = "" if at.validation_loss is None else f", validation {at.validation_loss:.3f}"
    return f"loss {at.losses[-1]:.3f}{validated}"


def _worst_first(model: Any, samples: Samples, config: TrainConfig, device: Any) -> None:
    """Compute the run's largest micro-batch once and forget it: what cannot fit fails in the first minute."""
    batch = largest_batch(samples, config)
    try:
        with torch.random.fork_rng():  # dropout draws: the run's own draws stay as they were
            token_losses(model, batch.to(device)).sum().backward()
    except torch.OutOfMemoryError:
        raise PlumeError(
            f"the largest micro-batch ({batch.tokens} tokens) does not fit in the GPU's memory; lower "
            "micro_batch_tokens, or use recompute=true; plume train CONFIG --estimate tells what takes how much"
        ) from None
    model.zero_grad(set_to_none=True)


def _check(loss: float, norm: float, at: checkpoint.Standing, config: TrainConfig) -> None:
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
