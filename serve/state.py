"""Names the files by which the server, its guard and the commands of ops tell each other things.

JSON files are replaced in one step and readable by their owner alone; none holds text of a request but the journal,
whose texts are pseudonymised. What several replicas share is a row of PostgreSQL in place of a file.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from plume import files
from plume.errors import InputError
from plume.files import locked, make_folder, read_object, telling
from plume.models import Base
from serve.config import ServeConfig
from serve.database import whole
from serve.postgres import Postgres, Row
from serve.server_log import tell

_T = TypeVar("_T")
Document = Path | Row  # a file of this machine, or what all replicas share
VARIABLE = "PLUME_SERVE_STATE"  # tells the guard, which vLLM makes, its folder


class State:
    """Names a state folder and the files in it; with a `database`, what all replicas share is there instead.

    A replica's own folder then holds copies of what the guard reads: it needs no database for a request's key.
    """

    def __init__(self, folder: Path, database: Postgres | None = None) -> None:
        self.folder, self.database = folder, database

        def shared(name: str) -> Document:
            return Row(database, name) if database else folder / name

        self.serve = folder / "serve.json"  # what was started: config, base model
        self.alias = shared("alias.json")  # who answers
        self.history = shared("history.json")  # what can be gone back to, and what was rolled back
        self.keys = shared("keys.json")
        self.used = shared("used.json")  # when each key was last used
        self.agents = shared("agents.key")  # the secret of the hashes that tell agents apart
        self.admin = shared("admin.key")  # the secret of `sync` and `rollback`, made at the first start
        self.synced = shared("synced.json")
        self.drain = folder / "drain"  # while this file exists, requests for drafts are refused
        self.audit = folder / "audit.jsonl"
        self.journal = folder / "journal.db"
        # Of a replica: the versions that all are to load next, what its engine knows, why it is not in step.
        self.proposed, self.loaded, self.behind = shared("proposed.json"), folder / "loaded.json", folder / "behind"
        # Of earlier plumes, read if there is no history yet: what can be gone back to, what was rolled back.
        self.previous, self.held = shared("previous.json"), shared("held.json")

    @classmethod
    def of(cls, config: ServeConfig) -> Self:
        """Name the state of a server that is started with `config`."""
        return cls(config.folder, Postgres(whole(config.database)) if config.database else None)

    @classmethod
    def of_server(cls, config: ServeConfig) -> Self:
        """Name the state for a command about a server, which need not say again where its database is.

        Raises InputError if it is not known what the server was started with.
        """
        state = cls.of(config)
        if state.database or not state.serve.exists():
            return state
        started = read_object(state.serve)
        if not isinstance(started, dict) or not isinstance(started.get("config"), dict):
            raise InputError(f"{state.serve}: not understood; start the server again, which writes it anew")
        uri = started["config"].get("database")
        return cls(config.folder, Postgres(whole(uri))) if uri else state

    @property
    def local(self) -> "State":
        """Name the copies of this machine."""
        return State(self.folder) if self.database else self

    def admin_key(self) -> str:
        """Read the admin's secret; make it if there is none."""
        return self._secret(self.admin)

    def agents_key(self) -> str:
        """Read the secret of agents' hashes; make it if there is none."""
        return self._secret(self.agents)

    def _secret(self, path: Document) -> str:
        if not path.exists():
            with alone(self, "secret"):  # of servers that start together, one makes it
                if not path.exists():
                    write_json(path, secrets.token_urlsafe(32))
        return read_secret(path)


@contextmanager
def alone(state: State, what: str) -> Iterator[None]:
    """Let one command at a time read, change and write a file: two at once would undo each other's work."""
    if state.database:
        with state.database.locked(what):
            yield
        return
    private_folder(state.folder)
    with locked(state.folder / f"{what}.lock"):
        yield


def private_folder(folder: Path) -> None:
    """Make a state folder that its owner alone can read, even if another command has made it."""
    made = make_folder(folder)
    with suppress(PermissionError):  # another user's
        made.chmod(0o700)


def write_json(path: Document, value: Any) -> None:
    """Replace a JSON file in one step, readable by its owner alone. Raises InputError, StorageError if it cannot.

    A value that the file holds already is not written again: a full disk stops no restart.
    """
    with suppress(InputError):
        if path.exists() and read_json(path) == value:
            return
    text = json.dumps(value, ensure_ascii=False, indent=1)
    if isinstance(path, Row):
        path.write_text(text)
        return
    with telling(path, "what was there is as it was"):
        private_folder(path.parent)
        files.write(path, text, private=True)


def read_json(path: Document) -> Any:
    """Read a JSON file of the state; None if there is none. Raises InputError if it is damaged, StorageError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); mend or remove it") from None


def read_secret(path: Document) -> str:
    """Read a secret of the state. Raises InputError if the file holds none."""
    secret = read_json(path)
    if not isinstance(secret, str) or not secret.strip():
        raise InputError(f"{path}: holds no key; remove it, and the next start of the server makes one")
    return secret


def stamp(path: Path) -> tuple[int, int] | None:
    """Give what differs once a file was replaced; None if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino


class Watched(Generic[_T]):
    """Reads a file again when it was replaced. A damaged one is told once, and leaves the last good value in force."""

    def __init__(self, path: Path, read: Callable[[], _T]) -> None:
        self._path, self._read, self._seen = path, read, stamp(path)
        self._told, self._value = self._seen, read()

    @property
    def current(self) -> _T:
        """Give what the file says now, or said last."""
        if (seen := stamp(self._path)) != self._seen:
            try:
                self._value = self._read()
                self._seen = seen
            except InputError as error:  # tried again at the next look: it may have been the disk
                if seen != self._told:
                    tell(f"{error}; until then what it said before holds")
                self._told = seen
        return self._value


class Merged(BaseModel):
    """Names a folder of merged weights, and the digest of what is in it."""

    model_config = ConfigDict(frozen=True)

    folder: Path
    sha256: str


class Started(BaseModel):
    """Holds the config of a server, and what was resolved with it; `merged` if its engine has no LoRA."""

    model_config = ConfigDict(frozen=True)

    config: ServeConfig
    base: Base
    stop_token_id: int
    dtype: str
    max_model_len: int
    merged: Merged | None = None

    @classmethod
    def read(cls, state: State) -> Self:
        """Read serve.json. Raises InputError if there is none, or it is not understood."""
        found = read_json(state.serve)
        if found is None:
            raise InputError(f"{state.serve}: is not there; start the server with `plume serve` first")
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "it"
            raise InputError(
                f"{state.serve}: not understood ({where}: {error.errors()[0]['msg']}); start the server again, "
                "which writes it anew"
            ) from None

    def write(self, state: State) -> None:
        """Write serve.json. Raises InputError if the disk refuses."""
        write_json(state.serve, self.model_dump(mode="json"))
