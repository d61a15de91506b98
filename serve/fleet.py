"""Lets several replicas serve as one: each tells that it lives and what its engine knows; all are asked to load.

A replica's own folder holds copies of alias and keys, which `serve.replica` keeps: the guard reads those.
"""

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

from pydantic import TypeAdapter, ValidationError

from plume.errors import InputError, PlumeError
from plume.files import folder_sha256
from serve import alias
from serve.alias import Aliases, Deployed
from serve.client import Client
from serve.postgres import Postgres
from serve.state import State, alone, read_json, write_json

LIVES = 10.0  # seconds after its last sign for which a replica counts as alive, and is waited for
PATIENCE = 900.0  # seconds that all of them may take to fetch and load a version
_LOOK = 0.2  # seconds between looks at what they loaded
_FORGOTTEN = 24 * 3600.0  # seconds after which a replica that gave no sign is listed no more
# By the clock of the database: those of machines differ.
_SIGN = """
INSERT INTO replica (id, seen, row) VALUES (?, extract(epoch FROM clock_timestamp()), ?)
ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, row = excluded.row
"""
_LEFT = "DELETE FROM replica WHERE id = ? OR seen < extract(epoch FROM clock_timestamp()) - ?"
_ALL = "SELECT id, extract(epoch FROM clock_timestamp()) - seen, row FROM replica ORDER BY id"


@dataclass(frozen=True)
class Replica:
    """What a replica told of itself: `loaded` are names and digests, `failed` why it cannot load what `token` asks."""

    id: str
    age: float = 0.0
    answers: bool = False
    serves: str = ""
    loaded: dict[str, str] = field(default_factory=dict)
    token: str = ""
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def lives(self) -> bool:
        return self.age < LIVES

    def __str__(self) -> str:
        if not self.lives:
            return f"{self.id}: gone, last seen {self.age:.0f} s ago"
        loaded = ", ".join(sorted(self.loaded)) or "nothing"
        answers = "" if self.answers else "its engine does not answer, "
        problems = "".join(f"; {why}" for why in self.failed.values())
        return f"{self.id}: {self.serves or 'starts'}; {answers}knows {loaded}{problems}"


def beat(database: Postgres, replica: Replica) -> None:
    """Give a sign of life."""
    row = asdict(replica)
    del row["id"], row["age"]
    database.run(_SIGN, (replica.id, json.dumps(row)))


def leave(database: Postgres, identity: str) -> None:
    database.run(_LEFT, (identity, _FORGOTTEN))


def replicas(database: Postgres) -> list[Replica]:
    """List the replicas, also those that gave no sign for a while."""
    return [Replica(identity, float(age), **json.loads(row)) for identity, age, row in database.run(_ALL)]


def proposed(state: State) -> tuple[str, list[Deployed]]:
    """Read what all replicas are to load beside what they serve, and the token of who asks."""
    found = read_json(state.proposed) or {}
    with suppress(KeyError, TypeError, ValidationError):  # what nobody understands asks for nothing
        return found["token"], TypeAdapter(list[Deployed]).validate_python(found["deployed"])
    return "", []


class Fleet:
    """Stands for the engines of all live replicas, where `sync` and `rollback` know one.

    What they load is unloaded again by themselves, unless alias or history names it when the block ends.
    """

    def __init__(self, client: Client, state: State, patience: float = PATIENCE) -> None:
        self._client, self._state, self._patience = client, state, patience
        self._token, self._asked = token_hex(8), dict[str, Deployed]()

    def __enter__(self) -> "Fleet":
        self._client.__enter__()
        return self

    def __exit__(self, *told: Any) -> None:
        if self._asked:
            with suppress(PlumeError):  # they keep it loaded until the next time
                write_json(self._state.proposed, {"token": "", "deployed": []})
        self._client.__exit__(*told)

    def known(self) -> list[str]:
        """List the names that all of them know."""
        names = set(self._client.known())
        for replica in self._live():
            names &= set(replica.loaded)
        return sorted(names)

    def load(self, name: str, folder: str) -> None:
        """Have all of them load an adapter under a new name. Raises InputError if one cannot, or is too slow."""
        deployed = Deployed(int(name.rpartition("v")[2]), folder, folder_sha256(Path(folder)))
        self._asked[name] = deployed
        self._propose()
        until = time.monotonic() + self._patience
        while True:
            live = self._live()
            lacking = [replica for replica in live if replica.loaded.get(name) != deployed.sha256]
            for replica in lacking:
                if replica.token == self._token and (why := replica.failed.get(name)):
                    raise InputError(f"{replica.id}: {why}; all replicas go on with what they serve")
            if live and not lacking:
                return
            if time.monotonic() > until:
                names = ", ".join(replica.id for replica in lacking) or "no replica gives a sign of life, none"
                raise InputError(f"{name}: {names} has not loaded it after {self._patience:.0f} s; see its log")
            time.sleep(_LOOK)

    def unload(self, name: str) -> None:
        """Take back what they were asked to load."""
        if self._asked.pop(name, None):
            self._propose()

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask this machine's engine: one comparison stands for all, whose adapter has the same digest."""
        return self._client.complete(body)

    def _propose(self) -> None:
        told = [asdict(deployed) for deployed in self._asked.values()]
        write_json(self._state.proposed, {"token": self._token, "deployed": told})

    def _live(self) -> list[Replica]:
        """List those that are waited for: one whose engine does not answer loads what alias says once it does."""
        return [replica for replica in replicas(self._state.database) if replica.lives and replica.answers]


# --- a replica's start


def reachable(state: State) -> tuple[State, list[str]]:
    """Give the shared state; while PostgreSQL is away this machine's copy, with a remark. Raises StorageError.

    A machine that has never served has no copy.
    """
    if state.database:
        try:
            state.database.run("SELECT 1")
        except PlumeError as error:
            if not state.local.alias.exists():
                raise
            return state.local, [f"{error}; what this replica served last goes on"]
    return state, []


def join(state: State, aliases: Aliases) -> None:
    """Copy what is shared to this replica's folder; the first replica of all says who answers."""
    with alone(state, "sync"):
        if alias.current(state) is None:
            alias.write(state, aliases)
    local = state.local
    write_json(local.alias, asdict(aliases))
    write_json(local.keys, read_json(state.keys) or {})
    write_json(local.admin, state.admin_key())
    write_json(local.agents, state.agents_key())


def note_start(state: State, adapters: Iterable[Deployed]) -> None:
    """Note what the engine knows from its start on, and that nobody has compared it with what all serve."""
    write_json(state.loaded, {deployed.name: deployed.sha256 for deployed in adapters})
    state.behind.write_text("not yet in step with the other replicas")
