"""Work through chunks in order, in this process or, once they prove many, in several.

Chunks are the same and come back in the same order whatever the number of processes: the bytes written are the same.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import active_children, get_context
from typing import Any

_SMALL = 16  # chunks: below, starting processes would take longer than they save
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def in_order(work: Callable[[Any], Any], chunks: Iterator[Any], workers: int) -> Iterator[Any]:
    """Give `work(chunk)` for each chunk, in their order; few are held at a time. `work` and chunks can be pickled."""
    for number, chunk in enumerate(chunks, 1):
        yield work(chunk)
        if number == _SMALL and workers > 1:
            yield from _in_processes(work, chunks, workers)


def _in_processes(work: Callable[[Any], Any], chunks: Iterator[Any], workers: int) -> Iterator[Any]:
    others = set(active_children())
    given = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # a process a core is enough
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_ignore_ctrl_c)
    try:
        waiting: deque[Future[Any]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(work, chunk))
            if len(waiting) > 2 * workers:
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


def _ignore_ctrl_c() -> None:
    """Leave Ctrl-C, which reaches every process of the terminal, to the one that started these and ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
