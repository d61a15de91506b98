"""Names the files by which the server, its guard and the commands of ops tell each other things.

JSON files are replaced in one step and readable by their owner alone; none holds text of a request but the journal,
whose texts are pseudonymised.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from plume import files
from plume.errors import InputError
from plume.files import locked, make_folder, telling
from plume.models import Base
from serve.config import ServeConfig
from serve.server_log import tell

_T = TypeVar("_T")
VARIABLE = "PLUME_SERVE_STATE"  # tells the guard, which vLLM makes, its folder


class State:
    """Names a state folder and the files in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.serve = folder / "serve.json"  # what was started: config, base model
        self.alias = folder / "alias.json"  # who answers
        self.history = folder / "history.json"  # what can be gone back to, and what was rolled back
        self.keys = folder / "keys.json"
        self.used = folder / "used.json"  # when each key was last used
        self.agents = folder / "agents.key"  # the secret of the hashes that tell agents apart
        self.admin = folder / "admin.key"  # the secret of `sync` and `rollback`, made at the first start
        self.drain = folder / "drain"  # while this file exists, requests for drafts are refused
        self.audit = folder / "audit.jsonl"
        self.journal = folder / "journal.db"
        self.synced = folder / "synced.json"
        # Of earlier plumes, read if there is no history yet: what can be gone back to, what was rolled back.
        self.previous, self.held = folder / "previous.json", folder / "held.json"

    def admin_key(self) -> str:
        """Read the admin's secret; make it if there is none."""
        return self._secret(self.admin)

    def agents_key(self) -> str:
        """Read the secret of agents' hashes; make it if there is none."""
        return self._secret(self.agents)

    def _secret(self, path: Path) -> str:
        if not path.exists():
            with alone(self, "secret"):  # of servers that start together, one makes it
                if not path.exists():
                    write_json(path, secrets.token_urlsafe(32))
        secret = read_json(path)
        if not isinstance(secret, str) or not secret.strip():
            raise InputError(f"{path}: holds no key; remove it, and the next start of the server makes one")
        return secret


@contextmanager
def alone(state: State, what: str) -> Iterator[None]:
    """Let one command at a time read, change and write a file: two at once would undo each other's work."""
    private_folder(state.folder)
    with locked(state.folder / f"{what}.lock"):
        yield


def private_folder(folder: Path) -> None:
    """Make a state folder that its owner alone can read, even if another command has made it."""
    made = make_folder(folder)
    with suppress(PermissionError):  # another user's
        made.chmod(0o700)


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step, readable by its owner alone. Raises InputError if the disk refuses.

    A value that the file holds already is not written again: a full disk stops no restart.
    """
    with suppress(InputError):
        if path.exists() and read_json(path) == value:
            return
    with telling(path, "what was there is as it was"):
        private_folder(path.parent)
        files.write(path, json.dumps(value, ensure_ascii=False, indent=1), private=True)


def read_json(path: Path) -> Any:
    """Read a JSON file of the state; None if there is none. Raises InputError if it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); mend or remove it") from None


def set_aside(path: Path) -> Path:
    """Rename a damaged file, for whoever can still read it, so that it can be begun anew."""
    return path.replace(path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}"))


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
