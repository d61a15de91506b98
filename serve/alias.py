"""Keeps which version answers (`alias.json`), what answered before (`history.json`), and who gets the challenger."""

import hashlib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StrictInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from plume.adapters import Adapter
from plume.errors import InputError
from plume.files import folder_sha256, set_aside
from plume.registry import MODEL_NAME
from serve.state import State, Watched, read_json, write_json

KEPT = 3  # what was served before, and its adapters, that stay at hand


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Deployed:
    """Names a version that an engine may serve, its immutable adapter folder, and the hash of what is in it.

    Two are the same if number and hash are: a home that was moved makes no other version.
    """

    version: StrictInt
    folder: str = field(compare=False)
    sha256: str

    @property
    def name(self) -> str:
        """Name it for the engine: a swap is a new name, never new weights under an old one."""
        return f"{MODEL_NAME}@v{self.version}"

    @property
    def adapter(self) -> Adapter:
        """Read the adapter from its folder. Raises InputError."""
        return Adapter.load(self.folder)

    def check(self) -> None:
        """Raise InputError unless the folder is there and holds what it held."""
        if not Path(self.folder).is_dir():
            raise InputError(f"{self.folder}: the adapter of version {self.version} is gone")
        if folder_sha256(Path(self.folder)) != self.sha256:
            raise InputError(f"{self.folder}: the adapter of version {self.version} was changed")


@dataclass(frozen=True)
class Aliases:
    """Names the champion, and a challenger that answers a share `weight` of the conversations."""

    champion: Deployed
    challenger: Deployed | None = None
    weight: Annotated[float, Field(ge=0, le=1)] = 0.0

    @classmethod
    def of(cls, value: Any) -> Self:
        """Read what alias.json holds. Raises InputError."""
        try:
            return TypeAdapter(cls).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "it"
            raise InputError(
                f"alias.json: a champion and a weight from 0 to 1 are wanted ({where}: {first['msg']})"
            ) from None

    @property
    def deployed(self) -> list[Deployed]:
        return [self.champion, *([self.challenger] if self.challenger else [])]

    def mapped(self, change: Callable[[Deployed], Deployed]) -> Self:
        """Change each version that it names."""
        return replace(self, champion=change(self.champion), challenger=self.challenger and change(self.challenger))

    def choose(self, key: str) -> Deployed:
        """Choose who answers the conversation `key`: always the same one while weight and versions stay."""
        if self.challenger is None or not self.weight:
            return self.champion
        point = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
        return self.challenger if point < self.weight else self.champion


def read(state: State) -> Aliases | None:
    """Read alias.json; None where there is none. Raises InputError where it is damaged."""
    value = read_json(state.alias)
    return None if value is None else Aliases.of(value)


@dataclass(frozen=True)
class History:
    """Keeps in `history.json` what may answer next. It is replaced in one step; alias.json says what answers now.

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
        """Read the state's history, also from the previous.json and held.json of earlier plumes. Raises InputError."""
        path = state.history if state.history.exists() else state.held
        try:
            value = read_json(path)
            if path == state.held:
                value = {"now": None, "back": _earlier(state), "held": value or ()}
            return TypeAdapter(cls).validate_python({name: value[name] for name in ("now", "back", "held")})
        except (InputError, KeyError, TypeError, ValidationError):
            raise InputError(
                f"{path}: not understood; remove it to go on: what can be gone back to is then not known any more, "
                "and what was rolled back may be served again"
            ) from None

    def write(self, state: State) -> None:
        kept = list(dict.fromkeys(old for old in self.back if old != self.now and old.champion not in self.held))
        write_json(
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
        """List what may be served instead of `current`, newest first, without challengers that were rolled back."""
        earlier = [*([self.now] if self.now else []), *self.back]
        allowed = [self._without_held(old) for old in earlier if old.champion not in self.held]
        return list(dict.fromkeys(old for old in allowed if old != current))

    def _without_held(self, old: Aliases) -> Aliases:
        return Aliases(old.champion) if old.challenger in self.held else old


def history(state: State) -> History:
    """Read the history; where it is damaged, there is nothing to go back to, and the caller goes on."""
    try:
        return History.read(state)
    except InputError:
        return History()


def previous(state: State) -> list[Aliases]:
    """List what can be gone back to, newest first; a damaged history is no reason to serve nothing."""
    return history(state).ways_back(current(state))


def write(state: State, aliases: Aliases, among: Collection[Deployed] | None = None) -> None:
    """Serve `aliases`: replace alias.json, then note in the history that what it held can be gone back to.

    `among` are the versions that may be gone back to; what names another one is forgotten. What is served is held no
    more. Killed between the two files, the history's `now` is what was served before: nothing is lost.
    """
    before = current(state)
    try:
        earlier = History.read(state)
    except InputError:  # a restart goes on; what can still be read of it is kept for whoever must know
        earlier = History()
        set_aside(state.history if state.history.exists() else state.held)
    back = [*([before] if before else []), *earlier.ways_back(before)]
    if among is not None:
        back = [old for old in back if set(old.deployed) <= set(among)]
    write_json(state.alias, asdict(aliases))
    History(aliases, tuple(back), earlier.held - set(aliases.deployed)).write(state)


def go_back(state: State, history: History) -> None:
    """Serve the history's `now`. The history is replaced first.

    Killed before alias.json is replaced too, the next command knows from it what is held, and where to go.
    """
    history.write(state)
    write_json(state.alias, asdict(history.now))


def known(state: State) -> list[Deployed]:
    """List every version that answers or can be gone back to, once each, current ones first."""
    now = current(state)
    every = [now, *previous(state)] if now else previous(state)
    return list(dict.fromkeys(deployed for aliases in every for deployed in aliases.deployed))


def current(state: State) -> Aliases | None:
    """Read alias.json; None where there is none, or where it is damaged, which the next switch mends."""
    with suppress(InputError):
        return read(state)
    return None


def _earlier(state: State) -> tuple[Aliases, ...]:
    """Read previous.json of earlier plumes; a damaged one was never a reason to serve nothing."""
    try:
        return tuple(Aliases.of(value) for value in read_json(state.previous) or ())
    except (InputError, TypeError):
        return ()


def watched(state: State) -> Watched[Aliases]:
    """Follow alias.json for the guard. Raises InputError if there is none, or it is damaged now."""

    def must_read() -> Aliases:
        if found := read(state):
            return found
        raise InputError(f"{state.alias}: is not there; start the server with `plume serve`")

    return Watched(state.alias, must_read)
