"""Answers the pages of ops: health, ready, metrics, status, and the schema of the API."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.responses import JSONResponse, PlainTextResponse, Response

from serve.guard.api import app as api
from serve.guard.lifecycle import Lifecycle


async def _health(lifecycle: Lifecycle) -> Response:
    status, body = await lifecycle.engine.fetch("/health")
    return Response(body, status, media_type="application/json")


async def _missing(lifecycle: Lifecycle) -> str:
    return "draining" if lifecycle.draining else await lifecycle.readiness.missing()


async def _ready(lifecycle: Lifecycle) -> Response:
    why = await _missing(lifecycle)
    return PlainTextResponse(f"not ready: {why}\n", 503) if why else PlainTextResponse("ready\n")


async def _metrics(lifecycle: Lifecycle) -> Response:
    metrics = lifecycle.metrics
    metrics.restarts.set(lifecycle.maskers.restarts)
    metrics.running.set(len(lifecycle.in_flight))
    metrics.draining.set(lifecycle.draining)
    metrics.ready.set(not await _missing(lifecycle))
    metrics.maskers.set(lifecycle.maskers.up())
    metrics.tell_shares(lifecycle.drafts.aliases.current)
    if (waiting := await lifecycle.drafts.waiting()) is not None:
        metrics.waiting.set(waiting)
    if lifecycle.platform and (waiting := await lifecycle.platform.waiting()) is not None:
        metrics.platform.set(waiting)
    _, engine = await lifecycle.engine.fetch("/metrics")
    return Response(metrics.text() + engine, headers={"Content-Type": "text/plain; version=0.0.4"})


async def _status(lifecycle: Lifecycle) -> Response:
    passages = lifecycle.drafts.passages
    return JSONResponse(
        {
            "aliases": asdict(lifecycle.drafts.aliases.current),
            "running": len(lifecycle.in_flight),
            "draining": lifecycle.draining,
            "masker_restarts": lifecycle.maskers.restarts,
            "not_in_mlflow": await lifecycle.drafts.waiting(),
            "sources": passages and passages.told,
        }
    )


async def _openapi(_: Lifecycle) -> Response:
    return JSONResponse(api.openapi())


PAGES: dict[str, Callable[[Lifecycle], Awaitable[Response]]] = {  # by the name of their route
    "health": _health,
    "ready": _ready,
    "metrics": _metrics,
    "status": _status,
    "openapi": _openapi,
}
