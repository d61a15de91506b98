"""Decides what is open, and to whom. A route that is not in this file is closed, whatever a version of vLLM opens."""

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass

from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import ClientDisconnect, Request

from serve.guard.agents import Agents
from serve.guard.refusal import Reason, Refusal
from serve.guard.request_context import RequestContext
from serve.keys import ADMIN, Holder, Keys

PUBLIC = "public"  # the role of what needs no key
BODY = 64 << 10  # bytes of a request, at most


@dataclass(frozen=True)
class Route:
    """Describes an open route. `engine` is vLLM's own path, for the admin; `begins` says that it begins a draft.

    `once` says that the same request twice does its work twice: a proxy must not send it again.
    """

    name: str
    role: str
    engine: str = ""
    begins: bool = False
    once: bool = False

    def admits(self, role: str) -> bool:
        """Tell whether a key of this role opens the route. The admin's key opens all."""
        return role in (ADMIN, self.role)


# Compared as a whole: no other spelling of a path, no other method. Starlette's router would take a line end at the
# end of a path, and answer 405, which tells a scan that the path exists.
_ROUTES = {
    **dict.fromkeys((("GET", "/health"), ("HEAD", "/health")), Route("health", PUBLIC)),
    **dict.fromkeys((("GET", "/ready"), ("HEAD", "/ready")), Route("ready", PUBLIC)),
    ("GET", "/openapi.json"): Route("openapi", PUBLIC),
    ("GET", "/metrics"): Route("metrics", "metrics"),
    ("GET", "/status"): Route("status", ADMIN),
    ("GET", "/v1/models"): Route("models", "client"),
    ("POST", "/v1/drafts"): Route("drafts", "client", begins=True),
    ("POST", "/v1/chat/completions"): Route("chat", "client", begins=True),
}
_OF_DRAFT = re.compile(r"/v1/drafts/draft-[0-9a-f]{24}/(decision|again)")
# Of the engine, for the admin: what `sync`, `rollback` and `plume eval generate --endpoint …/engine/v1` need.
_ENGINE = {
    ("GET", "/v1/models"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/load_lora_adapter"),
    ("POST", "/v1/unload_lora_adapter"),
}

# Of Services Publics +, where the config opens them.
_PLATFORM = {
    ("POST", "/anonymize"): Route("anonymize", "client", begins=True, once=True),
    ("POST", "/prod/run/ditp-get-data"): Route("ditp-get-data", "client"),
}


def routes(platform: bool = False) -> list[tuple[str, str, Route]]:
    """List what is open, as method, pattern of the whole path, and route. `platform` as for `find`."""
    exact = [(key, route) for table in (_ROUTES, _PLATFORM if platform else {}) for key, route in table.items()]
    below = [(method, f"/engine{path}", Route(f"engine{path}", ADMIN, engine=path)) for method, path in sorted(_ENGINE)]
    return [
        *((method, re.escape(path), route) for (method, path), route in exact),
        ("POST", _OF_DRAFT.pattern, Route("draft", "client", begins=True)),
        *((method, re.escape(path), route) for method, path, route in below),
    ]


def find(method: str, path: str, platform: bool = False) -> Route | None:
    """Find the route of a request; None if it is closed. `platform` opens those of Services Publics +."""
    if platform and (found := _PLATFORM.get((method, path))):
        return found
    if found := _ROUTES.get((method, path)):
        return found
    if method == "POST" and (match := _OF_DRAFT.fullmatch(path)):
        return Route(match[1], "client", begins=match[1] == "again")
    below = path.removeprefix("/engine")
    if below != path and (method, below) in _ENGINE:
        return Route(f"engine{below}", ADMIN, engine=below)
    return None


def admit(
    request: Request, keys: Keys, agents: Agents, context: RequestContext, platform: bool = False
) -> tuple[Route, Holder | None]:
    """Find the route that a request may use, and whose key opens it; note it, its client and its agent.

    Raises Refusal: NO_ROUTE, NO_KEY, KEY_EXPIRED, INVALID.
    """
    route = find(request.method, request.scope["path"], platform)
    if route is None:
        raise Refusal(Reason.NO_ROUTE)
    context.route = route.name
    if route.role == PUBLIC:
        return route, None
    kind, key = get_authorization_scheme_param(request.headers.get("authorization"))
    holder = keys.holder(key.strip()) if kind.lower() == "bearer" and key.strip() else None
    if holder is None:
        raise Refusal(Reason.NO_KEY)
    context.client = holder.name
    if holder.expired:
        raise Refusal(Reason.KEY_EXPIRED)
    if not route.admits(holder.role):
        raise Refusal(Reason.NO_ROUTE)
    context.agent = agents.of(holder.name, request.headers)
    return route, holder


async def read_body(request: Request, seconds: float) -> bytes:
    """Read the body. Raises Refusal if it is too large, takes longer than `seconds`, or is cut off."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds), aclosing(request.stream()) as parts:
            async for part in parts:
                body += part
                if len(body) > BODY:
                    raise Refusal(Reason.BODY_TOO_LARGE, kilobytes=BODY >> 10)
    except TimeoutError:
        raise Refusal(Reason.BODY_LATE, seconds=seconds) from None
    except ClientDisconnect:
        raise Refusal(Reason.CLIENT_GONE) from None
    return bytes(body)
