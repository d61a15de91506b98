"""Serves the drafting API: a small FastAPI application, called by the guard once a client is known."""

import json
import time
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from plume.registry import MODEL_NAME
from serve.guard import agents
from serve.guard.draft_service import DraftService
from serve.guard.refusal import Reason, Refusal, kinds_by_status, tell_invalid
from serve.guard.schema import (
    AgainRequest,
    ChatRequest,
    Decision,
    DecisionResponse,
    DraftRequest,
    DraftResponse,
    Problem,
)
from serve.guard.trace_context import REQUEST_ID, TRACEPARENT

CONVERSATION = "X-Conversation-Id"
_HEADERS = {  # of every request, all of them optional
    REQUEST_ID: "1 to 64 of A-Z a-z 0-9 . _ -: kept, answered, noted in the audit; one is made where there is none",
    TRACEPARENT: "W3C's: spans of this request go below it",
    agents.HEADER: "who asks, for a client with several agents; kept as a keyed hash. 1 to 128 printable characters",
    CONVERSATION: "drafts of one conversation are written by one version",
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": f"Refused: {kinds}"} for status, kinds in kinds_by_status().items()
}

app = FastAPI(
    title="plume",
    version="1",
    summary="Drafts of replies to citizens' reviews, for agents.",
    description="Send `Authorization: Bearer KEY`. Reviews, titles and final texts are pseudonymised before the model "
    "or a journal sees them, and so is a person in the name of a network or a structure. Every draft is checked as a "
    "whole before a word leaves, so a streamed answer comes at once, when it is whole.",
    docs_url=None,
    redoc_url=None,
    responses=_REFUSALS,
)


async def _drafts(request: Request) -> DraftService:  # async, or FastAPI would ask a thread for it
    return request.app.state.drafts


Service = Annotated[DraftService, Depends(_drafts)]


@app.post("/v1/drafts")
async def create_draft(asked: DraftRequest, request: Request, drafts: Service) -> DraftResponse:
    """Write a draft for a review, with what the checks found in it, by which rules, and the verified contacts in it."""
    return await _draft(asked, request, drafts)


@app.post("/v1/drafts/{identity}/again")
async def write_again(identity: str, wishes: AgainRequest, request: Request, drafts: Service) -> DraftResponse:
    """Write a draft of this client's anew, with what changed; what is not sent stays as it was."""
    return await drafts.again(identity, wishes, request.state.context, request.receive)


@app.post("/v1/drafts/{identity}/decision")
async def decide(identity: str, decision: Decision, request: Request, drafts: Service) -> DecisionResponse:
    """Note what the agent made of a draft of this client's; a second decision replaces the first."""
    await drafts.decide(identity, decision, request.state.context)
    return DecisionResponse(id=identity, outcome=decision.outcome)


@app.post("/v1/chat/completions", responses={200: {"content": {"text/event-stream": {}}}}, response_model=None)
async def chat(asked: ChatRequest, request: Request, drafts: Service) -> Response:
    """Write a draft in OpenAI's form: one message, the review; `metadata`: network, title, instruction and so on."""
    answering = [deployed.name for deployed in drafts.aliases.current.deployed]
    if asked.model not in (None, MODEL_NAME, *answering):
        raise Refusal(Reason.NO_MODEL, model=MODEL_NAME)
    most = drafts.max_new_tokens
    for field in ("max_tokens", "max_completion_tokens"):
        if getattr(asked, field) not in (None, most):
            raise Refusal(Reason.INVALID, why=f"{field}: {most} here, or none")
    known = asked.metadata.model_dump() if asked.metadata else {}
    case = DraftRequest(review=asked.messages[0].text, conversation=asked.user, **known)
    draft = await _draft(case, request, drafts)
    common = {"id": draft.id, "created": int(time.time()), "model": draft.model}
    message = {"role": "assistant", "content": draft.draft}
    choice = {"index": 0, "finish_reason": draft.finish_reason, "logprobs": None}
    usage, extra = draft.usage.model_dump(), draft.model_dump(mode="json", exclude={"draft", "usage"})
    if not asked.stream:
        whole = {**common, "object": "chat.completion", "choices": [{**choice, "message": message}]}
        return JSONResponse({**whole, "usage": usage, "plume": extra})
    chunk = {**common, "object": "chat.completion.chunk"}
    chunks = [
        {**chunk, "choices": [{**choice, "finish_reason": None, "delta": message}]},
        {**chunk, "choices": [{**choice, "delta": {}}], "usage": usage, "plume": extra},
    ]
    if asked.stream_options and asked.stream_options.include_usage:  # OpenAI's clients look for it in a last chunk
        chunks.append({**chunk, "choices": [], "usage": chunks[-1].pop("usage")})
    events = [*(json.dumps(chunk, ensure_ascii=False) for chunk in chunks), "[DONE]"]
    # In one piece: the draft is whole before a word of it leaves.
    return Response("".join(f"data: {event}\n\n" for event in events), media_type="text/event-stream")


@app.get("/v1/models")
async def models(drafts: Service) -> dict[str, Any]:
    """List the one model; each draft tells which of its versions answered."""
    champion = drafts.aliases.current.champion
    entry = {"id": MODEL_NAME, "object": "model", "created": 0, "owned_by": "plume", "version": champion.version}
    return {"object": "list", "data": [{**entry, "max_model_len": drafts.started.max_model_len}]}


async def _draft(asked: DraftRequest, request: Request, drafts: DraftService) -> DraftResponse:
    conversation = asked.conversation or request.headers.get(CONVERSATION)
    return await drafts.draft(asked, conversation, request.state.context, request.receive)


@app.exception_handler(Refusal)
async def _refuse(request: Request, refusal: Refusal) -> JSONResponse:
    request.state.context.error = refusal.kind
    return refusal.response()


@app.exception_handler(RequestValidationError)
async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Tell which field is wrong, and why; never its value."""
    return await _refuse(request, Refusal(Reason.INVALID, why=tell_invalid(error.errors()[:5])))


@app.exception_handler(HTTPException)
async def _http(request: Request, error: HTTPException) -> JSONResponse:
    return await _refuse(request, Refusal(Reason.INVALID, error.status_code, why=error.detail))


@app.exception_handler(Exception)
async def _broken(request: Request, _: Exception) -> JSONResponse:  # the guard tells the log
    return await _refuse(request, Refusal(Reason.INTERNAL))


def _described() -> dict[str, Any]:
    """Write the OpenAPI schema, with the key that every route wants."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
        )
        schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"key": []}]
        described = {"required": False, "in": "header", "schema": {"type": "string"}}
        headers = [{"name": name, "description": told, **described} for name, told in _HEADERS.items()]
        for operation in (one for path in schema["paths"].values() for one in path.values()):
            operation["parameters"] = [*operation.get("parameters", []), *headers]
            operation["responses"]["429"]["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}
            }
        asked = schema["components"]["schemas"]["ChatRequest"]["properties"]
        for field in ("max_tokens", "max_completion_tokens"):
            asked[field]["anyOf"][0]["const"] = app.state.drafts.max_new_tokens
        app.openapi_schema = schema
    return app.openapi_schema


app.openapi = _described  # type: ignore[method-assign]
