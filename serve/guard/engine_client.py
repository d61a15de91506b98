"""Asks vLLM from inside its own process: the app behind the guard, called without a socket."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope

from serve.guard.in_flight import replay
from serve.server_log import tell

_INTERVAL = 16  # tokens that vLLM sends at once, after the first one: each sending costs as much as a word of a check
_HUNG = 60.0  # seconds of silence that are no slow prompt any more


async def patient() -> Message:
    """Wait for ever, as the channel of a client that never leaves."""
    await asyncio.Event().wait()
    raise AssertionError


class EngineError(Exception):
    """The engine answered with another status than 200, or died in the middle of its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the engine answered {status}")
        self.status = status


@dataclass(frozen=True)
class Written:
    """Holds what the engine wrote, and its cost: tokens, seconds to the first one and in all.

    `queued` are the seconds in the engine's queue; None where it does not tell (`--enable-per-request-metrics`).
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    draft_tokens: int
    first: float
    seconds: float
    queued: float | None = None


class EngineClient:
    """Asks vLLM's app for completions from token ids, without headers of a client but its request's id and trace.

    httpx's ASGI transport would give the answer as a whole: no time of the first token, no sign that it writes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._vllm: Any = None
        self.wrote: float | None = None  # when the last token came (time.monotonic)
        self.silence = 0.0  # seconds, the longest that it wrote nothing though asked, and then went on

    def know(self, vllm: Any) -> None:
        """Note vLLM's Starlette application, whose `state` its routes look for in each request."""
        self._vllm = vllm

    async def complete(
        self, body: dict[str, Any], receive: Receive = patient, headers: Mapping[str, str] | None = None
    ) -> Written:
        """Gather what the engine streams: a draft is checked before a word leaves. Raises EngineError.

        The engine stops writing when `receive` says that the client left.
        """
        started, first, stream = time.monotonic(), None, _Stream()

        async def gather(message: Message) -> None:
            nonlocal first
            before = len(stream.text)
            stream.take(message)
            if len(stream.text) > before:
                now = self._note_token(started)
                first = now - started if first is None else first

        options = {"stream": True, "stream_options": {"include_usage": True}, "stream_interval": _INTERVAL}
        asked = json.dumps({**body, **options}).encode()
        try:
            await self._app(self._scope("POST", "/v1/completions", asked, headers), replay(asked, receive), gather)
        except Exception as error:  # vLLM's own, or an answer that is not its stream
            _tell(error)
            raise EngineError(500) from None
        if stream.status != 200 or not stream.done:
            raise EngineError(stream.status if stream.status != 200 else 500)
        seconds = self._note_token(started) - started
        return Written(
            text=stream.text,
            finish_reason=stream.finish_reason,
            prompt_tokens=stream.usage["prompt_tokens"],
            draft_tokens=stream.usage["completion_tokens"],
            first=seconds if first is None else first,
            seconds=seconds,
            queued=stream.queued,
        )

    async def fetch(self, path: str, asked: dict[str, Any] | None = None) -> tuple[int, bytes]:
        """Get one of the engine's own pages, or post what is asked; 500 if it fails."""
        status, body = 500, bytearray()
        sent = b"" if asked is None else json.dumps(asked).encode()

        async def gather(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            body.extend(message.get("body", b""))

        try:
            method = "GET" if asked is None else "POST"
            await self._app(self._scope(method, path, sent), replay(sent, patient), gather)
        except Exception as error:
            _tell(error)
            return 500, b""
        return status, bytes(body)

    def _note_token(self, asked: float) -> float:
        now = time.monotonic()
        silence = now - max(asked, self.wrote or 0.0)
        if silence < _HUNG:
            self.silence = max(self.silence, silence)
        self.wrote = now
        return now

    def _scope(self, method: str, path: str, body: bytes, more: Mapping[str, str] | None = None) -> Scope:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in (more or {}).items()]
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},  # from 2.4 on, Starlette listens for no hang-up
            "http_version": "1.1",
            "scheme": "http",
            "server": None,
            "client": None,
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            **({"app": self._vllm} if self._vllm else {}),
        }


def _tell(error: Exception) -> None:
    tell(f"the engine failed ({type(error).__name__})")


class _Stream:
    """Puts server-sent events together as they come."""

    def __init__(self) -> None:
        self.status, self.text, self.finish_reason, self.done = 500, "", "", False
        self.usage = {"prompt_tokens": 0, "completion_tokens": 0}
        self.queued: float | None = None
        self._rest = b""

    def take(self, message: Message) -> None:
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
            if (queued := (chunk.get("metrics") or {}).get("queue_time_ms")) is not None:
                self.queued = queued / 1000
            for choice in chunk.get("choices", ()):
                self.text += choice["text"]
                self.finish_reason = choice["finish_reason"] or self.finish_reason
