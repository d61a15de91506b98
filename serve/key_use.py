"""Notes when each key last opened something: at most once a minute a key, beside the requests, for `key list`."""

import asyncio
import time
from contextlib import suppress

from plume.errors import InputError, PlumeError
from serve.keys import known
from serve.server_log import tell
from serve.state import State, alone, read_json, write_json

_EVERY = 60.0  # seconds


def read(state: State) -> dict[str, float]:
    """Read when each key was last used, by its hash, in seconds since the epoch. A damaged file says nothing."""
    with suppress(InputError):
        found = read_json(state.used)
        if isinstance(found, dict):
            return {key: at for key, at in found.items() if isinstance(at, int | float) and not isinstance(at, bool)}
    return {}


class KeyUse:
    """Writes used.json of the state. What cannot be written stops no request, and is told once."""

    def __init__(self, state: State) -> None:
        self._state, self._told = state, False
        self._noted: dict[str, float] = {}
        self._waiting: dict[str, float] = {}
        self._writing: asyncio.Task | None = None

    def note(self, key: str) -> None:
        """Note that a key, by its hash, is used now."""
        at = time.time()
        if 0 <= at - self._noted.get(key, 0.0) < _EVERY:  # not so once the clock went back
            return
        self._noted[key] = self._waiting[key] = at
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Wait for what is being written."""
        if self._writing:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            new, self._waiting = self._waiting, {}
            try:
                await asyncio.to_thread(add, self._state, new)
            except (PlumeError, OSError) as error:
                if not self._told:
                    tell(f"when keys are used cannot be noted ({error}); requests are answered all the same")
                self._told = True


def add(state: State, new: dict[str, float]) -> None:
    """Add uses to those that were noted, the latest of a key; forget keys that are there no more."""
    with alone(state, "used"):
        there = {one.sha256 for entry in known(state).values() for one in (entry, *(entry.former or ()))}
        noted = read(state)
        write_json(state.used, {key: int(max(noted.get(key, 0), new.get(key, 0))) for key in there & {*noted, *new}})
