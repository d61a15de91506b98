"""Tells whether a draft can be made now: a masker runs, and the engine knows who answers and writes."""

import asyncio
import json
import time

from serve.guard.drafting import Desk, Failed, prompt_of
from serve.guard.engine import Engine, Receive, Refused, Scope
from serve.guard.pool import Pool

_FRESH = 10.0  # seconds for which the last token that the engine wrote shows that it writes
_WAIT = 3.0  # seconds that a look waits for a token
_GIVE_UP = 60.0  # seconds after which another token is asked for


class Readiness:
    """Looks cheaply: the engine is asked for one token, and only where it has written none for a while."""

    def __init__(self, desk: Desk, pool: Pool, engine: Engine) -> None:
        self._desk, self._pool, self._engine = desk, pool, engine
        self._asking: asyncio.Task | None = None

    async def missing(self, scope: Scope, receive: Receive) -> str:
        """What a draft would lack; empty if nothing."""
        if not self._pool.up():
            return "no masker runs"
        status, _ = await self._engine.fetch(scope, receive, "/health")
        if status != 200:
            return "the engine is dead"
        aliases = self._desk.aliases.current
        answering = [aliases.champion] if aliases.weight < 1 or not aliases.challenger else []
        answering += [aliases.challenger] if aliases.challenger and aliases.weight else []
        try:
            for deployed in answering:
                prompt_of(deployed)
        except Failed as error:
            return str(error)
        status, models = await self._engine.fetch(scope, receive, "/v1/models")
        known = {model["id"] for model in json.loads(models)["data"]} if status == 200 else set()
        if lacking := [deployed.name for deployed in answering if deployed.name not in known]:
            return f"the engine does not know {', '.join(lacking)}; mend it with: plume serve sync"
        return "" if await self._writes(scope, answering[0].name) else "the engine does not write"

    async def _writes(self, scope: Scope, name: str) -> bool:
        if self._engine.wrote is not None and time.monotonic() - self._engine.wrote < _FRESH:
            return True
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask(scope, name))
        done, _ = await asyncio.wait({self._asking}, timeout=_WAIT)
        return bool(done) and self._asking.result()

    async def _ask(self, scope: Scope, name: str) -> bool:
        asked = {"model": name, "prompt": [self._desk.started.stop_token_id], "max_tokens": 1, "temperature": 0.0}
        try:
            async with asyncio.timeout(_GIVE_UP):
                await self._engine.complete(scope, asyncio.Event().wait, asked)  # no client that could leave
        except (TimeoutError, Refused):
            return False
        return True
