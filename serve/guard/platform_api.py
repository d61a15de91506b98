"""Answers the two routes by which Services Publics + asks for drafts: a review is left, its draft is fetched later.

The platform's contract, as of its earlier service (albert-spp 0.2); here a review is masked before it is kept.
"""

import uuid
from collections import Counter
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Depends, Request, Response
from pydantic import BaseModel, ValidationError

from serve.database import StorageError
from serve.guard.maskers import NoMasker
from serve.guard.platform_queue import Answer
from serve.guard.platform_writer import PlatformWriter
from serve.guard.refusal import Reason, Refusal, tell_invalid
from serve.guard.request_context import RequestContext
from serve.guard.schema import PlatformId, PlatformReview

DRAFT_ID = "X-Plume-Draft"  # plume's own id of a draft, for POST /v1/drafts/{id}/decision
_T = TypeVar("_T", bound=BaseModel)

router = APIRouter(tags=["Services Publics +"])


async def _platform(request: Request) -> PlatformWriter:
    return request.app.state.platform


Platform = Annotated[PlatformWriter, Depends(_platform)]
Asked = Annotated[Any, Body()]  # read row by row: one bad row of a list loses no other


def _body(one: type[BaseModel]) -> dict[str, Any]:
    """Describe a body of one object or a list of them, for /openapi.json."""
    schema = one.model_json_schema()
    either = {"anyOf": [schema, {"type": "array", "items": schema}]}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": either}}}}


@router.post("/anonymize", openapi_extra=_body(PlatformReview))
async def leave_reviews(asked: Asked, request: Request, platform: Platform) -> dict[str, Any]:
    """Mask a review, or each of a list, and queue it for a draft; answer its id, made here where none was sent.

    In a list, a row that is refused has the id null and its `error`; a list of which every row is refused is refused.
    """
    context = request.state.context
    rows = asked if isinstance(asked, list) else [asked]
    entities: Counter[str] = Counter()
    # One after the other: agents who wait for a draft share the maskers. Of two texts with one id the later counts.
    answers = [await _left(row, platform, context.client, entities) for row in rows]
    refused = [one for one in answers if isinstance(one, Refusal)]
    context.audit = {"queued": len(rows) - len(refused), "refused": len(refused), "masked": dict(entities)}
    if refused and len(refused) == len(rows):
        raise refused[0]
    told = [{"id": None, "error": one.told()} if isinstance(one, Refusal) else {"id": one} for one in answers]
    return {"body": told if isinstance(asked, list) else told[0]}


@router.post("/prod/run/ditp-get-data", openapi_extra=_body(PlatformId))
async def fetch_drafts(asked: Asked, request: Request, platform: Platform, response: Response) -> dict[str, Any]:
    """Give the draft of a review, or of each of a list, in its order; in a list, null where there is none.

    One alone is answered 400 until it is written (`writing`) and if it is not known (`unknown`).
    """
    context = request.state.context
    if isinstance(asked, list):
        return {"body": [{"generated_answer": await _text_or_none(row, platform, context)} for row in asked]}
    found = await _fetched(asked, platform, context)
    response.headers[DRAFT_ID] = found.draft
    context.version, context.audit = found.version, {"id": found.draft}
    return {"body": {"generated_answer": found.text}}


async def _left(row: Any, platform: PlatformWriter, client: str, entities: Counter[str]) -> str | Refusal:
    """Mask and queue a review, and count the entities masked in it; give its id, or why it is refused."""
    try:
        review = _read(PlatformReview, row)
        answer = await platform.drafts.maskers.ask("mask", texts=[review.text])
        identity, masked = review.id or str(uuid.uuid4()), Counter(span["type"] for span in answer["spans"][0])
        await platform.add(client, identity, answer["texts"][0], dict(masked))
    except NoMasker as error:
        return Refusal(Reason.REVIEW_NOT_MASKED, why=error)
    except Refusal as refusal:
        return refusal
    entities.update(masked)
    return identity


async def _text_or_none(row: Any, platform: PlatformWriter, context: RequestContext) -> str | None:
    try:
        return (await _fetched(row, platform, context)).text
    except Refusal as refusal:
        if refusal.kind == "journal":  # of all of them: the journal cannot be read
            raise
        return None


async def _fetched(row: Any, platform: PlatformWriter, context: RequestContext) -> Answer:
    """Find a draft. Raises Refusal if there is none yet, or could be none."""
    identity = _read(PlatformId, row).id
    try:
        found = await platform.drafts.on_disk(platform.queue.get, context.client, identity)
    except StorageError as error:
        raise Refusal(Reason.JOURNAL_UNREADABLE, error.status, why=error) from None
    if found is None:
        raise Refusal(Reason.NO_ANSWER)
    if found.why is not None:
        raise Refusal(Reason.NOT_WRITTEN, found.status, why=found.why)
    if found.text is None:
        raise Refusal(Reason.WRITING)
    return found


def _read(kind: type[_T], row: Any) -> _T:
    """Read one row. Raises Refusal: INVALID, with the field and why."""
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)[:5]]
        raise Refusal(Reason.INVALID, why=tell_invalid(errors)) from None
