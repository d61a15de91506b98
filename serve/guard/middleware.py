"""Gives every request to the server one answer, one count and one audit line. Pure ASGI around vLLM's app.

vLLM makes it (`--middleware serve.guard.middleware.Guard`) and calls it for whatever reaches its port.
"""

import asyncio
import os
from contextlib import nullcontext
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from plume.errors import InputError
from serve.guard.access import Route, admit, read_body
from serve.guard.api import app as api
from serve.guard.lifecycle import Lifecycle
from serve.guard.ops_pages import PAGES
from serve.guard.refusal import Reason, Refusal
from serve.guard.request_context import RequestContext
from serve.guard.trace_context import REQUEST_ID
from serve.server_log import tell
from serve.state import VARIABLE, State

_POLICY = 1008  # the code of a websocket that is closed because it may not be


class Guard:
    """Reads the state folder that PLUME_SERVE_STATE names."""

    def __init__(self, app: ASGIApp) -> None:
        folder = os.environ.get(VARIABLE)
        if not folder:
            raise InputError(f"{VARIABLE} names no state folder; start the server with `plume serve`")
        self._app = app
        self.lifecycle = Lifecycle(app, State(Path(folder)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "lifespan":
                await self.lifecycle.live(scope, receive, send)
            case "http":
                await self._answer(scope, receive, send)
            case _:
                await WebSocketClose(_POLICY)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = RequestContext.of(Headers(scope=scope))

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                context.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = context.id
                if context.version:
                    headers["X-Plume-Version"] = str(context.version)
            await send(message)

        try:
            refusal = None
            try:
                await self._dispatch(context, scope, receive, send_on)
            except Refusal as error:
                refusal = error
            except asyncio.CancelledError:  # uvicorn stops, and would answer with a page of text
                refusal = Refusal(Reason.DRAINING)
            except Exception as error:
                refusal, context.error = Refusal(Reason.INTERNAL), "internal"  # also where its answer had begun
                tell(f"a request failed ({type(error).__name__})")
            if refusal and context.status is None:
                context.error = refusal.kind
                await refusal.response()(scope, receive, send_on)
        finally:
            self.lifecycle.note(context)

    async def _dispatch(self, context: RequestContext, scope: Scope, receive: Receive, send: Send) -> None:
        lifecycle, request = self.lifecycle, Request(scope, receive)
        route, holder = admit(request, lifecycle.keys, lifecycle.agents, context, lifecycle.platform is not None)
        if holder:
            lifecycle.key_use.note(holder.key)
        # Before the body is read: what is over a limit costs nothing.
        limits = lifecycle.limits.within(holder, context.agent) if holder and route.begins else nullcontext()
        with limits:
            await self._run(route, request, context, scope, receive, send)

    async def _run(
        self, route: Route, request: Request, context: RequestContext, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer a request that may use its route."""
        lifecycle = self.lifecycle
        body = await read_body(request, lifecycle.config.body_timeout)
        if route.begins and lifecycle.draining:
            raise Refusal(Reason.DRAINING)
        if page := PAGES.get(route.name):
            response = await page(lifecycle)
            return await response(scope, receive, send)
        if route.engine:
            inner = {**scope, "path": route.engine, "raw_path": route.engine.encode(), "query_string": b""}
            return await lifecycle.in_flight.run(self._app, inner, body, receive, send, seconds=None)
        inner = {**scope, "state": {"context": context}, "root_path": ""}
        # A decision is noted though its client left; a draft that nobody will read is not written.
        seconds, needs_client = lifecycle.config.draft_timeout, route.begins
        return await lifecycle.in_flight.run(
            api, inner, body, receive, send, seconds=seconds, needs_client=needs_client
        )
