"""Carries one request through the guard: who asks, its trace, and what the metrics and the audit note of it."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from starlette.datastructures import Headers

from serve.guard.trace_context import TraceContext, continue_trace, request_id

Numbers = dict[str, int | float]


@dataclass(frozen=True)
class Step:
    """Times a part of a request: seconds since the request began; `told` holds numbers, never a text."""

    name: str
    begun: float
    ended: float
    told: Numbers


@dataclass
class RequestContext:
    """Notes what is known of one request. `audit` holds counts and names, never a text."""

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    trace: TraceContext = field(default_factory=lambda: continue_trace(Headers()))
    began: int = field(default_factory=time.time_ns)
    started: float = field(default_factory=time.perf_counter)
    client: str | None = None
    agent: str | None = None
    route: str = "none"
    status: int | None = None
    version: int | None = None
    error: str | None = None
    audit: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def of(cls, headers: Headers) -> Self:
        """Begin with the id and the trace that a request brings."""
        return cls(id=request_id(headers), trace=continue_trace(headers))

    @property
    def age(self) -> float:
        """Give the seconds since the request began."""
        return time.perf_counter() - self.started

    @property
    def seconds(self) -> float:
        """Give the same to a tenth of a millisecond."""
        return round(self.age, 4)

    @contextmanager
    def step(self, name: str) -> Iterator[Numbers]:
        """Time a block; what it tells goes into the dictionary that it is given."""
        begun, told = self.age, {}
        try:
            yield told
        finally:
            self.add_step(name, begun, **told)

    def add_step(self, name: str, begun: float, ended: float | None = None, **told: float) -> None:
        """Note a part that began, and ended just now or as said, in seconds since the request began."""
        self.steps.append(Step(name, begun, self.age if ended is None else ended, told))
