"""From samples to micro-batches: one packed row each, the shared prefix once, no padding.

A row holds `prefix | own tokens of sample 1 | own tokens of sample 2 | …`. The prefix is the longest common token
prefix of the row's samples, found after each was tokenised as a whole. `train.attention` lets each sample see the
prefix and itself, nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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

    @property
    def longest(self) -> int:
        """Tokens of the longest sample, the prefix among them."""
        return self.prefix + max(end - start for start, end in self.bounds)


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
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "MicroBatch":
        """Put it where a GPU fetches it without waiting for the processor."""
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change: "Callable[[torch.Tensor], torch.Tensor]") -> "MicroBatch":
        tensors = (self.input_ids, self.position_ids, self.targets, self.labels)
        return MicroBatch(*map(change, tensors), self.layout)


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


def share_out(costs: Sequence[float], processes: int) -> list[list[int]]:
    """Deal samples of these costs to the processes, so that the one with most to do has as little as can be.

    The costliest first, each to the process that has least. Then the fullest gives a sample away, or exchanges one, as
    long as that gains half a percent: thousands, dealt, are nearer than that, and their exchanges would be millions.
    Returns each process's indices, the same for the same costs.
    """
    shares: list[list[int]] = [[] for _ in range(processes)]
    loads = [0.0] * processes
    for index in sorted(range(len(costs)), key=lambda i: (-costs[i], i)):
        least = loads.index(min(loads))
        shares[least].append(index)
        loads[least] += costs[index]
    mean = sum(costs) / processes
    while (fullest := max(loads)) and mean <= 0.995 * fullest:
        here = loads.index(fullest)
        left, there, given, taken = min(_exchanges(costs, shares, loads, here), key=lambda exchange: exchange[0])
        if left > 0.995 * fullest:
            break
        shares[here].remove(given)
        shares[there].append(given)
        if taken is not None:
            shares[there].remove(taken)
            shares[here].append(taken)
        for process in (here, there):
            loads[process] = sum(costs[i] for i in shares[process])
    return shares


def _exchanges(
    costs: Sequence[float], shares: list[list[int]], loads: list[float], here: int
) -> Iterator[tuple[float, int, int, int | None]]:
    """What the process `here` can give to each other one, for nothing or for a sample: what the fuller then has."""
    for there in (process for process in range(len(shares)) if process != here):
        for given in shares[here]:
            for taken in (None, *shares[there]):
                moved = costs[given] - (0.0 if taken is None else costs[taken])
                yield max(loads[here] - moved, loads[there] + moved), there, given, taken


def cut(
    lengths: Sequence[int], costs: Sequence[float], prefix: int, budget: int, processes: int = 1
) -> list[list[list[int]]]:
    """Each process's groups of a step's samples: shares of equal cost, each cut as `group` does."""
    return [
        [[share[i] for i in members] for members in group([lengths[i] for i in share], prefix, budget)]
        for share in (share_out(costs, processes) if processes > 1 else [range(len(lengths))])
    ]


def worst_group(
    lengths: Sequence[int],
    steps: Iterable[Sequence[int]],
    prefix: int,
    budget: int,
    processes: int = 1,
    costs: Sequence[float] | None = None,
) -> list[int]:
    """The samples of the largest micro-batch of all these steps: what must fit in memory. By default tokens cost."""
    costs = lengths if costs is None else costs
    worst: tuple[int, list[int]] = (0, [])
    for step in steps:
        for groups in cut([lengths[i] for i in step], [costs[i] for i in step], prefix, budget, processes):
            members = [step[i] for i in groups[0]] if groups else []
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
    return by_process(rows, [0.0] * len(rows), budget, share=share)[0]


def by_process(
    rows: Sequence[TokenRow], costs: Sequence[float], budget: int, processes: int = 1, *, share: bool = True
) -> list[list[MicroBatch]]:
    """The micro-batches of each process: all of one optimiser step, or of a validation split."""
    prefix = common_prefix(rows) if share else 0
    groups_of_each = cut([len(row["input_ids"]) for row in rows], costs, prefix, budget, processes)
    return [[pack([rows[i] for i in members], share=share) for members in groups] for groups in groups_of_each]
