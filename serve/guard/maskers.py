"""Keeps the processes that mask and check, and asks them from the event loop: one request at a time each.

One that dies, is stopped or does not answer is replaced.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

_LINE = 4 << 20  # bytes of an answer, at most: far above what a body of 64 KB can become
_START = 120  # seconds until a masker has loaded its recogniser, many times what an idle machine takes
_LOOK = 0.5  # seconds between looks at a masker that is being waited for
_COMMAND = (sys.executable, "-m", "serve.guard.masker_process")
MaskerProcess = asyncio.subprocess.Process


class NoMasker(Exception):  # noqa: N818 - a state, not a fault of the caller
    """No masker could answer: the request is refused, nothing goes on unmasked."""


class _LostError(Exception):
    """The masker died or was stopped while it was being waited for."""


beside: "Maskers | None" = None  # begun by serve.entry while the engine loads


class Maskers:
    """Runs `size` maskers. A request waits `timeout` seconds for a free one, and as many for its answer."""

    def __init__(
        self,
        size: int,
        timeout: float,
        words: tuple[str, ...] = _COMMAND,
        when_awaited: Callable[[], None] = lambda: None,
    ) -> None:
        self.size, self.timeout, self._words = size, timeout, words
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._env = {**os.environ, **one}
        self._free: asyncio.Queue[MaskerProcess] = asyncio.Queue()  # may hold maskers that died since: see _next
        self._up: set[MaskerProcess] = set()  # free, or being asked
        self._all: set[MaskerProcess] = set()
        self._tasks: set[asyncio.Task] = set()
        self._begun: list[MaskerProcess] = []
        self._when_awaited = when_awaited
        self._stopping = False
        self._asked = 0  # what was asked and is not answered yet
        self._calm: asyncio.Future[None] | None = None  # what waits for the maskers to have nothing to do
        self.restarts = 0

    async def begin(self) -> None:
        """Start the maskers' processes beside other work; `start` waits for them."""
        self._begun = [await self._process() for _ in range(self.size)]

    async def start(self) -> None:
        """Wait until all maskers are ready. Raises NoMasker if one does not start, nor one in its place."""
        self._when_awaited()
        begun = self._begun or [None] * self.size
        await asyncio.gather(*(self._task(self._spawn_or_another(masker)) for masker in begun))

    async def ask(self, op: str, **request: Any) -> dict[str, Any]:
        """Ask a masker; if it dies or is stopped meanwhile, ask another one. Raises NoMasker."""
        self._asked += 1
        try:
            return await self._ask(op, request)
        finally:
            self._asked -= 1
            if not self._asked and self._calm:
                _go_on(self._calm)

    async def calm(self, seconds: float) -> float:
        """Wait until all that was asked is answered, or `seconds` since the first one waits: all go on together.

        Returns the seconds that it took.
        """
        if not self._asked or not seconds:
            return 0.0
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if not self._calm or self._calm.done():
            self._calm = loop.create_future()
            loop.call_later(seconds, _go_on, self._calm)
        await asyncio.shield(self._calm)
        return loop.time() - begun

    async def _ask(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        data = json.dumps({"op": op, **request}).encode() + b"\n"
        for _ in range(2):
            # Shielded: a client that leaves ends no exchange half way, or its answer would reach the next request.
            answer = await asyncio.shield(self._task(self._run(await self._next(), data)))
            if answer is not None:
                break
            await asyncio.sleep(_LOOK)  # what ended this one may have ended others: a dead one would count as asked
        else:
            raise NoMasker("two maskers died over it")
        if "error" in answer:
            raise NoMasker(answer["error"])
        return answer

    def up(self) -> int:
        """Count the maskers that can be asked, now or soon; replace those that died or were stopped."""
        for masker in [masker for masker in self._up if not _runs(masker)]:
            self._replace(masker)
        return len(self._up)

    async def stop(self) -> None:
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.kill()
        await asyncio.gather(*(masker.wait() for masker in self._all))

    def kill(self) -> None:
        for masker in list(self._all):
            _kill(masker)

    async def _next(self) -> MaskerProcess:
        """Wait for a free masker that runs. Raises NoMasker if none is in time, not counting time while none runs."""
        clock = asyncio.get_running_loop().time
        until, latest = clock() + self.timeout, clock() + self.timeout + _START
        while True:
            getting = asyncio.ensure_future(self._free.get())
            try:
                while not (await asyncio.wait({getting}, timeout=_LOOK))[0]:
                    if not self.up():
                        until = min(clock() + self.timeout, latest)
                    if clock() > until:
                        raise NoMasker(f"no masker was free within {self.timeout:g} s")
            except BaseException:
                if not getting.cancel():  # it has one
                    self._free.put_nowait(getting.result())
                raise
            masker = getting.result()
            if masker in self._up and _runs(masker):
                return masker
            self._replace(masker)

    async def _run(self, masker: MaskerProcess, data: bytes) -> dict[str, Any] | None:
        """Give a masker's answer; None if it died over it. A masker that does not answer as wanted is replaced."""
        try:
            answer = await _watched(masker, _exchange(masker, data), self.timeout)
        except TimeoutError:  # not asked of another one: the text may be the reason
            self._replace(masker)
            return {"error": f"no answer within {self.timeout:g} s"}
        except Exception:  # a dead pipe is an OSError of one event loop, a RuntimeError of another
            self._replace(masker)
            return None
        except BaseException:
            self._replace(masker)
            raise
        self._free.put_nowait(masker)
        return answer

    async def _process(self) -> MaskerProcess:
        masker = await asyncio.create_subprocess_exec(
            *self._words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE,
            env=self._env,
            start_new_session=True,  # Ctrl-C is for the server, which stops its maskers
        )
        self._all.add(masker)
        return masker

    async def _spawn(self, masker: MaskerProcess | None = None) -> None:
        masker = masker or await self._process()
        try:
            await _watched(masker, masker.stdout.readuntil(b"\n"), _START)
        except (TimeoutError, _LostError, asyncio.IncompleteReadError) as error:
            _kill(masker)
            raise NoMasker(f"a masker did not start ({type(error).__name__})") from None
        finally:
            self._task(self._until_dead(masker))
        self._up.add(masker)
        self._free.put_nowait(masker)

    async def _spawn_or_another(self, masker: MaskerProcess | None) -> None:
        try:
            await self._spawn(masker)
        except NoMasker:  # killed while it loaded, say for want of memory
            self.restarts += 1
            await self._spawn()

    async def _until_dead(self, masker: MaskerProcess) -> None:
        """Replace an idle masker as soon as it dies, not when it is next asked."""
        await masker.wait()
        self._all.discard(masker)
        self._replace(masker)

    def _replace(self, masker: MaskerProcess) -> None:
        """Kill a masker and start another one, once, whoever notices first."""
        if masker not in self._up or self._stopping:
            return
        self._up.discard(masker)
        self.restarts += 1
        _kill(masker)
        self._task(self._respawn())

    async def _respawn(self) -> None:
        """Try until a masker is up again: without one every request would be refused for ever."""
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


def _go_on(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


async def _exchange(masker: MaskerProcess, data: bytes) -> dict[str, Any]:
    masker.stdin.write(data)
    await masker.stdin.drain()
    return json.loads(await masker.stdout.readuntil(b"\n"))


async def _watched(masker: MaskerProcess, work: Coroutine, seconds: float) -> Any:
    """Await work on a masker. Raises TimeoutError, _LostError, and what `work` raises."""
    task = asyncio.ensure_future(work)
    try:
        async with asyncio.timeout(seconds):
            while not (await asyncio.wait({task}, timeout=_LOOK))[0]:
                if not _runs(masker):
                    raise _LostError
        return task.result()
    finally:
        task.cancel()


def _runs(masker: MaskerProcess) -> bool:
    """Tell whether a masker is neither dead nor stopped (SIGSTOP): pipes do not tell of a stopped one."""
    if masker.returncode is not None:
        return False
    try:
        stat = Path(f"/proc/{masker.pid}/stat").read_text()
    except OSError:  # no Linux, or gone this moment: its pipes tell
        return True
    return stat.rpartition(")")[2].split()[0] not in "TtZX"


def _kill(masker: MaskerProcess) -> None:
    with suppress(ProcessLookupError):
        masker.kill()
