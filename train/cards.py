"""Find the largest micro-batch that fits a device: for `--estimate`'s table of cards, and for keys that say `auto`."""

import math
from dataclasses import dataclass

from train.config import AUTO, TrainConfig
from train.estimate import Footprint, estimate
from train.loop import largest_batch
from train.samples import Samples

FLOOR = 2048  # tokens: smaller micro-batches lose more to repeated prefixes and small products than recompute costs
CPU_TOKENS = 4096  # at most on a CPU, by default what a run takes: whether more is faster is not measured
CARDS = (24e9, 48e9, 80e9, 141e9)  # bytes of the cards that --estimate speaks of


@dataclass(frozen=True)
class Choice:
    """A config whose keys are all set, and what it takes."""

    config: TrainConfig
    footprint: Footprint


class Fitting:
    """What micro-batches of a run take of one kind of device. Each size is traced once."""

    def __init__(self, config: TrainConfig, samples: Samples, kind: str) -> None:
        if config.dtype == AUTO and kind == "cuda":  # of any that is spoken of here; a run's own is settled before
            config = config.model_copy(update={"dtype": "bfloat16"})
        self.config, self.samples, self.kind = config.settled(), samples, kind
        self._known: dict[tuple[int, bool, bool], Choice] = {}
        self._tokens: dict[int, int] = {}
        self.sizes = self._sizes()

    def _sizes(self) -> list[int]:
        """What is tried as micro_batch_tokens: from the smallest allowed to the first that takes a whole step."""
        config = self.config
        most = max(config.max_tokens, self.tokens(sum(self.samples.lengths)))
        if self.kind == "cpu":
            most = max(config.max_tokens, min(most, CPU_TOKENS))
        sizes = [config.max_tokens]
        while sizes[-1] < most:
            sizes.append(_next_round(sizes[-1]))
        return sizes

    def tokens(self, size: int) -> int:
        """Tokens of the largest micro-batch of a size: samples are whole, so it may be well below."""
        if size not in self._tokens:
            config = self.config.model_copy(update={"micro_batch_tokens": size})
            self._tokens[size] = largest_batch(self.samples, config).tokens
        return self._tokens[size]

    def of(self, size: int, *, recompute: bool, qlora: bool) -> Choice:
        """What one size takes."""
        key = (size, recompute, qlora)
        if key not in self._known:
            lora = self.config.lora.model_copy(update={"qlora": qlora})
            keys = {"micro_batch_tokens": size, "recompute": recompute, "lora": lora}
            config = self.config.model_copy(update=keys)
            self._known[key] = Choice(config, estimate(config, self.samples, self.kind))
        return self._known[key]

    def largest(self, memory: float, *, recompute: bool, qlora: bool, least: int = 0) -> Choice | None:
        """The largest size, of `least` tokens or more, that fits `memory` bytes; None if none does.

        Memory grows about evenly with tokens: two small sizes tell where to look, and what is found is traced.
        """
        sizes = [size for size in self.sizes if size >= least] or self.sizes[-1:]

        def takes(at: int) -> Footprint:
            return self.of(sizes[at], recompute=recompute, qlora=qlora).footprint

        first, second = takes(0), takes(min(2, len(sizes) - 1))
        slope = (second.needed - first.needed) / max(second.worst_tokens - first.worst_tokens, 1)
        most = first.worst_tokens + (memory - first.needed) / slope if slope else math.inf
        at = max(0, sum(self.tokens(size) <= most for size in sizes) - 1)
        while at >= 0 and takes(at).needed > memory:
            at -= 1
        while 0 <= at < len(sizes) - 1 and takes(at + 1).needed <= memory:
            at += 1
        return self.of(sizes[at], recompute=recompute, qlora=qlora) if at >= 0 else None

    def given(self) -> Choice:
        """What a config that leaves nothing to the card takes."""
        config = self.config
        return self.of(config.micro_batch_tokens, recompute=config.recompute, qlora=config.lora.qlora)

    def best(self, memory: float) -> Choice | None:
        """The fastest way that fits `memory` bytes, whatever the config says of it: QLoRA last, recompute late."""
        quantised = [self.config.lora.qlora]
        if not quantised[0] and self.config.dtype == "bfloat16":
            quantised.append(True)
        return self._first(memory, [(qlora, recompute) for qlora in quantised for recompute in (False, True)])

    def auto(self, memory: float) -> Choice | None:
        """Set what the config leaves to the device, for `memory` bytes; None if nothing fits."""
        given, size = self.config.recompute, self.config.micro_batch_tokens
        ways = [(self.config.lora.qlora, recompute) for recompute in ((False, True) if given == "auto" else (given,))]
        if size == "auto":
            return self._first(memory, ways)
        choices = (self.of(size, recompute=recompute, qlora=qlora) for qlora, recompute in ways)
        return next((choice for choice in choices if choice.footprint.needed <= memory), None)

    def _first(self, memory: float, ways: list[tuple[bool, bool]]) -> Choice | None:
        """The first way that fits. One without recompute that is small is worth less than one with it."""
        for qlora, recompute in ways:
            least = FLOOR if not recompute and (qlora, True) in ways else 0
            if found := self.largest(memory, recompute=recompute, qlora=qlora, least=least):
                return found
        return None


def _next_round(size: int) -> int:
    """The next of 1024, 1536, 2048, 3072, 4096, 6144 …"""
    power = max(1024, 1 << (size.bit_length() - 1))
    return next(each for each in (power, power * 3 // 2, power * 2) if each > size)
