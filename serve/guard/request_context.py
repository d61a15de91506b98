"""Carries one request through the guard: who asks, and what the metrics and the audit note of it."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RequestContext:
    """Notes what is known of one request. `audit` holds counts and names, never a text."""

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    started: float = field(default_factory=time.perf_counter)
    client: str | None = None
    route: str = "none"
    status: int | None = None
    version: int | None = None
    error: str | None = None
    audit: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Give the seconds since the request began, to a tenth of a millisecond."""
        return round(time.perf_counter() - self.started, 4)
