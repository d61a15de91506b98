"""Worker processes, asked from the event loop: one request at a time each, replaced when they die or do not answer."""

import asyncio
import json
import os
import sys
from typing import Any

_LINE = 4 << 20  # bytes of an answer, at most: far above what a body of 64 KB can become
_START = 120  # seconds until a worker has loaded its recogniser (fine-tuned once, about a minute)


class Unavailable(Exception):  # noqa: N818 - a state, not a fault of the caller
    """No worker could answer: the request is refused, nothing goes on unmasked."""


class Pool:
    """`size` workers; `timeout` seconds to wait for a free one, and as many for its answer."""

    def __init__(self, size: int, timeout: float) -> None:
        self.size, self.timeout = size, timeout
        self._free: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
        self._all: set[asyncio.subprocess.Process] = set()
        self._starting: set[asyncio.Task] = set()
        self.restarts = 0

    async def start(self) -> None:
        """All workers ready. Raises Unavailable if one does not come up."""
        await asyncio.gather(*(self._spawn() for _ in range(self.size)))

    async def ask(self, op: str, **request: Any) -> dict[str, Any]:
        """The answer of a worker. Raises Unavailable on a time-out, a death or an error in the worker."""
        try:
            async with asyncio.timeout(self.timeout):
                worker = await self._free.get()
            answer = await asyncio.shield(self._run(worker, {"op": op, **request}))  # a client that leaves stops none
        except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError) as error:
            raise Unavailable(type(error).__name__) from None
        if "error" in answer:
            raise Unavailable(answer["error"])
        return answer

    async def stop(self) -> None:
        for task in self._starting:
            task.cancel()
        for worker in self._all:
            if worker.returncode is None:
                worker.kill()
        await asyncio.gather(*(worker.wait() for worker in self._all))

    async def _run(self, worker: asyncio.subprocess.Process, request: dict[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self.timeout):
                answer = await self._exchange(worker, request)
        except BaseException:  # a late answer must never reach the next request
            self._replace(worker)
            raise
        self._free.put_nowait(worker)
        return answer

    @staticmethod
    async def _exchange(worker: asyncio.subprocess.Process, request: dict[str, Any]) -> dict[str, Any]:
        worker.stdin.write(json.dumps(request).encode() + b"\n")
        await worker.stdin.drain()
        return json.loads(await worker.stdout.readuntil(b"\n"))

    async def _spawn(self) -> None:
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "serve.guard.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the server, which stops its workers
        )
        self._all.add(worker)
        try:
            async with asyncio.timeout(_START):
                await worker.stdout.readuntil(b"\n")
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            worker.kill()
            raise Unavailable(f"a worker did not start ({type(error).__name__})") from None
        self._free.put_nowait(worker)

    def _replace(self, worker: asyncio.subprocess.Process) -> None:
        if worker.returncode is None:
            worker.kill()
        self._all.discard(worker)
        self.restarts += 1
        task = asyncio.ensure_future(self._respawn())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _respawn(self) -> None:
        """Until a worker is up again: without one every request would be refused for ever."""
        while True:
            try:
                return await self._spawn()
            except (Unavailable, OSError):
                await asyncio.sleep(1)
