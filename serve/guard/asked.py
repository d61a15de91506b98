"""One request on its way through the guard: who asks, and what the metrics and the audit are told of it."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Asked:
    """`scope` is vLLM's own; `audit` holds counts and names, never a text."""

    scope: MutableMapping[str, Any]
    request: str
    started: float
    client: str | None = None
    route: str = "none"
    status: int | None = None
    version: int | None = None
    error: str | None = None
    audit: dict[str, Any] = field(default_factory=dict)
