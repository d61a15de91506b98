"""Worker processes, asked from the event loop: one request at a time each, replaced when they die or do not answer."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

_LINE = 4 << 20  # bytes of an answer, at most: far above what a body of 64 KB can become
_START = 120  # seconds until a worker has loaded its recogniser (fine-tuned once, about a minute)
_LOOK = 0.5  # seconds between looks at a worker that is being waited for
_WORKER = (sys.executable, "-m", "serve.guard.worker")
Worker = asyncio.subprocess.Process


class Unavailable(Exception):  # noqa: N818 - a state, not a fault of the caller
    """No worker could answer: the request is refused, nothing goes on unmasked."""


class _LostError(Exception):
    """The worker died or was stopped while it was being waited for."""


beside: "Pool | None" = None  # begun by serve.entry while the engine loads


class Pool:
    """`size` workers; `timeout` seconds to wait for a free one, and as many for its answer."""

    def __init__(
        self,
        size: int,
        timeout: float,
        words: tuple[str, ...] = _WORKER,
        when_awaited: Callable[[], None] = lambda: None,
    ) -> None:
        self.size, self.timeout, self._words = size, timeout, words
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._env = {**os.environ, **one}
        self._free: asyncio.Queue[Worker] = asyncio.Queue()  # may hold workers that died since: see _next
        self._up: set[Worker] = set()  # free, or being asked
        self._all: set[Worker] = set()
        self._tasks: set[asyncio.Task] = set()
        self._begun: list[Worker] = []
        self._when_awaited = when_awaited
        self._stopping = False
        self.restarts = 0

    async def begin(self) -> None:
        """Start the workers' processes beside other work; `start` waits for them."""
        self._begun = [await self._process() for _ in range(self.size)]

    async def start(self) -> None:
        """All workers ready. Raises Unavailable if one does not come up."""
        self._when_awaited()
        await asyncio.gather(*(self._spawn(worker) for worker in self._begun or [None] * self.size))

    async def ask(self, op: str, **request: Any) -> dict[str, Any]:
        """The answer of a worker; if it dies or is stopped meanwhile, that of another one. Raises Unavailable."""
        data = json.dumps({"op": op, **request}).encode() + b"\n"
        for _ in range(2):
            # Shielded: a client that leaves ends no exchange half way, or its answer would reach the next request.
            answer = await asyncio.shield(self._task(self._run(await self._next(), data)))
            if answer is not None:
                break
            await asyncio.sleep(_LOOK)  # what ended this one may have ended others: a dead one would count as asked
        else:
            raise Unavailable("two maskers died over it")
        if "error" in answer:
            raise Unavailable(answer["error"])
        return answer

    def up(self) -> int:
        """How many workers can be asked now or once they are done. Those that died or were stopped are replaced."""
        for worker in [worker for worker in self._up if not _runs(worker)]:
            self._replace(worker)
        return len(self._up)

    async def stop(self) -> None:
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.kill()
        await asyncio.gather(*(worker.wait() for worker in self._all))

    def kill(self) -> None:
        for worker in list(self._all):
            _kill(worker)

    async def _next(self) -> Worker:
        """A free worker that runs. Raises Unavailable if none is in time; the time while none is up does not count."""
        clock = asyncio.get_running_loop().time
        until, latest = clock() + self.timeout, clock() + self.timeout + _START
        while True:
            getting = asyncio.ensure_future(self._free.get())
            try:
                while not (await asyncio.wait({getting}, timeout=_LOOK))[0]:
                    if not self.up():
                        until = min(clock() + self.timeout, latest)
                    if clock() > until:
                        raise Unavailable(f"no masker was free within {self.timeout:g} s")
            except BaseException:
                if not getting.cancel():  # it has one
                    self._free.put_nowait(getting.result())
                raise
            worker = getting.result()
            if worker in self._up and _runs(worker):
                return worker
            self._replace(worker)

    async def _run(self, worker: Worker, data: bytes) -> dict[str, Any] | None:
        """The worker's answer; None if it was lost over it. Whoever does not answer as wanted is replaced."""
        try:
            answer = await _watched(worker, _exchange(worker, data), self.timeout)
        except TimeoutError:  # not asked of another one: the text may be the reason
            self._replace(worker)
            return {"error": f"no answer within {self.timeout:g} s"}
        except Exception:  # a dead pipe is an OSError of one event loop, a RuntimeError of another
            self._replace(worker)
            return None
        except BaseException:
            self._replace(worker)
            raise
        self._free.put_nowait(worker)
        return answer

    async def _process(self) -> Worker:
        worker = await asyncio.create_subprocess_exec(
            *self._words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE,
            env=self._env,
            start_new_session=True,  # Ctrl-C is for the server, which stops its workers
        )
        self._all.add(worker)
        return worker

    async def _spawn(self, worker: Worker | None = None) -> None:
        worker = worker or await self._process()
        try:
            await _watched(worker, worker.stdout.readuntil(b"\n"), _START)
        except (TimeoutError, _LostError, asyncio.IncompleteReadError) as error:
            _kill(worker)
            raise Unavailable(f"a masker did not start ({type(error).__name__})") from None
        finally:
            self._task(self._until_dead(worker))
        self._up.add(worker)
        self._free.put_nowait(worker)

    async def _until_dead(self, worker: Worker) -> None:
        """An idle worker that dies is replaced at once, not when it is next asked."""
        await worker.wait()
        self._all.discard(worker)
        self._replace(worker)

    def _replace(self, worker: Worker) -> None:
        """Kill a worker and start another one; once, whoever notices first."""
        if worker not in self._up or self._stopping:
            return
        self._up.discard(worker)
        self.restarts += 1
        _kill(worker)
        self._task(self._respawn())

    async def _respawn(self) -> None:
        """Until a worker is up again: without one every request would be refused for ever."""
        while True:
            try:
                return await self._spawn()
            except Exception:
                await asyncio.sleep(1)

    def _task(self, work: Coroutine) -> asyncio.Task:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _exchange(worker: Worker, data: bytes) -> dict[str, Any]:
    worker.stdin.write(data)
    await worker.stdin.drain()
    return json.loads(await worker.stdout.readuntil(b"\n"))


async def _watched(worker: Worker, work: Coroutine, seconds: float) -> Any:
    """The result of what waits for a worker. Raises TimeoutError, _LostError, and what `work` raises."""
    task = asyncio.ensure_future(work)
    try:
        async with asyncio.timeout(seconds):
            while not (await asyncio.wait({task}, timeout=_LOOK))[0]:
                if not _runs(worker):
                    raise _LostError
        return task.result()
    finally:
        task.cancel()


def _runs(worker: Worker) -> bool:
    """Whether a worker is neither dead nor stopped (SIGSTOP): of a stopped one no pipe tells."""
    if worker.returncode is not None:
        return False
    try:
        stat = Path(f"/proc/{worker.pid}/stat").read_text()
    except OSError:  # no Linux, or gone this moment: its pipes tell
        return True
    return stat.rpartition(")")[2].split()[0] not in "TtZX"


def _kill(worker: Worker) -> None:
    with suppress(ProcessLookupError):
        worker.kill()
