"""From samples to micro-batches: one packed row each, the shared prefix once, no padding.

A row holds `prefix | own tokens of sample 1 | own tokens of sample 2 | …`. The prefix is the longest common token
prefix of the row's samples, found after each was tokenised as a whole. `train.attention` lets each sample see the
prefix and itself, nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a second and a half that a preview does not need
    import torch

TokenRow = dict[str, Any]  # `input_ids` (prompt and reply), `prompt_length`


@dataclass(frozen=True)
class Layout:
    """Where things stand in a packed row: the prefix's length, and the bounds of each sample's own tokens."""

    prefix: int
    bounds: tuple[tuple[int, int], ...]

    @property
    def tokens(self) -> int:
        return self.bounds[-1][1]


@dataclass
class MicroBatch:
    """One packed row. `input_ids`, `position_ids`: [1, tokens]. `targets`: [trained tokens], the positions whose next
    token is learnt; `labels`: [trained tokens], those next tokens."""

    input_ids: "torch.Tensor"
    position_ids: "torch.Tensor"
    targets: "torch.Tensor"
    labels: "torch.Tensor"
    layout: Layout

    @property
    def tokens(self) -> int:
        """Tokens computed: the shared prefix once, padding never."""
        return self.layout.tokens

    @property
    def samples(self) -> int:
        return len(self.layout.bounds)

    def to(self, device: Any) -> "MicroBatch":
        tensors = (self.input_ids, self.position_ids, self.targets, self.labels)
        return MicroBatch(*(t.to(device, non_blocking=True) for t in tensors), self.layout)


def step_indices(count: int, batch_size: int, step: int, seed: int) -> list[int]:
    """The samples of optimiser step `step` (from 0): epochs are seeded permutations, read one after the other.

    It depends on its arguments alone, so a resumed run sees the same data in the same order. An epoch's last batch may
    be smaller: a batch never spans two epochs.
    """
    per_epoch = -(-count // batch_size)
    epoch, position = divmod(step, per_epoch)
    return list(_epoch_order(count, seed + epoch)[position * batch_size : (position + 1) * batch_size])


@lru_cache(maxsize=2)
def _epoch_order(count: int, seed: int) -> tuple[int, ...]:
    import torch

    return tuple(torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist())


def common_prefix(rows: Iterable[TokenRow]) -> int:
    """Length of the longest prefix that all rows share, short of each row's last prompt token.

    That token predicts the reply's first one, so it must belong to its sample. A row alone shares nothing.
    """
    shared, count = None, 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        ids = row["input_ids"][: row["prompt_length"] - 1]
        shared = ids if shared is None else _common(shared, ids)
    return len(shared) if shared and count > 1 else 0


def _common(left: list[int], right: list[int]) -> list[int]:
    differ = (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
    return left[: next(differ, min(len(left), len(right)))]


def group(lengths: Sequence[int], prefix: int, budget: int) -> list[list[int]]:
    """Cut samples of these lengths, which share `prefix` tokens, into groups that take at most `budget` tokens packed.

    Returns indices, the largest group first. First fit over decreasing lengths: few groups, the same for the same
    lengths. Only a sample longer than the budget exceeds it.
    """
    groups: list[list[int]] = []
    taken: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        own = lengths[index] - prefix
        fits = next((g for g, tokens in enumerate(taken) if tokens + own <= budget), None)
        if fits is None:
            groups.append([index])
            taken.append(prefix + own)
        else:
            groups[fits].append(index)
            taken[fits] += own
    return [groups[g] for g in sorted(range(len(groups)), key=lambda g: (-taken[g], g))]


def worst_group(lengths: Sequence[int], steps: Iterable[Sequence[int]], prefix: int, budget: int) -> list[int]:
    """The samples of the largest micro-batch of all these steps: what must fit in memory."""
    worst: tuple[int, list[int]] = (0, [])
    for step in steps:
        members = [step[i] for i in group([lengths[i] for i in step], prefix, budget)[0]]
        tokens = prefix + sum(lengths[i] - prefix for i in members)
        worst = max(worst, (tokens, members), key=lambda w: w[0])
    return worst[1]


def pack(rows: Sequence[TokenRow], *, share: bool = True) -> MicroBatch:
    """Rows as one packed row; `share=False` repeats the prefix for each, as other toolkits do."""
    import torch

    prefix = common_prefix(rows) if share else 0
    ids, positions = list(rows[0]["input_ids"][:prefix]), list(range(prefix))
    targets, labels, bounds = [], [], []
    for row in rows:
        start = len(ids)
        ids += row["input_ids"][prefix:]
        positions += range(prefix, len(row["input_ids"]))
        bounds.append((start, len(ids)))
        # Position p predicts token p+1: the last prompt position predicts the reply's first token.
        first = start + row["prompt_length"] - 1 - prefix
        targets += range(first, len(ids) - 1)
        labels += row["input_ids"][row["prompt_length"] :]
    return MicroBatch(
        torch.tensor([ids]),
        torch.tensor([positions]),
        torch.tensor(targets),
        torch.tensor(labels),
        Layout(prefix, tuple(bounds)),
    )


def micro_batches(rows: Sequence[TokenRow], budget: int, *, share: bool = True) -> list[MicroBatch]:
    """The micro-batches of one optimiser step (or of a validation split), the largest first."""
    if not rows:
        return []
    prefix = common_prefix(rows) if share else 0
    groups = group([len(row["input_ids"]) for row in rows], prefix, budget)
    return [pack([rows[i] for i in members], share=share) for members in groups]
