"""The loop of preferences: the order, the optimiser and the checkpoints of plain training, trl's losses, held-out wins.

A held-out judgement is won where the adapter, against the reference, raised what is wanted over what is not. By chance
that is one in two; the interval is exact (Clopper and Pearson).
"""

import math
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from plume.command import progress as progress_bar
from plume.errors import PlumeError
from plume.files import append, telling
from plume.shares import clopper_pearson
from train import checkpoint, early_stopping, processes
from train.batches import step_indices
from train.config import GENTLER, MAKE_ROOM
from train.folder import STEPS
from train.loop import Log, begin, check_loss, planned_steps
from train.preferences.config import PreferencesConfig
from train.preferences.samples import Preferences, Row
from train.preferences.trl_trainer import ADAPTER, Losses
from train.schedule import schedule
from train.speed import peak_memory
from train.step import descend

# trl's names -> those of steps.jsonl. What kto tells of one kind of text is missing where a batch has none of it.
_TOLD = {
    "rewards/margins": "margin",
    "rewards/accuracies": "win_rate",
    "rewards/chosen": "reward_wanted",
    "rewards/rejected": "reward_unwanted",
    "logps/chosen": "wanted_loss",
    "kl": "kl",
}


@dataclass(frozen=True)
class HeldOut:
    """What the model makes of the held-out rows.

    Attributes:
        loss: mean, the anchor included.
        won: judgements won, a tie as half.
        n: judgements.
        margin: mean, in nats against the start.
        wanted_loss: of the wanted texts, in nats a token: a margin alone does not make them likely.
    """

    loss: float
    won: float
    n: int
    margin: float
    wanted_loss: float

    @property
    def interval(self) -> tuple[float, float]:
        """Give the exact 95 % interval of the share of judgements that are won; a tie is half of one, rounded down."""
        return clopper_pearson(math.floor(self.won), self.n)

    def told(self) -> dict[str, float]:
        """Give what training.json and steps.jsonl say."""
        low, high = self.interval
        told = {"win_rate": self.won / self.n, "lower": low, "upper": high, "n": self.n}
        return told | {"margin": self.margin, "wanted_loss": self.wanted_loss}


def learn(
    losses: Losses, samples: Preferences, config: PreferencesConfig, log: Log, *, resume: bool
) -> tuple[checkpoint.Standing, HeldOut | None]:
    """Make the steps; leaves the model with the best adapter. Gives where it ended, and that one's held-out wins."""
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    # 1. What is trained: the adapter's own weights; trl's copy of them is the reference and stays.
    model = losses.model
    weights = [weight for name, weight in model.named_parameters() if f".{ADAPTER}." in name]
    optimiser = torch.optim.AdamW(
        weights, lr=config.optimiser.learning_rate, weight_decay=config.optimiser.weight_decay, fused=True
    )
    steps = planned_steps(config, len(samples.train))
    factor = schedule(config.optimiser, steps)
    adapter = lambda: get_peft_model_state_dict(model, adapter_name=ADAPTER, save_embedding_layers=False)  # noqa: E731
    # 2. Where it begins: at its last checkpoint, or at step 0.
    at, best = begin(model, optimiser, weights, config, resume=resume)
    _worst_first(losses, samples.train, config)
    reference = [_log_probabilities(losses, row, reference=True) for row in samples.validation]
    held: HeldOut | None = None
    with progress_bar("loss", "speed") as bar:
        task = bar.add_task("learning", total=steps, completed=at.step, unit="steps", every=10, loss="", speed="")
        while at.step < steps and not at.stopped:
            # 3. The step: rows in a seeded order, gradients of their mean loss however they are cut.
            started = time.perf_counter()
            indices = step_indices(len(samples.train), config.batch_size, at.step, config.seed)
            rows = with_mismatched([samples.train[i] for i in indices], config)
            loss, told = _backward(losses, rows, config)
            norm = float(torch.nn.utils.clip_grad_norm_(weights, config.optimiser.max_grad_norm))
            check_loss(loss, norm, at, config)
            rate = config.optimiser.learning_rate * factor(at.step)
            descend(optimiser, rate)
            # 4. What it did.
            seconds = time.perf_counter() - started
            tokens, learnt = _count(rows)
            at.step += 1
            at.tokens += tokens
            at.trained_tokens += learnt
            at.losses.append(loss)
            at.peak_memory = max(at.peak_memory, peak_memory(losses.device.type))
            metrics = {
                "loss": loss,
                **told,
                "learning_rate": rate,
                "grad_norm": norm,
                "tokens": at.tokens,
                "trained_tokens": at.trained_tokens,
                "tokens_per_second": tokens / seconds,
                "samples_per_second": len(rows) / seconds,
                "peak_memory_gib": at.peak_memory / 2**30,
                "epoch": at.step / math.ceil(len(samples.train) / config.batch_size),
            }
            # 5. What is held out says whether the taste was learnt; the best adapter is kept.
            last = at.step == steps
            if samples.validation and (last or at.step % config.validation.every == 0):
                held = judge(losses, samples.validation, reference, config)
                metrics |= {"validation_loss": held.loss} | {f"validation_{k}": v for k, v in held.told().items()}
                early_stopping.judge(held.loss, at, config)
                if at.best_step == at.step:
                    best = {name: weight.detach().cpu().clone() for name, weight in adapter().items()}
            # 6. The record.
            times = {"seconds": seconds, "seconds_left": (steps - at.step) * seconds}
            with telling(config.out / STEPS, MAKE_ROOM):
                append(config.out / STEPS, {"step": at.step, **metrics, **times})
            log(metrics, at.step)
            if checkpoint.is_due(at, config, last=last):
                random = [processes.random_state(losses.device)]
                checkpoint.save(config.out, at, adapter(), best, optimiser, random)
            bar.update(task, advance=1, loss=_line(metrics), speed=f"{tokens / seconds:,.0f} tok/s")
    # 7. The end: the best adapter is the one that is left.
    if not all(weight.isfinite().all() for weight in weights):
        raise PlumeError(f"the adapter holds numbers that are none: {GENTLER}")
    if at.best_step and at.best_step != at.step:
        set_peft_model_state_dict(model, best)
    if samples.validation and not (held and at.best_step == at.step):
        held = judge(losses, samples.validation, reference, config)
    return at, held


def _worst_first(losses: Losses, rows: list[Row], config: PreferencesConfig) -> None:
    """Compute the longest rows together, once, and forget it: what does not fit fails in the first minute."""
    size = config.micro_batch or config.batch_size
    longest = sorted(rows, key=lambda row: -max(len(row["prompt_ids"]) + len(ids) for ids, _ in _texts(row)))[:size]
    losses.model.train()
    try:
        losses.of(with_mismatched(longest, config))[0].backward()
    except torch.OutOfMemoryError:
        smaller = "micro_batch" if config.method == "dpo" else "batch_size"
        raise PlumeError(
            f"{size} judgements of {config.max_tokens} tokens at most do not fit in the GPU's memory: lower {smaller} "
            "or max_tokens, or use recompute=true"
        ) from None
    losses.model.zero_grad(set_to_none=True)


def _backward(losses: Losses, rows: list[Row], config: PreferencesConfig) -> tuple[float, dict[str, float]]:
    """Accumulate the gradient of the mean loss over all rows; give it, and the means of what trl tells."""
    total, means = 0.0, dict.fromkeys(_TOLD.values(), 0.0)
    counted: set[str] = set()
    size, wanted = config.micro_batch or len(rows), _wanted_tokens(rows)
    for at in range(0, len(rows), size):
        part = rows[at : at + size]
        share = len(part) / len(rows)
        # The anchor is a mean over tokens, and a part may hold more of them than its share of the rows.
        loss, told = losses.of(part, anchor=config.anchor * _wanted_tokens(part) / wanted / share)
        (loss * share).backward()
        total += float(loss.detach()) * share
        for name, ours in _TOLD.items():
            if name in told:
                means[ours] += told[name] * share
                counted.add(ours)
    if config.method == "dpo":
        means["wanted_loss"] *= -len(rows) / wanted  # from the log-probability of a text to nats a token
    else:
        counted.discard("wanted_loss")
    return total, {name: value for name, value in means.items() if name in counted}


def with_mismatched(rows: list[Row], config: PreferencesConfig) -> list[Row]:
    """For kto, beside each text that of the row before: how far the model went is measured on what it was not told."""
    if config.method == "dpo":
        return rows
    return [row | {"KL_completion_ids": rows[i - 1]["completion_ids"]} for i, row in enumerate(rows)]


def _texts(row: Row) -> list[tuple[list[int], int]]:
    """The texts of a row, each with its sign: 1 is wanted, -1 is not."""
    if "completion_ids" in row:
        return [(row["completion_ids"], 1 if row["label"] else -1)]
    return [(row["chosen_ids"], 1), (row["rejected_ids"], -1)]


def _wanted_tokens(rows: list[Row]) -> int:
    return sum(len(ids) for row in rows for ids, sign in _texts(row) if sign == 1) or 1


def _count(rows: list[Row]) -> tuple[int, int]:
    """Tokens of prompts and texts, and of texts alone."""
    learnt = [len(ids) for row in rows for ids, _ in _texts(row)]
    return sum(learnt) + sum(len(row["prompt_ids"]) * len(_texts(row)) for row in rows), sum(learnt)


def _log_probabilities(losses: Losses, row: Row, *, reference: bool = False) -> list[float]:
    return [losses.log_probability(row["prompt_ids"], ids, reference=reference) for ids, _ in _texts(row)]


def judge(losses: Losses, rows: list[Row], reference: list[list[float]], config: PreferencesConfig) -> HeldOut:
    """Compare what the model makes of the held-out rows with the reference's log-probabilities of them."""
    losses.model.eval()
    margins, wanted = [], 0.0
    for row, before in zip(rows, reference, strict=True):
        each = [*zip((sign for _, sign in _texts(row)), _log_probabilities(losses, row), before, strict=True)]
        margins.append(sum(sign * (now - then) for sign, now, then in each))
        wanted -= sum(now for sign, now, _ in each if sign == 1)
    losses.model.train()
    rewards = config.beta * torch.tensor(margins, dtype=torch.float64)
    # dpo: -log σ(β·margin). kto: 1 - σ(±β·log-ratio), its KL term at zero: single texts have no batch to take it from.
    found = -F.logsigmoid(rewards) if config.method == "dpo" else 1 - torch.sigmoid(rewards)
    wanted /= _wanted_tokens(rows)
    anchor = config.anchor * wanted if config.anchored else 0.0
    won = sum(1.0 if margin > 0 else 0.5 if margin == 0 else 0.0 for margin in margins)
    return HeldOut(float(found.mean()) + anchor, won, len(margins), sum(margins) / len(margins), wanted)


def _line(metrics: dict[str, float]) -> str:
    held = f", held out {metrics['validation_win_rate']:.0%} won" if "validation_win_rate" in metrics else ""
    return f"loss {metrics['loss']:.3f}{held}"
