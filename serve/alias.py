"""Keeps which version answers (`alias.json`), what answered before (`history.json`), and who gets the challenger."""

import hashlib
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from plume.errors import InputError
from plume.files import folder_sha256
from plume.registry import MODEL_NAME
from serve import state as files
from serve.state import State

KEPT = 3  # what was served before, and its adapters, that stay at hand


@dataclass(frozen=True)
class Deployed:
    """A version that an engine may serve: its number, its immutable adapter folder, the hash of what is in it.

    Two are the same if number and hash are: a home that was moved makes no other version.
    """

    version: int
    folder: str = field(compare=False)
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
            champion, challenger = (value[name] and _deployed(value[name]) for name in ("champion", "challenger"))
            weight = float(value["weight"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"alias.json: not understood ({type(error).__name__}: {error})") from None
        if not champion or not 0 <= weight <= 1:
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


@dataclass(frozen=True)
class History:
    """`history.json`: what may answer next. Replaced in one step; alias.json, beside it, says what answers now.

    Attributes:
        now: what alias.json says, or said until a switch that was killed between the two files.
        back: what was served before it and was never rolled back, newest first.
        held: versions that were rolled back: none of them answers again unless somebody asks for it.
    """

    now: Aliases | None = None
    back: tuple[Aliases, ...] = ()
    held: frozenset[Deployed] = frozenset()

    @classmethod
    def read(cls, state: State) -> Self:
        """The state's history, also from the previous.json and held.json of earlier plumes. Raises InputError."""
        path = state.history if state.history.exists() else state.held
        try:
            value = files.read(path)
            if path == state.held:
                return cls(None, _earlier(state), frozenset(_deployed(entry) for entry in value or ()))
            back = tuple(Aliases.of(old) for old in value["back"])
            return cls(value["now"] and Aliases.of(value["now"]), back, frozenset(map(_deployed, value["held"])))
        except (InputError, KeyError, TypeError, ValueError):
            raise InputError(
                f"{path}: not understood; remove it to go on: what can be gone back to is then not known any more, "
                "and what was rolled back may be served again"
            ) from None

    def write(self, state: State) -> None:
        kept = list(dict.fromkeys(old for old in self.back if old != self.now and old.champion not in self.held))
        files.write(
            state.history,
            {
                "now": self.now and asdict(self.now),
                "back": [asdict(old) for old in kept[:KEPT]],
                "held": [asdict(deployed) for deployed in sorted(self.held, key=lambda d: (d.version, d.sha256))],
            },
        )
        for old in (state.previous, state.held):  # what plume kept before there was a history
            old.unlink(missing_ok=True)

    def ways_back(self, current: Aliases | None) -> list[Aliases]:
        """What may be served instead of `current`, newest first; a challenger that was rolled back is left out."""
        earlier = [*([self.now] if self.now else []), *self.back]
        allowed = [self._without_held(old) for old in earlier if old.champion not in self.held]
        return list(dict.fromkeys(old for old in allowed if old != current))

    def _without_held(self, old: Aliases) -> Aliases:
        return Aliases(old.champion) if old.challenger in self.held else old


def history(state: State) -> History:
    """As `History.read`, for what must go on where it is damaged: there is then nothing to go back to."""
    try:
        return History.read(state)
    except InputError:
        return History()


def previous(state: State) -> list[Aliases]:
    """What can be gone back to, newest first; what is damaged there is no reason to serve nothing."""
    return history(state).ways_back(_current(state))


def write(state: State, aliases: Aliases, among: Collection[Deployed] | None = None) -> None:
    """Serve `aliases`: replace alias.json, then note in the history that what it held can be gone back to.

    `among` are the versions that may be gone back to; what names another one is forgotten. What is served is held no
    more. Killed between the two files, the history's `now` is what was served before: nothing is lost.
    """
    before = _current(state)
    try:
        earlier = History.read(state)
    except InputError:  # a restart goes on; what can still be read of it is kept for whoever must know
        earlier = History()
        damaged = state.history if state.history.exists() else state.held
        damaged.replace(damaged.with_name(f"{damaged.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}"))
    back = [*([before] if before else []), *earlier.ways_back(before)]
    if among is not None:
        back = [old for old in back if set(old.deployed) <= set(among)]
    files.write(state.alias, asdict(aliases))
    History(aliases, tuple(back), earlier.held - set(aliases.deployed)).write(state)


def go_back(state: State, history: History) -> None:
    """Serve the history's `now`. The history is replaced first.

    Killed before alias.json is replaced too, the next command knows from it what is held, and where to go.
    """
    history.write(state)
    files.write(state.alias, asdict(history.now))


def known(state: State) -> list[Deployed]:
    """Every version that answers or can be gone back to, once each, current ones first."""
    current = _current(state)
    every = [current, *previous(state)] if current else previous(state)
    return list(dict.fromkeys(deployed for aliases in every for deployed in aliases.deployed))


def _current(state: State) -> Aliases | None:
    """What alias.json says; None where there is none, or where it is damaged, which the next switch mends."""
    with suppress(InputError):
        return read(state)
    return None


def _earlier(state: State) -> tuple[Aliases, ...]:
    """previous.json of earlier plumes; a damaged one was never a reason to serve nothing."""
    try:
        return tuple(Aliases.of(value) for value in files.read(state.previous) or ())
    except (InputError, TypeError):
        return ()


def _deployed(value: Any) -> Deployed:
    """Raises TypeError or ValueError if it is none."""
    found = Deployed(**value)
    if not isinstance(found.version, int) or not isinstance(found.folder, str) or not isinstance(found.sha256, str):
        raise ValueError("no version, folder and hash")
    return found


class WatchedAliases:
    """alias.json as the guard reads it: again when it was replaced; the last good one where it is damaged."""

    def __init__(self, state: State) -> None:
        self._state, self._seen = state, None
        found = read(state)
        if found is None:
            raise InputError(f"{state.alias}: is not there; start the server with `plume serve`")
        self._current = found

    @property
    def current(self) -> Aliases:
        with suppress(InputError):  # half a file never replaces a whole one
            if (seen := files.stamp(self._state.alias)) != self._seen:
                self._current = read(self._state) or self._current
                self._seen = seen
        return self._current
