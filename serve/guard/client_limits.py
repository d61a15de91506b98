"""Holds each client, and each of its agents, to so many requests for drafts a minute and at a time. In memory."""

import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import prometheus_client

from serve.config import ServeConfig
from serve.guard.refusal import Reason, Refusal
from serve.keys import ADMIN, Holder

_MINUTE = 60.0  # seconds
_MANY = 4096  # windows, after which those that are over are forgotten
_SOON = 1  # second: one of those at work may end at any moment


class ClientLimits:
    """Counts what is begun; what is refused does not count. A key's own limits go before the config's."""

    def __init__(
        self, config: ServeConfig, limited: prometheus_client.Counter, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config, self._limited, self._clock = config, limited, clock
        self._begun: dict[tuple[str, ...], deque[float]] = defaultdict(deque)
        self._at_work: Counter[str] = Counter()

    @contextmanager
    def within(self, holder: Holder, agent: str | None) -> Iterator[None]:
        """Let a client's request be at work. Raises Refusal: TOO_MANY, with the seconds until it may ask again."""
        if holder.role == ADMIN:
            yield
            return
        config, name = self._config, holder.name
        at_once = config.client_at_once if holder.at_once is None else holder.at_once
        if at_once and self._at_work[name] >= at_once:
            self._refuse(name, "at_once", f"{at_once} at a time", _SOON)
        per_minute = config.client_per_minute if holder.per_minute is None else holder.per_minute
        self._forget()  # before any window is taken out: an empty one would go
        windows = [(self._window((name,), per_minute), per_minute, "per_minute", f"{per_minute} a minute")]
        if agent:
            most = config.agent_per_minute
            windows.append((self._window((name, agent), most), most, "agent_per_minute", f"{most} a minute an agent"))
        now = self._clock()
        for window, most, limit, told in windows:
            if most and len(window) >= most:
                self._refuse(name, limit, told, math.ceil(window[-most] + _MINUTE - now))
        for window, most, *_ in windows:
            if most:
                window.append(now)
        self._at_work[name] += 1
        try:
            yield
        finally:
            self._at_work[name] -= 1

    def _window(self, whose: tuple[str, ...], most: int | None) -> deque[float]:
        """Give when the requests of the last minute began; nothing is kept where there is no limit."""
        since = self._clock() - _MINUTE
        if not most:
            self._begun.pop(whose, None)
            return deque()
        window = self._begun[whose]
        while window and window[0] <= since:
            window.popleft()
        return window

    def _forget(self) -> None:
        """Drop windows that are over, once there are many."""
        if len(self._begun) > _MANY:
            since = self._clock() - _MINUTE
            for other in [one for one, window in self._begun.items() if not window or window[-1] <= since]:
                del self._begun[other]

    def _refuse(self, client: str, limit: str, told: str, seconds: int) -> None:
        self._limited.labels(client, limit).inc()
        raise Refusal(Reason.TOO_MANY, after=max(seconds, 1), most=told)
