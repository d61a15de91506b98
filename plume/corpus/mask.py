"""Masking chunks of pairs, in this process or, once an export proves large, in several.

Chunks are the same and come back in the same order whatever the number of processes: the bytes written are the same.
"""

import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from multiprocessing import active_children, get_context

from plume.corpus.pairs import Quarantined, Selection, UnmaskedPair
from plume.corpus.similar import band_keys
from plume.corpus.spool import Spooled
from plume.pseudonymise import SUSPICION, Masked, Pseudonymiser

_SMALL = 16  # chunks: below, starting processes would take longer than they save
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Chunk = list[tuple[int, UnmaskedPair]]
Done = list[tuple[int, Spooled | Quarantined]]


class Masker:
    """`map` gives chunks back masked, in the order in which they came; few are held at a time."""

    def __init__(self, *, ner: bool, select: Selection, workers: int) -> None:
        self._ner, self._select, self._workers = ner, select, workers

    def map(self, chunks: Iterator[Chunk]) -> Iterator[Done]:
        for number, chunk in enumerate(chunks, 1):
            yield mask(chunk, self._ner, self._select)
            if number == _SMALL and self._workers > 1:
                yield from self._map_in_processes(chunks)

    def _map_in_processes(self, chunks: Iterator[Chunk]) -> Iterator[Done]:
        others = set(active_children())
        given = {name: os.environ.get(name) for name in _THREADS}
        os.environ.update(dict.fromkeys(_THREADS, "1"))  # a process a core is enough
        pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"), initializer=_ignore_ctrl_c)
        try:
            waiting: deque[Future[Done]] = deque()
            for chunk in chunks:
                waiting.append(pool.submit(mask, chunk, self._ner, self._select))
                if len(waiting) > 2 * self._workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BaseException:  # Ctrl-C, a full disk: do not wait for texts that nobody will read
            for process in set(active_children()) - others:
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for name, value in given.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def mask(chunk: Chunk, ner: bool, select: Selection) -> Done:
    """Mask the texts of pairs; nothing of the raw texts goes on."""
    done: Done = []
    for (seq, pair), masked in zip(chunk, _masked([pair for _, pair in chunk], pseudonymiser(ner)), strict=True):
        values = pair.values
        if isinstance(masked, str):
            told = Quarantined(values["id"], "not_masked", masked, values["network"], values["structure"])
            done.append((seq, told))
            continue
        if (suspected := masked.layers.get(SUSPICION)) and select.residual_suspicion == "quarantine":
            told = f"{suspected} places beside the masks may be parts of an identifier"
            done.append(
                (seq, Quarantined(values["id"], "residual_suspicion", told, values["network"], values["structure"]))
            )
            continue
        values = values | {"title": masked.title, "review": masked.review, "reply": masked.reply}
        facts = {
            "masked": masked.counts,
            "layers": masked.layers,
            "other": {"closings": int(bool(pair.closing)), "unlisted": int(bool(pair.unlisted_contacts))},
        }
        bands = [band_keys(text, select.near_duplicate) for text in (masked.reply, masked.review)]
        done.append((seq, Spooled(values, *bands, facts, masked.age_band)))
    return done


def _masked(pairs: list[UnmaskedPair], by: Pseudonymiser) -> list[Masked | str]:
    """Give what the pseudonymiser makes of each pair, or why it could not: one text must not stop an export."""
    raw = [
        {**{name: pair.values[name] for name in ("title", "review", "reply")}, "pseudonym": pair.pseudonym}
        for pair in pairs
    ]
    try:
        return list(by.pairs(raw))
    except Exception as error:  # errors are values where a batch must go on
        if len(pairs) == 1:  # the type alone: a message may quote the text
            return [f"the pseudonymiser failed on it ({type(error).__name__})"]
        return [told for pair in pairs for told in _masked([pair], by)]


@cache
def pseudonymiser(ner: bool) -> Pseudonymiser:
    """Load the one of this process, once."""
    from plume.pseudonymise.recogniser.ner import load_ner

    return Pseudonymiser(load_ner() if ner else None)


def _ignore_ctrl_c() -> None:
    """Leave Ctrl-C, which reaches every process of the terminal, to the one that started these and ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
