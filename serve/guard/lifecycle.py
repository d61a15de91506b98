"""Starts the guard's parts before the server listens, drains it on SIGTERM, and stops them in order."""

import asyncio
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plume.errors import PlumeError, briefly
from plume.exported import Exported
from plume.models import load_tokenizer
from plume.store import unless_of_environment
from serve import alias, vllm_command
from serve.alias import Deployed
from serve.config import FORCED_AFTER
from serve.guard import connection_limits, maskers, merged_check, platform_api
from serve.guard.agents import Agents
from serve.guard.api import app as api
from serve.guard.audit import AuditLog
from serve.guard.client_limits import ClientLimits
from serve.guard.draft_service import DraftService, prompt_of
from serve.guard.engine_client import EngineClient
from serve.guard.in_flight import InFlight
from serve.guard.journal import Journal
from serve.guard.maskers import Maskers
from serve.guard.metrics import Metrics
from serve.guard.platform_writer import PlatformWriter
from serve.guard.readiness import Readiness
from serve.guard.request_context import RequestContext
from serve.guard.tracing import NoTraces, Traces, traces_to
from serve.key_use import KeyUse
from serve.keys import Keys
from serve.server_log import tell
from serve.state import Started, State

_TOGETHER = 1.0  # seconds; on CPUs, where a masker's work is time taken from the engine and its batches
_LINGER = 1.0  # seconds: a client that was just answered and asks again reads 503 before the port closes


class Lifecycle:
    """Holds the parts of one guard, from start to end; `live` makes those that need the state folder."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app, self.state = app, state
        self.engine, self.in_flight, self.metrics = EngineClient(app), InFlight(), Metrics()
        self.audit = AuditLog(state.audit, self.metrics.audit_errors)
        self.stopping = False
        self.maskers: Maskers | None = None
        self.drafts: DraftService | None = None
        self.platform: PlatformWriter | None = None
        self.traces: Traces = NoTraces()
        self.key_use = KeyUse(state)
        self._beside: list[asyncio.Task] = []
        self._drained: asyncio.Task | None = None

    @property
    def draining(self) -> bool:
        """Tell whether requests for drafts are refused."""
        return self.stopping or self.state.drain.exists()

    async def live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start, let vLLM live, stop. If the guard cannot start, nor may the server: uvicorn would go on without."""
        try:
            await self.start()
            self._know_vllm(scope.get("app"))
        except Exception as error:
            await receive()
            return await self._refuse(error, send)

        async def send_on(message: Message) -> None:
            if message["type"] != "lifespan.startup.complete":
                await self.stop()  # first: once the message is sent, the event loop may end with every task
            else:
                try:
                    await self._compare()
                except Exception as error:
                    return await self._refuse(error, send)
            await send(message)
            return None

        return await self._app(scope, receive, send_on)

    async def _refuse(self, error: Exception, send: Send) -> None:
        """Say that the server does not start."""
        tell(f"the guard cannot start: {briefly(error)}")
        await self.stop()
        await send({"type": "lifespan.startup.failed", "message": "plume's guard cannot start"})

    async def _compare(self) -> None:
        """Compare merged weights with what PEFT gave at their export: nobody has before. Raises PlumeError.

        The engine is loaded, and does not listen yet. An adapter is compared by `sync`, before it answers.
        """
        started = self.drafts.started
        if started.merged and self.config.golden:
            name = self.drafts.aliases.current.champion.name
            exported = Exported.load(started.merged.folder)
            worst = await merged_check.compare(self.engine, name, exported, started.dtype)
            tell(f"{name}: merged weights write as PEFT did at their export, to {worst:.2g} of a log-probability")

    async def start(self) -> None:
        """Make the parts. Raises PlumeError for what is damaged, missing or does not start."""
        started = Started.read(self.state)
        config = self.config = started.config
        self.keys, self.agents = Keys(self.state), Agents(self.state)
        self.limits = ClientLimits(config, self.metrics.limited)
        self.traces = traces_to(config.otlp_endpoint, self.metrics.spans_lost)
        retriever = None
        if config.examples:
            from plume.retrieval import Retriever

            retriever = await asyncio.to_thread(Retriever.load, config.examples_from)
            await asyncio.to_thread(retriever.prepare)
        passages = None
        if config.sources:
            from serve.guard.passages import Passages

            passages = await asyncio.to_thread(Passages.load, config.sources)
        tokenizer, aliases = load_tokenizer(started.base), alias.watched(self.state)
        self.maskers = maskers.beside or Maskers(config.maskers, config.mask_timeout)
        await self.maskers.start()
        self.drafts = DraftService(
            started=started,
            tokenizer=tokenizer,
            aliases=aliases,
            engine=self.engine,
            maskers=self.maskers,
            journal=Journal.of(State.of(config)),
            metrics=self.metrics,
            retriever=retriever,
            passages=passages,
            together=0.0 if vllm_command.has_gpu() else _TOGETHER,
        )
        self._tell_sources(aliases.current.deployed)
        await self.drafts.open()
        api.state.drafts = self.drafts
        if config.platform_api:
            self.open_platform()
        self.readiness = Readiness(aliases, self.maskers, self.engine, started.stop_token_id, self.state.behind)
        gc.collect()
        gc.freeze()  # what was loaded lives as long as the server: looking through it again and again delays requests
        if config.traces:
            self._begin("serve.guard.mlflow_export", config.tracking_uri)
        if config.database:
            self._begin("serve.replica", config.tracking_uri)
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):  # no main thread: somebody else stops us
            loop.add_signal_handler(signal.SIGTERM, self._on_sigterm)

    def _tell_sources(self, deployed: Iterable[Deployed]) -> None:
        """Say once where what was started and what answers do not go together."""
        for one in deployed:
            prompt = prompt_of(one)
            if prompt.sources and not self.config.sources:
                tell(
                    f"{one.name} answers with prompt {prompt.version}, which shows official sources, and there is no "
                    "folder of them: it reads « aucune »; plume data sources import …, then sources=DIR"
                )
            if self.config.sources and not prompt.sources:
                tell(f"{one.name} answers with prompt {prompt.version}, which shows no sources")

    async def stop(self) -> None:
        """Stop what `start` began, as far as it came."""
        for each in self._beside:
            each.cancel()  # the process itself leaves when it sees us gone, and sends what is left first
        self.audit.tell_strangers()
        await self.key_use.stop()
        if self.platform:
            await self.platform.stop()
        if self.drafts:
            await self.drafts.close()
        if self.maskers:
            await self.maskers.stop()
        await self.traces.stop()

    def open_platform(self) -> None:
        """Open the routes of Services Publics +, and go on with what its queue holds."""
        api.include_router(platform_api.router)
        self.platform = PlatformWriter(self.drafts, self.in_flight, lambda: self.draining, self.note)
        api.state.platform = self.platform
        self.platform.start()

    def note(self, context: RequestContext) -> None:
        """Count the request, add its line to the audit, trace it; looks at the pages are not worth a line."""
        metrics, audit, version = self.metrics, self.audit, str(context.version or "")
        metrics.requests.labels(version, context.route, str(context.status)).inc()
        if context.error:
            metrics.errors.labels(version, context.error).inc()
        if context.route in ("health", "ready", "metrics", "status", "engine/v1/models"):
            pass
        elif context.client is None:
            audit.count_stranger(context.status)
        else:
            audit.write(
                request=context.id,
                trace=context.trace.trace,
                client=context.client,
                **({"agent": context.agent} if context.agent else {}),
                route=context.route,
                status=context.status,
                version=context.version,
                error=context.error,
                seconds=context.seconds,
                **context.audit,
            )
            self.traces.add(context)

    def _know_vllm(self, vllm: Any) -> None:
        """Limit the connections of vLLM's server, which does not listen yet. Without limits nobody may reach it."""
        server = getattr(getattr(vllm, "state", None), "server", None)
        if server is None:
            raise PlumeError("this version of vLLM does not tell the guard its HTTP server, which it must limit")

        def refused(status: int) -> None:
            self.metrics.requests.labels("", "none", str(status)).inc()
            self.audit.count_stranger(status)

        limits = connection_limits.Limits(self.config.header_timeout, self.config.body_timeout)
        connection_limits.limit(server, limits, refused)
        self.engine.know(vllm)

    def _on_sigterm(self) -> None:
        self._drained = self._drained or asyncio.ensure_future(self.drain())

    async def drain(self) -> None:
        """Drain on SIGTERM: refuse requests for drafts, finish begun drafts, then stop vLLM as on Ctrl-C.

        vLLM alone would go on taking requests while it stops, and answer them with 500.
        """
        self.stopping = True
        forced = threading.Timer(self.config.drain_timeout + FORCED_AFTER, self._end)
        forced.daemon = True
        forced.start()
        try:
            async with asyncio.timeout(self.config.drain_timeout):
                await self.in_flight.idle()
                await asyncio.sleep(_LINGER)
                await self.in_flight.idle()
        except TimeoutError:
            tell("some drafts were not finished in time")
        await self.in_flight.end()
        os.kill(os.getpid(), signal.SIGINT)

    def _end(self) -> None:
        """End the process, whatever it waits for; not the one that sends to MLflow, which leaves by itself."""
        tell("the server does not stop; it is ended")
        self.maskers.kill()
        for child in multiprocessing.active_children():  # the engine
            child.kill()
        os._exit(1)

    def _begin(self, module: str, uri: str | None) -> None:
        self._beside.append(asyncio.create_task(self._keep_running(module, uri)))

    async def _keep_running(self, module: str, uri: str | None) -> None:
        """Keep a process beside the guard alive, which is given the store where nobody reads it."""
        variables = dict(os.environ)
        if uri := unless_of_environment(uri):
            variables["MLFLOW_TRACKING_URI"] = uri
        words = (sys.executable, "-m", module, str(self.state.folder))
        while True:
            process = await asyncio.create_subprocess_exec(*words, env=variables, start_new_session=True)
            await process.wait()
            await asyncio.sleep(5)
