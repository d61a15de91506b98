"""Keeps one replica in step with all: keys, adapters, who answers. A process of its own beside the guard.

    python -m serve.replica STATE_FOLDER

It copies keys at each look, has the engine load what alias.json or a `sync` names, and only then copies alias.json,
which the guard reads. While PostgreSQL is away, the copies hold; any other fault ends it with its line, and the guard
starts it again: other replicas wait for none that cannot follow. It leaves when the server that started it is gone.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from plume.errors import InputError, PlumeError, briefly
from plume.models import same_base
from plume.registry import MODEL_NAME
from serve import alias, fleet, key_use
from serve.alias import Deployed
from serve.champion import at_hand
from serve.client import Client
from serve.database import DatabaseAway
from serve.fleet import Replica
from serve.server_log import tell
from serve.state import Started, State, read_json, write_json

_EVERY = 0.5  # seconds between looks: how long a key that was removed may still open another replica
_BEAT = 2.0  # seconds between signs of life, also while an adapter is fetched
_ASK = 2.0  # seconds between questions to an engine of which nothing is wanted
_AGAIN = 15.0  # seconds before what could not be loaded is tried again


def main() -> None:
    try:
        _follow(State(Path(sys.argv[1])))
    except Exception as error:
        tell(f"replica: {briefly(error)}; it is tried again, what this replica serves goes on")
        raise SystemExit(getattr(error, "exit_code", 1)) from None


def _follow(local: State) -> None:
    started = Started.read(local)
    parent = os.getppid()

    def left() -> bool:
        return os.getppid() != parent

    follower = Follower(State.of(started.config), started, Client(started.config, timeout=120))
    # A connection of its own: an adapter may take minutes.
    pulse = threading.Thread(target=_keep_beating, args=(follower, State.of(started.config), left), daemon=True)
    pulse.start()
    told = None
    while not left():
        try:
            follower.look()
            told = None
        except DatabaseAway as error:
            follower.stand_alone()
            if (line := str(error)) != told:
                tell(f"replica: {line}; what it knows goes on")
            told = line
        time.sleep(_EVERY)
    pulse.join()
    with suppress(PlumeError):
        fleet.leave(follower.state.database, follower.told.id)


def _keep_beating(follower: "Follower", state: State, left: Callable[[], bool]) -> None:
    while not left():
        with suppress(PlumeError):  # the looks tell it
            fleet.beat(state.database, follower.told)
        time.sleep(_BEAT)


class Follower:
    """Follows the shared state for one engine; `told` is what the others hear of it."""

    def __init__(self, state: State, started: Started, client: Client) -> None:
        self.state, self._started, self._client = state, started, client
        self._here: dict[Deployed, Deployed] = {}  # the same versions, in folders of this machine
        self._used: dict[str, float] = {}
        self._asked = self._later = -_AGAIN  # when the engine was asked, when a load failed
        self._answered: dict[str, float] = {}  # versions that the guard was told, and when it last was
        self.told = Replica(f"{socket.gethostname()}:{state.folder}")

    def look(self) -> None:
        """Copy keys, load what is to be loaded, then copy alias.json. Raises StorageError, InputError."""
        write_json(self.state.local.keys, read_json(self.state.keys) or {})
        self._share_use()
        token, asked = fleet.proposed(self.state)
        answering = alias.read(self.state)
        wanted = dict.fromkeys([*(answering.deployed if answering else ()), *asked])
        if serves := alias.current(self.state.local):
            self._answered |= {each.name: time.monotonic() for each in serves.deployed}
        before = self.told
        lacking = any(before.loaded.get(each.name) != each.sha256 for each in wanted)
        if lacking or time.monotonic() > self._asked + _ASK:
            self._asked = time.monotonic()
            self._load(wanted, token, {each.name for each in alias.known(self.state)} | self._in_use())
        loaded = self.told.loaded
        if answering and all(loaded.get(each.name) == each.sha256 for each in answering.deployed):
            self._serve(answering)
        elif answering != alias.current(self.state.local):
            self._fall_behind(answering)
        if self.told != before:
            fleet.beat(self.state.database, self.told)

    def _share_use(self) -> None:
        """Tell the others when keys were last used here, if that has changed."""
        used = key_use.read(self.state.local)
        if used != self._used:
            key_use.add(self.state, used)
            self._used = used

    def stand_alone(self) -> None:
        """Serve on what is known while the others cannot be asked."""
        self.state.behind.unlink(missing_ok=True)

    def _load(self, wanted: dict[Deployed, None], token: str, kept: set[str]) -> None:
        """Load what is wanted; unload names that neither answer, nor can be gone back to, nor are wanted."""
        try:
            known = self._client.known()
        except PlumeError:  # it starts, or hangs
            self.told = replace(self.told, answers=False)
            return
        noted = read_json(self.state.loaded) or {}
        loaded = {name: sha256 for name, sha256 in noted.items() if name in known}
        failed: dict[str, str] = {}
        tried = self.told.token == token and time.monotonic() < self._later + _AGAIN
        for deployed in wanted:
            if loaded.get(deployed.name) == deployed.sha256:
                continue
            if tried and (why := self.told.failed.get(deployed.name)):
                failed[deployed.name] = why
                continue
            try:
                self._load_one(deployed, deployed.name in known)
                loaded[deployed.name] = deployed.sha256
            except Exception as error:  # MLflow's, too: the others hear it, and this replica goes on
                failed[deployed.name] = briefly(error)
                self._later = time.monotonic()
                tell(f"replica: {failed[deployed.name]}")
        for name in {each for each in known if each.startswith(f"{MODEL_NAME}@v")} - kept - {w.name for w in wanted}:
            self._client.unload(name)
            loaded.pop(name, None)
        if loaded != noted:
            write_json(self.state.loaded, loaded)
        self.told = replace(self.told, answers=True, loaded=loaded, token=token, failed=failed)

    def _load_one(self, deployed: Deployed, is_known: bool) -> None:
        if is_known:
            raise InputError(f"{deployed.name}: its engine knows another adapter by that name; restart this replica")
        here = self._find(deployed)
        if not same_base(here.adapter.base, self._started.base):
            raise InputError(
                f"{deployed.name}: was trained on {here.adapter.base.model}, another base than the server's"
            )
        self._client.load(here.name, here.folder)

    def _in_use(self) -> set[str]:
        """List versions that the guard may still ask for: a draft's was chosen when its request came."""
        since = time.monotonic() - 2 * self._started.config.draft_timeout
        return {name for name, at in self._answered.items() if at > since}

    def _find(self, deployed: Deployed) -> Deployed:
        if deployed not in self._here:
            self._here[deployed] = at_hand(deployed, self._started.config, self._started.config.max_lora_rank)
        return self._here[deployed]

    def _serve(self, answering: alias.Aliases) -> None:
        local = self.state.local
        if answering != alias.current(local):
            write_json(local.alias, asdict(answering.mapped(self._find)))
        self.state.behind.unlink(missing_ok=True)
        self.told = replace(self.told, serves=answering.champion.name)

    def _fall_behind(self, answering: alias.Aliases | None) -> None:
        """Close /ready until this replica serves what the others do; what it serves until then is told, too."""
        if answering:
            self.state.behind.write_text(f"behind the other replicas, which serve {answering.champion.name}")


if __name__ == "__main__":
    main()
