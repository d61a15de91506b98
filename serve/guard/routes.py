"""What is open, and to whom. A route that is not here is closed."""

import re
from dataclasses import dataclass

PUBLIC, CLIENT, METRICS, ADMIN, ENGINE = "public", "client", "metrics", "admin", "engine"


@dataclass(frozen=True)
class Route:
    """`page` is what the guard itself answers, `path` the engine's route, `begins` whether a draft is begun."""

    name: str
    role: str
    page: str = ""
    path: str = ""
    begins: bool = False

    def admits(self, role: str) -> bool:
        """The admin may do everything; others what is theirs."""
        return role == "admin" or role == self.role


_ROUTES = {
    **dict.fromkeys((("GET", "/health"), ("HEAD", "/health")), Route("health", PUBLIC, page="health")),
    **dict.fromkeys((("GET", "/ready"), ("HEAD", "/ready")), Route("ready", PUBLIC, page="ready")),
    ("GET", "/openapi.json"): Route("openapi", PUBLIC, page="openapi"),
    ("GET", "/metrics"): Route("metrics", METRICS, page="metrics"),
    ("GET", "/status"): Route("status", ADMIN, page="status"),
    ("GET", "/v1/models"): Route("models", CLIENT),
    ("POST", "/v1/drafts"): Route("drafts", CLIENT, begins=True),
    ("POST", "/v1/chat/completions"): Route("chat", CLIENT, begins=True),
}
_DECISION = re.compile(r"/v1/drafts/draft-[0-9a-f]{24}/decision")
# Of the engine, for the admin: what `sync`, `rollback` and `plume eval generate --endpoint …/engine/v1` need.
_ENGINE = {
    ("GET", "/v1/models"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/load_lora_adapter"),
    ("POST", "/v1/unload_lora_adapter"),
}


def route(method: str, path: str) -> Route | None:
    """The route of a request; None if it is closed."""
    if found := _ROUTES.get((method, path)):
        return found
    if method == "POST" and _DECISION.fullmatch(path):
        return Route("decision", CLIENT)
    below = path.removeprefix("/engine")
    if below != path and (method, below) in _ENGINE:
        return Route(f"engine{below}", ENGINE, path=below)
    return None
