"""Lets an app answer a request while that is wanted: its client waits, its time is not over, the server lives."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from serve.guard.engine import App, Receive, Scope

_HEARD = 1.0  # seconds that the engine gets to hear that nobody waits any more


class Ended(Exception):  # noqa: N818 - told to the client, if there is one: status, kind, one line
    """No answer: too slow, too large, or not waited for."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


def gone() -> Ended:
    """The client hung up. Counted as what it is: no fault of the engine's. 499 is nginx's name for it."""
    return Ended(499, "client_gone", "the client left before its answer")


class Work:
    """The requests that are being worked on."""

    def __init__(self) -> None:
        self._ends: set[asyncio.Future] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._ends)

    async def idle(self) -> None:
        """Until nothing is being worked on."""
        await self._idle.wait()

    async def end(self) -> None:
        """End what is still being worked on: its clients are told that the server stops."""
        for end in self._ends:
            end.done() or end.set_result(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(3 * _HEARD):
                await self.idle()

    async def run(
        self,
        app: App,
        scope: Scope,
        body: bytes,
        receive: Receive,
        send: Callable,
        *,
        seconds: float | None,
        needs_client: bool = True,
    ) -> None:
        """Have `app` answer within `seconds`. Raises Ended if it is not done in time, or nobody waits for it."""
        over = asyncio.Event()

        async def passed_on(message: dict[str, Any]) -> None:
            if not over.is_set():
                await send(message)

        work = asyncio.ensure_future(app(scope, _given(body, over), passed_on))
        left, end = asyncio.ensure_future(_left(receive)), asyncio.get_running_loop().create_future()
        self._ends.add(end)
        self._idle.clear()
        try:
            watched = {work, end, left} if needs_client else {work, end}
            await asyncio.wait(watched, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
                return
            over.set()
            if not (await asyncio.wait({work}, timeout=_HEARD))[0]:
                work.cancel()
                await asyncio.wait({work}, timeout=_HEARD)
            if left.done():
                raise gone()
            if end.done():
                raise Ended(503, "draining", "the server is stopping; ask again")
            raise Ended(504, "timeout", f"no answer within {seconds:g} s; ask again")
        finally:
            over.set()
            left.cancel()
            work.cancel()
            work.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._ends.discard(end)
            if not self._ends:
                self._idle.set()


async def read(receive: Receive, size: int, seconds: float) -> bytes:
    """The body. Raises Ended if it is larger than `size` bytes, however it is sent, takes too long, or is cut off."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise gone()
                body += message.get("body", b"")
                if len(body) > size:
                    raise Ended(413, "size", f"the body is larger than {size // 1024} KB")
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        raise Ended(408, "timeout", f"the body took longer than {seconds:g} s") from None


def _given(body: bytes, over: asyncio.Event) -> Receive:
    """The body that was read, then, when the work is over, what a client that hangs up says: vLLM stops writing."""
    sent = False

    async def give() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await over.wait()
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
