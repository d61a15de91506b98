"""The guard: pure ASGI around vLLM's app (`--middleware serve.guard.Guard`). What it does not name is closed.

Clients reach the drafting API alone; the admin of the state folder also a few routes of the engine, below /engine.
Everything else answers 404, whatever a version of vLLM opens.
"""

import asyncio
import gc
import multiprocessing
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from plume.errors import InputError, PlumeError
from plume.models import Base, load_tokenizer
from plume.store_uri import unless_of_environment
from serve import alias
from serve import state as files
from serve.config import ServeConfig
from serve.engine import FORCED_AFTER
from serve.guard import pool
from serve.guard.api import app as api
from serve.guard.api import problem
from serve.guard.asked import Asked
from serve.guard.drafting import Desk, Started
from serve.guard.engine import App, Engine, Receive, Scope
from serve.guard.journal import Journal
from serve.guard.pool import Pool
from serve.guard.ready import Readiness
from serve.guard.routes import CLIENT, ENGINE, PUBLIC, route
from serve.guard.seen import Seen
from serve.guard.work import Ended, Work, read
from serve.keys import Keys
from serve.state import VARIABLE, State

BODY = 64 * 1024  # bytes of a request, at most
_LINGER = 1.0  # seconds: who was just answered and asks again is told 503, not cut off


class Guard:
    """Made by vLLM around its own app; reads the state folder that PLUME_SERVE_STATE names."""

    def __init__(self, app: App) -> None:
        self._app = app
        folder = os.environ.get(VARIABLE)
        if not folder:
            raise InputError(f"{VARIABLE} names no state folder; start the server with `plume serve`")
        self.state = State(Path(folder))
        self.engine = Engine(app)
        self.seen = Seen(self.state.audit)
        self.work = Work()
        self.stopping = False
        self._sender: asyncio.Task | None = None
        self._drained: asyncio.Task | None = None
        self.pool: Pool | None = None
        self.desk: Desk | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Callable) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _live(self, scope: Scope, receive: Receive, send: Callable) -> None:
        """Start, let vLLM live, stop. If the guard cannot start, nor may the server: uvicorn would go on without."""
        try:
            await self._start()
            self._limit_connections(scope)
        except Exception as error:
            why = str(error) if isinstance(error, PlumeError) else f"{type(error).__name__}: {error}"
            print(f"plume: the guard cannot start: {why}", file=sys.stderr)  # noqa: T201
            await self._stop()
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "plume's guard cannot start"})
            return

        async def told(message: dict[str, Any]) -> None:
            if message["type"] != "lifespan.startup.complete":
                await self._stop()  # before it is told: then the event loop may end, and every task with it
            await send(message)

        await self._app(scope, receive, told)

    # --- one request ----------------------------------------------------------------------------------------------

    async def _answer(self, scope: Scope, receive: Receive, send: Callable) -> None:
        asked = Asked(scope=scope, request=secrets.token_hex(8), started=time.perf_counter())

        async def told(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                asked.status = message["status"]
                headers = [(b"x-request-id", asked.request.encode())]
                if asked.version:
                    headers.append((b"x-plume-version", str(asked.version).encode()))
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._dispatch(asked, receive, told)
        except Ended as ended:
            if asked.status is None:
                asked.error = ended.kind
                await self._refuse(asked, ended.status, ended.kind, str(ended), told)
        except asyncio.CancelledError:  # uvicorn stops, and would answer with a page of text
            if asked.status is None:
                await self._refuse(asked, 503, "draining", "the server is stopping; ask again", told)
        except Exception as error:
            asked.error = "internal"
            print(f"plume: a request failed ({type(error).__name__})", file=sys.stderr)  # noqa: T201
            if asked.status is None:
                await self._refuse(asked, 500, "internal", "the server failed; ask again", told)
        finally:
            self._note(asked)

    async def _dispatch(self, asked: Asked, receive: Receive, send: Callable) -> None:
        scope = asked.scope
        wanted = route(scope["method"], scope["path"])
        if wanted is None:
            return await self._refuse(asked, 404, "route", "there is no such route", send)
        asked.route = wanted.name
        if wanted.role != PUBLIC:
            held = self._holder(scope)
            if held is None:
                return await self._refuse(asked, 401, "key", "send a known key as `Authorization: Bearer KEY`", send)
            asked.client, role = held
            if not wanted.admits(role):
                return await self._refuse(asked, 404, "route", "there is no such route", send)
        body = await read(receive, BODY, self.config.body_timeout)
        if wanted.role == CLIENT and wanted.begins and self.draining:
            return await self._refuse(asked, 503, "draining", "the server is stopping; ask again", send)
        if wanted.page:
            return await self._page(wanted.page, asked, receive, send)
        if wanted.role == ENGINE:
            inner = {**scope, "path": wanted.path, "raw_path": wanted.path.encode(), "query_string": b""}
            return await self.work.run(self._app, inner, body, receive, send, seconds=None)
        inner = {**scope, "plume": asked, "plume.desk": self.desk, "root_path": ""}
        # A decision is noted though its client left; a draft that nobody will read is not written.
        seconds, needs_client = self.config.draft_timeout, wanted.begins
        return await self.work.run(api, inner, body, receive, send, seconds=seconds, needs_client=needs_client)

    def _holder(self, scope: Scope) -> tuple[str, str] | None:
        for name, value in scope["headers"]:
            if name.lower() == b"authorization":
                kind, _, key = value.decode("latin-1").partition(" ")
                return self.keys.holder(key.strip()) if kind.lower() == "bearer" and key.strip() else None
        return None

    async def _page(self, page: str, asked: Asked, receive: Receive, send: Callable) -> None:
        match page:
            case "health":
                status, body = await self.engine.fetch(asked.scope, receive, "/health")
                await _send(send, status, body, b"application/json")
            case "ready":
                why = "draining" if self.draining else await self.ready.missing(asked.scope, receive)
                text = f"not ready: {why}\n" if why else "ready\n"
                await _send(send, 503 if why else 200, text.encode(), b"text/plain; charset=utf-8")
            case "metrics":
                self.seen.restarts.set(self.pool.restarts)
                if (waiting := await self.desk.waiting()) is not None:
                    self.seen.waiting.set(waiting)
                self.seen.running.set(len(self.work))
                self.seen.draining.set(self.draining)
                _, engine = await self.engine.fetch(asked.scope, receive, "/metrics")
                await _send(send, 200, self.seen.text() + engine, b"text/plain; version=0.0.4")
            case "status":
                await self._send_json(send, self._status() | {"not_in_mlflow": await self.desk.waiting()})
            case _:
                await self._send_json(send, api.openapi())

    @staticmethod
    async def _send_json(send: Callable, value: dict[str, Any]) -> None:
        import json

        await _send(send, 200, json.dumps(value, ensure_ascii=False).encode(), b"application/json")

    def _status(self) -> dict[str, Any]:
        from dataclasses import asdict

        return {
            "aliases": asdict(self.desk.aliases.current),
            "running": len(self.work),
            "draining": self.draining,
            "masker_restarts": self.pool.restarts,
        }

    async def _refuse(self, asked: Asked, status: int, kind: str, message: str, send: Callable) -> None:
        asked.error = asked.error or kind
        await problem(status, kind, message)(asked.scope, _nothing, send)

    def _note(self, asked: Asked) -> None:
        """Count the request and add its line to the audit; looks at the open pages are not worth a line."""
        version = str(asked.version or "")
        self.seen.requests.labels(version, asked.route, str(asked.status)).inc()
        if asked.error:
            self.seen.errors.labels(version, asked.error).inc()
        if asked.route in ("health", "ready", "metrics", "status"):
            pass
        elif asked.client is None:
            self.seen.stranger(asked.status)
        else:
            seconds = round(time.perf_counter() - asked.started, 4)
            line = {"request": asked.request, "client": asked.client, "route": asked.route, "status": asked.status}
            self.seen.write(**line, version=asked.version, error=asked.error, seconds=seconds, **asked.audit)

    # --- start and stop -------------------------------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        return self.stopping or self.state.drain.exists()

    async def _start(self) -> None:
        started = files.read(self.state.serve)
        config = ServeConfig.model_validate(started["config"])
        self.keys = Keys(self.state)
        retriever = None
        if config.examples:
            from plume.retrieval import Retriever

            retriever = await asyncio.to_thread(Retriever.load, config.examples_from)
            await asyncio.to_thread(retriever.prepare)
        facts = Started(
            tokenizer=load_tokenizer(Base.model_validate(started["base"])),
            stop_token_id=started["stop_token_id"],
            max_model_len=started["max_model_len"],
            max_new_tokens=config.max_new_tokens,
            examples=config.examples,
        )
        self.config = config
        aliases, journal = alias.Watched(self.state), Journal(self.state.journal)
        self.pool = pool.beside or Pool(config.maskers, config.mask_timeout)
        await self.pool.start()
        api.state.max_new_tokens = facts.max_new_tokens
        self.desk = Desk(facts, aliases, self.engine, self.pool, journal, self.seen, retriever)
        await self.desk.open()
        self.ready = Readiness(self.desk, self.pool, self.engine)
        gc.collect()
        gc.freeze()  # what was loaded lives as long as the server: looking through it again and again delays requests
        if config.traces:
            self._sender = asyncio.create_task(self._send_on(config.tracking_uri))
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):  # no main thread: somebody else stops us
            loop.add_signal_handler(signal.SIGTERM, self._on_sigterm)

    def _limit_connections(self, scope: Scope) -> None:
        """vLLM's app knows its server, which does not listen yet. Without limits nobody may reach it."""
        from serve.guard import connection

        def refused(status: int) -> None:
            self.seen.requests.labels("", "none", str(status)).inc()
            self.seen.stranger(status)

        server = getattr(getattr(scope.get("app"), "state", None), "server", None)
        if server is None:
            raise PlumeError("this version of vLLM does not tell the guard its HTTP server, which it must limit")
        limits = connection.Limits(self.config.header_timeout, self.config.body_timeout)
        connection.limit(server, limits, refused)

    def _on_sigterm(self) -> None:
        self._drained = self._drained or asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        """On SIGTERM: not ready any more, begun drafts are finished, then vLLM stops as on Ctrl-C.

        vLLM alone would go on taking requests while it stops, and answer them with 500.
        """
        self.stopping = True
        forced = threading.Timer(self.config.drain_timeout + FORCED_AFTER, self._end)
        forced.daemon = True
        forced.start()
        try:
            async with asyncio.timeout(self.config.drain_timeout):
                await self.work.idle()
                await asyncio.sleep(_LINGER)
                await self.work.idle()
        except TimeoutError:
            print("plume: some drafts were not finished in time", file=sys.stderr)  # noqa: T201
        await self.work.end()
        os.kill(os.getpid(), signal.SIGINT)

    def _end(self) -> None:
        """End the process, whatever it waits for; not the one that sends to MLflow, which leaves by itself."""
        print("plume: the server does not stop; it is ended", file=sys.stderr, flush=True)  # noqa: T201
        self.pool.kill()
        for child in multiprocessing.active_children():  # the engine
            child.kill()
        os._exit(1)

    async def _send_on(self, uri: str | None) -> None:
        """Keep the process that sends the journal to MLflow alive."""
        words = ["-m", "serve.guard.sender", str(self.state.folder)]
        variables = dict(os.environ)
        if uri := unless_of_environment(uri):
            variables["MLFLOW_TRACKING_URI"] = uri
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *words, env=variables, start_new_session=True
            )
            await process.wait()
            await asyncio.sleep(5)

    async def _stop(self) -> None:
        if self._sender:
            self._sender.cancel()  # the process itself leaves when it sees us gone, and sends what is left first
        self.seen.tell_strangers()
        if self.desk:
            await self.desk.close()
        if self.pool:
            await self.pool.stop()


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def _send(send: Callable, status: int, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
