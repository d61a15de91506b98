"""Reads what a request says of itself for logs and traces: X-Request-Id, and W3C's traceparent.

`tracestate` is left out: other tools write what they like in it.
"""

import re
import secrets
from dataclasses import dataclass

from starlette.datastructures import Headers

REQUEST_ID, TRACEPARENT = "X-Request-Id", "traceparent"
ID = "[A-Za-z0-9._-]{1,64}"  # a well-formed id of a request, to Python and to nginx
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


@dataclass(frozen=True)
class TraceContext:
    """Places a request in a trace: ids in hexadecimal; `parent` is None where the trace begins here."""

    trace: str
    span: str
    parent: str | None
    sampled: bool

    @property
    def header(self) -> str:
        """Write the traceparent that whatever this request asks is given."""
        return f"00-{self.trace}-{self.span}-{self.sampled:02x}"


def request_id(headers: Headers) -> str:
    """Keep the request's own id if there is one, and it is well formed; else make one."""
    given = headers.getlist(REQUEST_ID)
    return given[0] if len(given) == 1 and re.fullmatch(ID, given[0]) else secrets.token_hex(8)


def continue_trace(headers: Headers) -> TraceContext:
    """Go on with the trace of traceparent; begin one where there is none, or it is malformed.

    Level 2 of the specification: version 00 has four parts; a later version may have more, ff is none; ids of zeros
    are none.
    """
    given = headers.getlist(TRACEPARENT)
    match = _PARENT.fullmatch(given[0].strip(" \t")) if len(given) == 1 else None
    span = secrets.token_hex(8)
    if match:
        version, trace, parent, flags, more = match.groups()
        if version != "ff" and int(trace, 16) and int(parent, 16) and not (version == "00" and more):
            return TraceContext(trace, span, parent, bool(int(flags, 16) & _SAMPLED))
    return TraceContext(secrets.token_hex(16), span, None, sampled=True)
