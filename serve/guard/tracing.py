"""Sends a span for each request and its steps to an OTLP endpoint, if the config names one. Numbers, never a text.

A request only notes when its steps began and ended; spans are made of that once it is answered, and leave in a
thread. The tracer is plume's own: OpenTelemetry's global one, MLflow's and vLLM's are left alone.
"""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

import prometheus_client
from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

import plume
from serve.guard.request_context import RequestContext
from serve.server_log import tell

_WAITING = 4096  # spans; what comes beyond is lost, and counted
_AT_ONCE = 512
_EVERY = 1000  # milliseconds
_ANSWER = 3.0  # seconds that the endpoint may take
_FLUSH = 1.5  # seconds after which a stop gives up what is left
_QUIET = ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal")


class Traces(Protocol):
    """Takes requests that were answered."""

    def add(self, context: RequestContext) -> None: ...

    async def stop(self) -> None: ...


class NoTraces:
    """Stands where no endpoint is named."""

    def add(self, context: RequestContext) -> None:
        """Send nothing."""

    async def stop(self) -> None:
        """Wait for nothing."""


class OtlpTraces:
    """Sends to `endpoint`; `lost` counts spans that did not arrive: it was away, or too slow."""

    def __init__(self, endpoint: str, lost: prometheus_client.Counter) -> None:
        for name in _QUIET:  # a line a batch would fill the log while the endpoint is away
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._sender, self._ids, self._lost = _Sender(endpoint, lost), _Ids(), lost
        resource = Resource({"service.name": "plume", "service.version": plume.__version__})
        # Every option is given: OTEL_* of the environment says nothing here.
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False, id_generator=self._ids
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._sender, _WAITING, _EVERY, _AT_ONCE, 0))
        self._tracer = self._provider.get_tracer("plume.serve", plume.__version__)

    def add(self, context: RequestContext) -> None:
        """Make the spans of a request; none where whoever began its trace did not sample it."""
        if not context.trace.sampled:
            return
        spans = len(context.steps) + 1
        if self._sender.until < math.inf or self._sender.given - self._sender.taken + spans > _WAITING:
            self._lost.inc(spans)
            return
        self._sender.given += spans
        ids = context.trace
        self._ids.trace, self._ids.span = int(ids.trace, 16), int(ids.span, 16)
        parent = _remote(ids.trace, ids.parent) if ids.parent else Context()
        root = self._span("request", 0.0, context.age, _told(context), context, parent, otel.SpanKind.SERVER)
        for step in context.steps:
            told = {f"plume.{name}": value for name, value in step.told.items()}
            self._span(step.name, step.begun, step.ended, told, context, root)

    async def stop(self) -> None:
        """Send what waits, for a moment; the rest is lost, and counted. What hangs is left to its own thread."""
        self._sender.until = time.monotonic() + _FLUSH
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, _FLUSH)
        self._sender.give_up()

    def _span(
        self,
        name: str,
        begun: float,
        ended: float,
        told: dict[str, Any],
        context: RequestContext,
        parent: Context,
        kind: otel.SpanKind = otel.SpanKind.INTERNAL,
    ) -> Context:
        """Make one span; give the context of its children."""
        at = context.began
        span = self._tracer.start_span(name, parent, kind, told, start_time=at + int(begun * 1e9))
        if kind is otel.SpanKind.SERVER and (context.status or 500) >= 500:
            span.set_status(otel.StatusCode.ERROR)
        span.end(at + int(ended * 1e9))
        return otel.set_span_in_context(span, Context())


def traces_to(endpoint: str | None, lost: prometheus_client.Counter) -> Traces:
    return OtlpTraces(endpoint, lost) if endpoint else NoTraces()


def _told(context: RequestContext) -> dict[str, Any]:
    told = {
        "plume.route": context.route,
        "plume.version": context.version,
        "plume.error": context.error,
        "http.response.status_code": context.status,
    }
    return {name: value for name, value in told.items() if value is not None}


def _remote(trace: str, span: str) -> Context:
    flags = otel.TraceFlags(otel.TraceFlags.SAMPLED)
    there = otel.SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=flags)
    return otel.set_span_in_context(otel.NonRecordingSpan(there), Context())


class _Ids(IdGenerator):
    """Gives a request's span the ids that its answers and the engine were told already; others are random."""

    def __init__(self) -> None:
        self.trace, self.span = 0, 0
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        given, self.span = self.span, 0
        return given or self._random.generate_span_id()


class _Sender(SpanExporter):
    """Counts what it took and what is lost; tells the log once that the endpoint is away, and once that it is back."""

    def __init__(self, endpoint: str, lost: prometheus_client.Counter) -> None:
        self._exporter, self._lost = OTLPSpanExporter(endpoint, timeout=_ANSWER), lost
        self.given = self.taken = self.done = 0  # spans: the first is the event loop's to write, others the thread's
        self._away = self._ended = False
        self.until = math.inf  # when a stop gives up

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        late = time.monotonic() > self.until
        result = SpanExportResult.FAILURE if late else self._exporter.export(spans)
        if self._ended:  # counted as lost
            return result
        self.done += len(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed:
            self._lost.inc(len(spans))
        if failed != self._away:
            self._away = failed
            tell("otlp_endpoint does not take spans; they are lost, and counted" if failed else "otlp_endpoint is back")
        return result

    def give_up(self) -> None:
        """Count what has not arrived as lost."""
        self._ended = True
        if self.given > self.done:
            self._lost.inc(self.given - self.done)

    def shutdown(self) -> None:
        self._exporter.shutdown()
