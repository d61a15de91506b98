"""Which version answers: `alias.json`, what went before it, and who gets the challenger."""

import hashlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from plume.adapters import folder_sha256
from plume.errors import InputError
from plume.tracking import MODEL_NAME
from serve import state as files
from serve.state import State

KEPT = 3  # earlier alias files, and their adapters, that stay at hand


@dataclass(frozen=True)
class Deployed:
    """A version that an engine may serve: its number, its immutable adapter folder, the hash of what is in it."""

    version: int
    folder: str
    sha256: str

    @property
    def name(self) -> str:
        """What the engine calls it: a swap is a new name, never new weights under an old one."""
        return f"{MODEL_NAME}@v{self.version}"

    def check(self) -> None:
        """Raises InputError unless the folder is there and holds what it held."""
        if not Path(self.folder).is_dir():
            raise InputError(f"{self.folder}: the adapter of version {self.version} is gone")
        if folder_sha256(Path(self.folder)) != self.sha256:
            raise InputError(f"{self.folder}: the adapter of version {self.version} was changed")


@dataclass(frozen=True)
class Aliases:
    """Champion, and a challenger that answers a share `weight` of the conversations."""

    champion: Deployed
    challenger: Deployed | None = None
    weight: float = 0.0

    @classmethod
    def of(cls, value: Any) -> Self:
        """Raises InputError if `value` is not what alias.json holds."""
        try:
            champion, challenger = (value[name] and Deployed(**value[name]) for name in ("champion", "challenger"))
            weight = float(value["weight"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"alias.json: not understood ({type(error).__name__}: {error})") from None
        whole = all(isinstance(d.version, int) and isinstance(d.folder, str) for d in (champion, challenger) if d)
        if not champion or not whole or not 0 <= weight <= 1:
            raise InputError("alias.json: a champion and a weight from 0 to 1 are wanted")
        return cls(champion, challenger, weight)

    @property
    def deployed(self) -> list[Deployed]:
        return [self.champion, *([self.challenger] if self.challenger else [])]

    def choose(self, key: str) -> Deployed:
        """Who answers the conversation `key`: always the same one while weight and versions stay."""
        if self.challenger is None or not self.weight:
            return self.champion
        point = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
        return self.challenger if point < self.weight else self.champion


def read(state: State) -> Aliases | None:
    value = files.read(state.alias)
    return None if value is None else Aliases.of(value)


def previous(state: State) -> list[Aliases]:
    """The alias files before this one, newest first; what is damaged there is no reason to serve nothing."""
    try:
        return [Aliases.of(value) for value in files.read(state.previous) or []]
    except InputError:
        return []


def write(state: State, aliases: Aliases, among: Collection[Deployed] | None = None) -> None:
    """Replace alias.json; what it held goes to the front of previous.json, where three are kept.

    `among` are the versions that may be gone back to; what names another one is forgotten.
    """
    before = None
    with suppress(InputError):
        before = read(state)
    earlier = [*([before] if before else []), *previous(state)]
    kept = list(dict.fromkeys(old for old in earlier if old != aliases))
    if among is not None:
        kept = [old for old in kept if set(old.deployed) <= set(among)]
    files.write(state.previous, [asdict(old) for old in kept[:KEPT]])
    files.write(state.alias, asdict(aliases))


def known(state: State) -> list[Deployed]:
    """Every version that alias.json or previous.json names, once each, current ones first."""
    current = None
    with suppress(InputError):
        current = read(state)
    every = [current, *previous(state)] if current else previous(state)
    return list(dict.fromkeys(deployed for aliases in every for deployed in aliases.deployed))


class Watched:
    """alias.json as the guard reads it: again when it was replaced; the last good one where it is damaged."""

    def __init__(self, state: State) -> None:
        self._state, self._seen = state, None
        found = read(state)
        if found is None:
            raise InputError(f"{state.alias}: is not there; start the server with `plume serve`")
        self._current = found

    @property
    def current(self) -> Aliases:
        try:
            stat = self._state.alias.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
            if seen != self._seen:
                self._current = read(self._state) or self._current
                self._seen = seen
        except (OSError, InputError):
            pass  # half a file never replaces a whole one
        return self._current
