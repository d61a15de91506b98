"""Tells whether a draft can be made now: a masker runs, and the engine knows who answers and writes."""

import asyncio
import json
import time
from pathlib import Path

from serve.alias import Aliases
from serve.guard.draft_service import prompt_of
from serve.guard.engine_client import EngineClient, EngineError
from serve.guard.maskers import Maskers
from serve.guard.refusal import Refusal
from serve.state import Watched

_FRESH = 10.0  # seconds for which the last token that the engine wrote shows that it writes
_WAIT = 3.0  # seconds that a look waits for a token
_GIVE_UP = 60.0  # seconds after which another token is asked for


class Readiness:
    """Asks the engine for one token, and only if it has written none for a while."""

    def __init__(
        self, aliases: Watched[Aliases], maskers: Maskers, engine: EngineClient, stop_token_id: int, behind: Path
    ) -> None:
        """`behind` says, while it is there, why a replica is not in step with the others."""
        self._behind = behind
        self._aliases, self._maskers, self._engine, self._stop_token_id = aliases, maskers, engine, stop_token_id
        self._asking: asyncio.Task | None = None

    async def missing(self) -> str:
        """Say what a draft would lack; empty if nothing."""
        if not self._maskers.up():
            return "no masker runs"
        status, _ = await self._engine.fetch("/health")
        if status != 200:
            return "the engine is dead"
        aliases = self._aliases.current
        answering = [aliases.champion] if aliases.weight < 1 or not aliases.challenger else []
        answering += [aliases.challenger] if aliases.challenger and aliases.weight else []
        try:
            for deployed in answering:
                prompt_of(deployed)
        except Refusal as error:
            return str(error)
        status, models = await self._engine.fetch("/v1/models")
        known = {model["id"] for model in json.loads(models)["data"]} if status == 200 else set()
        if lacking := [deployed.name for deployed in answering if deployed.name not in known]:
            return f"the engine does not know {', '.join(lacking)}; mend it with: plume serve sync"
        if not await self._writes(answering[0].name):
            return "the engine does not write"
        try:
            return self._behind.read_text(encoding="utf-8")
        except OSError:
            return ""

    async def _writes(self, name: str) -> bool:
        # A long prompt keeps a CPU silent for longer than a GPU that hangs: silence that it came back from is patience.
        fresh = max(_FRESH, min(2 * self._engine.silence, _GIVE_UP))
        if self._engine.wrote is not None and time.monotonic() - self._engine.wrote < fresh:
            return True
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask(name))
        done, _ = await asyncio.wait({self._asking}, timeout=_WAIT)
        return bool(done) and self._asking.result()

    async def _ask(self, name: str) -> bool:
        asked = {"model": name, "prompt": [self._stop_token_id], "max_tokens": 1, "temperature": 0.0}
        try:
            async with asyncio.timeout(_GIVE_UP):
                await self._engine.complete(asked)
        except (TimeoutError, EngineError):
            return False
        return True
