"""Closes connections whose requests come too slowly, or are too large, before there is a request to answer.

uvicorn with httptools, as vLLM starts it, has no such limits: its protocol is replaced before the server listens.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serve.guard.refusal import Reason, Refusal

URL = 8 << 10  # bytes
HEAD = 64 << 10  # bytes of URL and headers
_FRAMING = 2 * HEAD  # bytes that are no body: what is read of headers, trailers, the sizes of chunks
_SWALLOWED = 8 << 20  # bytes that are read and thrown away, so that who sends on is still told why it was refused
_LINGER = 2.0  # seconds for the same
_SLACK = 2.0  # seconds beyond the guard's own limit on a body, which is answered
GRACE = 5  # seconds that answers get to leave once the server stops

_log = logging.getLogger("uvicorn.error.plume")


@dataclass(frozen=True)
class Limits:
    """Holds the seconds that headers and a body may take, from the first byte to the last."""

    header: float
    body: float


def limit(server: Any, limits: Limits, refused: Callable[[int], None]) -> None:
    """Put the limits on a uvicorn server that does not listen yet; `refused` gets the status of each refusal."""
    server.config.http_protocol_class = partial(Limited, limits, refused)
    server.config.timeout_graceful_shutdown = GRACE
    _log.setLevel(logging.ERROR)  # anybody can make uvicorn warn of what is no HTTP: counted, not written line by line


class _RefusedError(Exception):
    """Leaves the parser's callbacks."""


class Limited(HttpToolsProtocol):
    """Adds clocks and byte counts to uvicorn's protocol for one connection."""

    def __init__(self, limits: Limits, refused: Callable[[int], None], **options: Any) -> None:
        super().__init__(**options)
        self.logger = _log
        self._limits, self._told = limits, refused
        self._clock: asyncio.TimerHandle | None = None  # until the headers, then the body, must be whole
        self._unread: asyncio.TimerHandle | None = None  # until the client must have read what was sent
        self._begun = self._in_body = self._over = self._new = False
        self._head = self._framing = self._swallowed = self._body = 0
        self._why: Refusal | None = None

    # --- the connection -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._until(self._limits.header, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._over:
            return self._swallow(len(data))
        if self._clock is None:  # the first bytes of the next request; or blanks, which no parser tells of
            self._until(self._limits.header, self._late)
        self._new, self._body = False, 0
        super().data_received(data)
        if not self._new and not self._over:
            self._framing += len(data) - self._body
            if self._framing > _FRAMING:
                self._refuse(Refusal(Reason.HEADERS_TOO_LARGE, kilobytes=HEAD >> 10))
        return None

    def shutdown(self) -> None:
        """Stop the connection, without waiting for a client that has not sent a whole request."""
        if self._busy and self._in_body:
            self.transport.close()
        else:
            super().shutdown()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self._limits.body, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread:
            self._unread.cancel()
            self._unread = None

    # --- the parser -----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun, self._new, self._in_body = True, True, False
        self._head = self._framing = self._swallowed = 0
        self._until(self._limits.header, self._late)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > URL:
            self._raise(Refusal(Reason.URL_TOO_LONG, kilobytes=URL >> 10))
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_body = True
        self._until(self._limits.body + _SLACK, self._late)

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if self.cycle.response_complete:
            self._swallow(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._begun = self._in_body = False
        self._stop()
        super().on_message_complete()

    def _should_upgrade_to_ws(self) -> bool:
        return False  # no route is a websocket

    def _unsupported_upgrade_warning(self) -> None:
        pass

    # --- refusals -------------------------------------------------------------------------------------------------

    @property
    def _busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _late(self) -> None:
        self._clock = None
        if self._in_body:
            if self.pipeline:  # not read, because an earlier request is still being answered
                self._until(self._limits.body + _SLACK, self._late)
            else:
                self.transport.close()  # it was answered without its body, or the guard did not see to it
        elif self._busy:  # with an earlier request
            if self._begun:
                self._until(self._limits.header, self._late)
        elif self._begun:
            self._refuse(Refusal(Reason.HEADERS_LATE, seconds=self._limits.header))
        else:
            self.transport.close()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > HEAD:
            self._raise(Refusal(Reason.HEADERS_TOO_LARGE, kilobytes=HEAD >> 10))

    def _raise(self, why: Refusal) -> None:
        self._why = why
        raise _RefusedError

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's name
        self._refuse(self._why or Refusal(Reason.NO_HTTP))

    def _refuse(self, refusal: Refusal) -> None:
        self._over = True
        self._stop()
        self._told(refusal.status)
        if self.transport.is_closing():
            return None
        if self._busy and (not self._in_body or self.pipeline or self.cycle.response_started):
            return self.transport.close()  # in the middle of another answer there is no place for this one
        if self._busy:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        response = refusal.response()
        response.headers["connection"] = "close"
        head = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
        self.transport.write(STATUS_LINE[refusal.status] + head + b"\r\n" + response.body)
        self.transport.write_eof()
        self._until(_LINGER, self.transport.close)
        return None

    def _swallow(self, size: int) -> None:
        self._swallowed += size
        if self._swallowed > _SWALLOWED:
            self.transport.abort()

    def _until(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop()
        self._clock = self.loop.call_later(seconds, then)

    def _stop(self) -> None:
        if self._clock:
            self._clock.cancel()
            self._clock = None
