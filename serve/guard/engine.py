"""Asking vLLM from inside its own process: the app behind the guard, called without a socket."""

import json
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable, Callable], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Refused(Exception):  # noqa: N818 - the engine's answer, passed on without its words
    """The engine answered with another status than 200, or died in the middle of its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the engine answered {status}")
        self.status = status


@dataclass(frozen=True)
class Written:
    """What the engine wrote, and its cost: tokens, seconds to the first one and in all."""

    text: str
    finish_reason: str
    prompt_tokens: int
    draft_tokens: int
    first: float
    seconds: float


class Engine:
    """vLLM's app, asked for completions from token ids. `scope` is that of the request that is being answered."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.wrote: float | None = None  # when the last token came (time.monotonic)

    async def complete(self, scope: Scope, receive: Receive, body: dict[str, Any]) -> Written:
        """Raises Refused. What the engine streams is gathered: a draft is checked as a whole before a word leaves."""
        started, first, gathered = time.perf_counter(), None, _Stream()

        async def gather(message: MutableMapping[str, Any]) -> None:
            nonlocal first
            before = len(gathered.text)
            gathered.take(message)
            if len(gathered.text) > before:
                self.wrote = time.monotonic()
            if first is None and gathered.text:
                first = time.perf_counter() - started

        asked = json.dumps({**body, "stream": True, "stream_options": {"include_usage": True}}).encode()
        try:
            await self._app(_inner(scope, "/v1/completions", asked), _once(asked, receive), gather)
        except Exception as error:  # vLLM's own, or an answer that is none of its stream
            print(f"plume: the engine failed ({type(error).__name__})", file=sys.stderr)  # noqa: T201
            raise Refused(500) from None
        seconds = time.perf_counter() - started
        if gathered.status != 200 or not gathered.done:
            raise Refused(gathered.status if gathered.status != 200 else 500)
        self.wrote = time.monotonic()
        usage = gathered.usage
        return Written(
            text=gathered.text,
            finish_reason=gathered.finish_reason,
            prompt_tokens=usage["prompt_tokens"],
            draft_tokens=usage["completion_tokens"],
            first=seconds if first is None else first,
            seconds=seconds,
        )

    async def fetch(self, scope: Scope, receive: Receive, path: str) -> tuple[int, bytes]:
        """GET of one of the engine's own pages; 500 if it fails."""
        status, body = 500, bytearray()

        async def gather(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            body.extend(message.get("body", b""))

        try:
            await self._app(_inner(scope, path, b"", method="GET"), receive, gather)
        except Exception as error:
            print(f"plume: the engine failed ({type(error).__name__})", file=sys.stderr)  # noqa: T201
            return 500, b""
        return status, bytes(body)


def _inner(scope: Scope, path: str, body: bytes, method: str = "POST") -> Scope:
    """The scope of a request that the guard itself makes: nothing of the client's headers or query goes on."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    kept = {key: scope[key] for key in ("type", "asgi", "http_version", "scheme", "server", "client") if key in scope}
    kept |= {key: scope[key] for key in ("app", "state") if key in scope}
    return {
        **kept,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
    }


def _once(body: bytes, receive: Receive) -> Receive:
    """The body, then what the client's connection says: when it leaves, the engine stops writing."""
    sent = False

    async def give() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


class _Stream:
    """Server-sent events, put together as they come."""

    def __init__(self) -> None:
        self.status, self.text, self.finish_reason, self.done = 500, "", "", False
        self.usage = {"prompt_tokens": 0, "completion_tokens": 0}
        self._rest = b""

    def take(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)
        if self.status != 200:
            return
        *events, self._rest = (self._rest + message.get("body", b"")).split(b"\n\n")
        for event in events:
            data = event.removeprefix(b"data: ")
            if data == b"[DONE]":
                self.done = bool(self.finish_reason)
                continue
            chunk = json.loads(data)
            if "error" in chunk:
                self.status = 500
                return
            self.usage = chunk.get("usage") or self.usage
            for choice in chunk.get("choices", ()):
                self.text += choice["text"]
                self.finish_reason = choice["finish_reason"] or self.finish_reason
