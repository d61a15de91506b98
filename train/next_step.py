"""Pack the next step while this one is computed: in a thread, into memory that a GPU fetches from without waiting."""

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch

import datasets
from train import processes
from train.batches import MicroBatch, by_process, common_prefix, step_indices
from train.config import TrainConfig
from train.samples import Samples
from train.speed import Cost


@dataclass(frozen=True)
class Step:
    """One optimiser step: this process's micro-batches, and what all processes compute together."""

    batches: list[MicroBatch]
    pairs: int
    tokens: int  # computed: shared prefixes once
    trained_tokens: int
    flops: float  # useful operations


def pack_step(samples: Samples, config: TrainConfig, cost: Cost, number: int, device: torch.device) -> Step:
    """Pack step `number` (from 0): the same pairs whenever it is asked for, cut by what each costs."""
    rows = samples.train.select(step_indices(len(samples.train), config.batch_size, number, config.seed))
    shares = _by_process(rows, samples.prefix if config.share_prefix else 0, config, cost)
    every = [batch for share in shares for batch in share]
    own = shares[processes.rank()]
    return Step(
        [batch.pinned() for batch in own] if device.type == "cuda" else own,
        len(rows),
        sum(batch.tokens for batch in every),
        sum(len(batch.labels) for batch in every),
        cost.flops(every, recompute=config.recompute)[0],
    )


def sample_costs(cost: Cost, lengths: Iterable[int], prompts: Iterable[int], prefix: int) -> list[float]:
    """What each sample adds to the row that it is packed into, in operations."""
    return [cost.of_sample(length, prompt, prefix) for length, prompt in zip(lengths, prompts, strict=True)]


def _by_process(rows: datasets.Dataset, prefix: int, config: TrainConfig, cost: Cost) -> list[list[MicroBatch]]:
    costs = sample_costs(cost, map(len, rows["input_ids"]), rows["prompt_length"], prefix)
    return by_process(list(rows), costs, config.micro_batch_tokens, processes.count(), share=config.share_prefix)


def validation_share(samples: Samples, config: TrainConfig, cost: Cost) -> list[MicroBatch]:
    """Pack this process's share of the validation pairs: `validation.max_pairs` of them, the same every time."""
    rows, most = samples.validation, config.validation.max_pairs
    if most and most < len(rows):
        chosen = random.Random(config.seed).sample(range(len(rows)), most)  # noqa: S311 - no secret
        rows = rows.select(sorted(chosen))
    return _by_process(rows, common_prefix(rows) if config.share_prefix else 0, config, cost)[processes.rank()]


@contextmanager
def packed_ahead(pack: Callable[[int], Step], first: int, end: int, device: torch.device) -> Iterator[Callable]:
    """Give a function that hands over the steps from `first` to `end` in turn, each packed during the one before.

    What packing raises, handing over raises. Nothing is left running.
    """
    here = (torch.cuda.set_device, (device,)) if device.type == "cuda" else ()  # a thread begins on the first GPU
    with ThreadPoolExecutor(1, "packing", *here) as thread:
        packed: dict[int, Future[Step]] = {}

        def ask_for(number: int) -> None:
            if number < end:
                packed[number] = thread.submit(pack, number)

        def take(number: int) -> Step:
            step = packed.pop(number).result()
            ask_for(number + 1)
            return step

        ask_for(first)
        try:
            yield take
        finally:
            thread.shutdown(cancel_futures=True)
