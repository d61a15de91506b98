"""Masking chunks of pairs, in this process or, once an export proves large, in several."""

import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from multiprocessing import get_context
from typing import TYPE_CHECKING

from plume.corpus.dataset import FEATURES
from plume.corpus.pairs import Pair
from plume.corpus.similar import bands
from plume.corpus.spool import Spooled

if TYPE_CHECKING:
    from plume.corpus.pseudonymise import Pseudonymiser

_SMALL = 16  # chunks: below, starting processes would take longer than they save

Chunk = list[tuple[int, Pair]]
Masked = list[tuple[int, Spooled]]


class Masker:
    """`map` gives chunks back masked, in the order in which they came; few are held at a time."""

    def __init__(self, *, ner: bool, workers: int) -> None:
        self._ner, self._workers = ner, workers
        self._stack = ExitStack()

    def __enter__(self) -> "Masker":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def map(self, chunks: Iterator[Chunk]) -> Iterator[Masked]:
        for number, chunk in enumerate(chunks, 1):
            yield mask(chunk, ner=self._ner)
            if number == _SMALL and self._workers > 1:
                break
        else:
            return
        pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"), initializer=_ignore_ctrl_c)
        self._stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        waiting: deque[Future[Masked]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(mask, chunk, ner=self._ner))
            if len(waiting) > 2 * self._workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def mask(chunk: Chunk, *, ner: bool) -> Masked:
    """The pairs with their texts masked; nothing of the raw texts goes on."""
    raw = [
        {**{name: pair.values[name] for name in ("title", "review", "reply")}, "pseudonym": pair.pseudonym}
        for _, pair in chunk
    ]
    done = []
    for (seq, pair), masked in zip(chunk, _pseudonymiser(ner).pairs(raw), strict=True):
        values = pair.values | {"title": masked.title, "review": masked.review, "reply": masked.reply}
        facts = {
            "masked": masked.counts,
            "layers": masked.layers,
            "other": {"closings": int(bool(pair.closing)), "unlisted": int(bool(pair.unlisted_contacts))},
        }
        values = {name: values[name] for name in FEATURES}
        done.append((seq, Spooled(values, bands(masked.reply), bands(masked.review), facts, masked.age_band)))
    return done


@cache
def _pseudonymiser(ner: bool) -> "Pseudonymiser":
    from plume.corpus.pseudonymise import Pseudonymiser
    from plume.corpus.pseudonymise.ner import load_ner

    return Pseudonymiser(load_ner() if ner else None)


def _ignore_ctrl_c() -> None:
    """Ctrl-C reaches every process of the terminal: the one that started these ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
