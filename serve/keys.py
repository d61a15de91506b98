"""Makes clients' keys, which are shown once, keeps their hashes, and says who holds a key: `plume serve key …`."""

import hmac
import re
import secrets
import time
from typing import Annotated, Literal, get_args

import typer
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from plume.command import say
from plume.errors import InputError
from plume.files import sha256
from serve.config import ConfigFile, Overrides, ServeConfig
from serve.server_log import tell
from serve.state import State, Watched, alone, read_json, write_json

KeyRole = Literal["client", "metrics"]
ADMIN = "admin"  # name and role of the state folder's own key

app = typer.Typer(add_completion=False, rich_markup_mode=None, help="Keys of clients; a key is shown once.")


class Entry(BaseModel):
    """What keys.json holds of a client. `made` is empty where an earlier plume made the key."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    role: KeyRole = "client"
    made: str = ""


_ENTRIES = TypeAdapter(dict[str, Entry])


def known(state: State) -> dict[str, Entry]:
    """Read the clients that hold a key, by name.

    Raises InputError if keys.json is not what `add` writes: `null` there would shut everybody out.
    """
    if not state.keys.exists():
        return {}
    try:
        return _ENTRIES.validate_python(read_json(state.keys))
    except ValidationError:
        raise InputError(
            f"{state.keys}: is no list of keys; mend it, or remove it and make the keys anew with: "
            "plume serve key add NAME"
        ) from None


def add(state: State, name: str, role: str = "client") -> str:
    """Make a key for `name`, in place of any that it had. Raises InputError for a bad name or role."""
    if not re.fullmatch(r"[\w.-]{1,40}", name) or name == ADMIN:
        raise InputError(f"key of {name!r}: a name of letters, digits, `.`, `_` and `-` is wanted, and not {ADMIN!r}")
    if role not in get_args(KeyRole):
        raise InputError(f"role {role!r}: one of {', '.join(get_args(KeyRole))} is wanted")
    key = secrets.token_urlsafe(32)
    with alone(state, "keys"):
        _write(state, known(state) | {name: Entry(sha256=_hash(key), role=role, made=time.strftime("%Y-%m-%d %H:%M"))})
    return key


def remove(state: State, name: str) -> None:
    """Forget the key of `name`. Raises InputError if nobody of that name has one."""
    if name not in known(state):
        raise InputError(f"key of {name!r}: there is none; known: {', '.join(sorted(known(state))) or 'nobody'}")
    with alone(state, "keys"):
        _write(state, {holder: entry for holder, entry in known(state).items() if holder != name})


def _write(state: State, entries: dict[str, Entry]) -> None:
    write_json(state.keys, _ENTRIES.dump_python(entries))


def _hash(key: str) -> str:
    return sha256(key.encode())


class Keys:
    """The keys as the guard reads them: again when the file was replaced. Raises InputError if it is damaged now."""

    def __init__(self, state: State) -> None:
        self._admin = Entry.model_construct(sha256=_hash(state.admin_key()), role=ADMIN)
        self._entries, self._file = Watched(state.keys, lambda: known(state)), state.keys
        self._before = self._entries.current

    def holder(self, key: str) -> tuple[str, str] | None:
        """Find name and role of the key's holder. Every known key is compared, in constant time."""
        entries = self._entries.current
        if self._before and not entries:
            tell(f"{self._file}: names nobody any more: every client is refused")
        self._before = entries
        digest, found = _hash(key), None
        for name, entry in {ADMIN: self._admin, **entries}.items():
            if hmac.compare_digest(digest, entry.sha256):
                found = (name, entry.role)
        return found


# --- plume serve key


def _state(config: ConfigFile, overrides: Overrides) -> State:
    return State.of_server(ServeConfig.load_for(("state", "database"), config, overrides or ()))


@app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Who will hold the key.")],
    overrides: Overrides = None,
    config: ConfigFile = None,
    role: Annotated[str, typer.Option(help="client, or metrics for Prometheus.")] = "client",
) -> None:
    """Make a key, in place of any that NAME had, and show it: it is kept nowhere."""
    say(add(_state(config, overrides), name, role))


@app.command("remove")
def remove_key(
    name: Annotated[str, typer.Argument(help="Whose key.")], overrides: Overrides = None, config: ConfigFile = None
) -> None:
    """Shut a key's holder out, at once."""
    remove(_state(config, overrides), name)
    say(f"{name}: has no key any more")


@app.command("list")
def list_keys(overrides: Overrides = None, config: ConfigFile = None) -> None:
    """Who holds a key, its role, and when it was made; the keys themselves are kept nowhere."""
    state = _state(config, overrides)
    entries = known(state)
    for name, entry in sorted(entries.items()):
        say(f"{name:<40} {entry.role:<8} {entry.made or 'made before plume noted when'}")
    if not entries:
        say(f"{state.keys}: nobody has a key; make one with: plume serve key add NAME")
