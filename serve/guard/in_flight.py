"""Lets an app answer a request as long as its client waits, its time lasts, and the server lives."""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.guard.refusal import Reason, Refusal

_HEARD = 1.0  # seconds that the engine gets to hear that nobody waits any more


class InFlight:
    """Keeps the requests that are being answered."""

    def __init__(self) -> None:
        self._ends: set[asyncio.Future] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._ends)

    async def idle(self) -> None:
        """Wait until nothing is being answered."""
        await self._idle.wait()

    async def end(self) -> None:
        """End what is still being answered: its clients are told that the server stops."""
        for end in self._ends:
            end.done() or end.set_result(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(3 * _HEARD):
                await self.idle()

    async def run(
        self,
        app: ASGIApp,
        scope: Scope,
        body: bytes,
        receive: Receive,
        send: Send,
        *,
        seconds: float | None,
        needs_client: bool = True,
    ) -> None:
        """Have `app` answer within `seconds`. Raises Refusal if it is not done in time, or nobody waits for it."""
        over = asyncio.Event()

        async def hang_up() -> Message:  # how vLLM learns that it may stop writing
            await over.wait()
            return {"type": "http.disconnect"}

        async def send_in_time(message: Message) -> None:
            if not over.is_set():
                await send(message)

        work = asyncio.ensure_future(app(scope, replay(body, hang_up), send_in_time))
        left, end = asyncio.ensure_future(_left(receive)), asyncio.get_running_loop().create_future()
        self._ends.add(end)
        self._idle.clear()
        try:
            watched = {work, end, left} if needs_client else {work, end}
            await asyncio.wait(watched, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            over.set()
            if not (await asyncio.wait({work}, timeout=_HEARD))[0]:
                work.cancel()
                await asyncio.wait({work}, timeout=_HEARD)
            if left.done():
                raise Refusal(Reason.CLIENT_GONE)
            if end.done():
                raise Refusal(Reason.DRAINING)
            raise Refusal(Reason.ANSWER_LATE, seconds=seconds)
        finally:
            over.set()
            left.cancel()
            work.cancel()
            work.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._ends.discard(end)
            if not self._ends:
                self._idle.set()


def replay(body: bytes, receive: Receive) -> Receive:
    """Make a channel that gives a body that was read already, then what `receive` gives."""
    given = False

    async def give() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
