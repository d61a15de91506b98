"""Lists every refusal of the server, once: its status, its kind, and the line that the client reads.

Metrics and audit count kinds; `/openapi.json` lists them by status. A line quotes nothing of what was sent.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import Enum
from typing import Any

from starlette.responses import JSONResponse


class Reason(Enum):
    """Why a request is refused. `Refusal` fills what stands in braces."""

    # Before the request is read (`connection_limits`, `access`)
    NO_HTTP = 400, "http", "this is no HTTP request"
    NO_KEY = 401, "key", "send a known key as `Authorization: Bearer KEY`"
    KEY_EXPIRED = 401, "expired", "this key has expired; ask who runs the server for a new one"
    TOO_MANY = 429, "rate", "more requests for drafts than this client may make ({most}); ask again in {after} s"
    NO_ROUTE = 404, "route", "there is no such route"
    HEADERS_LATE = 408, "timeout", "the headers took longer than {seconds:g} s"
    BODY_LATE = 408, "timeout", "the body took longer than {seconds:g} s"
    BODY_TOO_LARGE = 413, "size", "the body is larger than {kilobytes} KB"
    URL_TOO_LONG = 414, "size", "the URL is longer than {kilobytes} KB"
    HEADERS_TOO_LARGE = 431, "size", "the headers are larger than {kilobytes} KB"
    # By nginx, which `plume serve render` makes answer like the guard
    NGINX_RATE = 429, "rate", "too many requests with this key, or from this address; ask again later"
    NO_SERVER = 502, "engine", "no server answers; ask again"
    # What is asked (`api`, `draft_service`)
    INVALID = 422, "request", "{why}"
    NO_MODEL = 404, "model", "model: does not answer now; ask for {model}, which version answers is decided here"
    NO_ANSWER = 400, "unknown", "no such id of this client's, or its draft is older than 48 hours"
    WRITING = 400, "writing", "the draft is being written; ask again"
    NO_DRAFT = 404, "unknown", "no such draft of this client's"
    NO_WISHES = (
        422,
        "prompt",
        "{fields}: version {version} answers with prompt {prompt}, which shows no sources and no wishes; leave it out",
    )
    NO_PASSAGE = 422, "sources", "{field}: {why}; `passages` of a draft names those that there are"
    INSTRUCTION = (
        400,
        "instruction",
        # The desk shows agents the French.
        "instruction: asks {asks}, which no draft may do; leave that out (la consigne demande {demande} : retirez-le)",
    )
    TOO_LONG = 413, "too_long", "the review makes a prompt of {tokens} tokens; at most {room} fit"
    # What the server cannot do now
    REVIEW_NOT_MASKED = 503, "masking", "the review could not be masked ({why}); ask again"
    REPLY_NOT_MASKED = 503, "masking", "the reply could not be masked ({why}); send it again"
    NOT_CHECKED = 503, "checks", "the draft could not be checked ({why}); ask again"
    BUSY = 503, "busy", "too many requests are waiting; ask again"
    DRAINING = 503, "draining", "the server is stopping; ask again"
    ENGINE_FAILED = 502, "engine", "the engine failed; ask again"
    NOT_WRITTEN = 502, "failed", "no draft could be written ({why}); send the review again"
    NO_ADAPTER = 502, "adapter", "the adapter of version {version} cannot be read"
    ANSWER_LATE = 504, "timeout", "no answer within {seconds:g} s; ask again"
    JOURNAL_UNREADABLE = 507, "journal", "the journal cannot be read ({why}); send it again later"
    REVIEW_NOT_KEPT = 507, "journal", "the review could not be kept ({why}); send it again later"
    NOT_KEPT = 507, "journal", "the decision could not be kept ({why}); send it again later"
    INTERNAL = 500, "internal", "the server failed; ask again"  # Starlette's own answer would be a page of text
    # 499 is nginx's number. No fault of the engine's: counted as what it is.
    CLIENT_GONE = 499, "client_gone", "the client left before its answer"


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """Refuses a request from anywhere in the guard; `middleware` sends the answer."""

    def __init__(self, reason: Reason, status: int | None = None, **told: object) -> None:
        usual, self.kind, message = reason.value
        self.status = status or usual
        super().__init__(message.format(**told))
        self._after = told.get("after")  # seconds

    def response(self) -> JSONResponse:
        """Build the answer: one line of JSON."""
        headers = {
            408: {"Connection": "close"},
            429: {"Retry-After": str(self._after)},
            503: {"Retry-After": "5"},
        }.get(self.status)
        return JSONResponse({"error": self.told()}, self.status, headers)

    def told(self) -> dict[str, str]:
        return {"type": self.kind, "message": str(self)}


def kinds_by_status() -> dict[int, str]:
    """List the kinds of refusal that a client may read, by status, for the schema of the API."""
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for status, kind, _ in (reason.value for reason in Reason if reason is not Reason.CLIENT_GONE):
        found[status][kind] = None
    return {status: ", ".join(kinds) for status, kinds in sorted(found.items())}


def tell_invalid(errors: Sequence[dict[str, Any]]) -> str:
    """Say which fields are wrong, and why, of pydantic's errors; never their values."""
    return "; ".join(map(_told, errors))


def _told(error: dict[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return f"body: no JSON, from character {error['loc'][-1]} on"
    match error["type"]:
        case "string_pattern_mismatch":
            given = error.get("input")
            empty = not isinstance(given, str) or not given.strip()
            message = "is empty" if empty else "holds a control character, or a line end where none goes; remove it"
        case "model_attributes_type" | "model_type" | "missing" if len(error["loc"]) < 2:
            message = "no JSON object; send one, with Content-Type: application/json"
        case _:
            message = error["msg"].removeprefix("Value error, ")
    return f"{'.'.join(str(part) for part in error['loc'][1:]) or 'body'}: {message}"
