"""Makes clients' keys, which are shown once, keeps their hashes, and says who holds a key, until when, within what."""

import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from plume.errors import InputError
from plume.files import sha256
from serve.server_log import tell
from serve.state import State, Watched, alone, read_json, write_json

KeyRole = Literal["client", "metrics"]
ADMIN = "admin"  # name and role of the state folder's own key
MOST = 100_000  # of a limit
_SHA256 = Field(pattern="^[0-9a-f]{64}$")


class Former(BaseModel):
    """Types a key that a rotation replaced: it opens until the overlap ends."""

    sha256: str = _SHA256
    made: str = ""
    until: AwareDatetime


class Entry(BaseModel):
    """What keys.json holds of a client. `made` is empty where an earlier plume made the key.

    A limit that is None is the config's for all clients; 0 is none. What is None is not written: a file without the
    new fields is as earlier plumes wrote it.
    """

    sha256: str = _SHA256
    role: KeyRole = "client"
    made: str = ""
    expires: AwareDatetime | None = None
    former: list[Former] | None = None
    per_minute: int | None = Field(None, ge=0, le=MOST)
    at_once: int | None = Field(None, ge=0, le=MOST)


_ENTRIES = TypeAdapter(dict[str, Entry])


def now() -> datetime:
    """Give the time to the second, as keys.json holds it."""
    return datetime.now(UTC).replace(microsecond=0)


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


# --- changed by the commands


def add(state: State, name: str, role: str = "client", **terms: Any) -> str:
    """Make a key for `name`, in place of any that it had; `terms`: expires, per_minute, at_once. Raises InputError."""
    if not re.fullmatch(r"[\w.-]{1,40}", name) or name == ADMIN:
        raise InputError(f"key of {name!r}: a name of letters, digits, `.`, `_` and `-` is wanted, and not {ADMIN!r}")
    if role not in get_args(KeyRole):
        raise InputError(f"role {role!r}: one of {', '.join(get_args(KeyRole))} is wanted")
    _check_limits(name, role, terms)
    key = secrets.token_urlsafe(32)
    entry = Entry(sha256=_hash(key), role=role, made=_made(), **terms)
    with alone(state, "keys"):
        _write(state, known(state) | {name: entry})
    return key


def rotate(state: State, name: str, overlap: timedelta, expires: datetime | None = None) -> str:
    """Make a new key for `name`; the one that it had opens until `overlap` ends, or it expires.

    Role, limits and, without `expires`, the expiry stay. Raises InputError if nobody of that name has a key.
    """
    key, at = secrets.token_urlsafe(32), now()

    def rotated(entry: Entry) -> Entry:
        expiry = expires or entry.expires
        if expiry and expiry <= at:
            raise InputError(f"key of {name!r}: has expired, and so would the new one; say until when: --expires")
        until = min(at + overlap, entry.expires or datetime.max.replace(tzinfo=UTC))
        replaced = Former(sha256=entry.sha256, made=entry.made, until=until)
        former = [one for one in [*(entry.former or []), replaced] if one.until > at]
        return entry.model_copy(
            update={"sha256": _hash(key), "made": _made(), "expires": expiry, "former": former or None}
        )

    _change(state, name, rotated)
    return key


def change(state: State, name: str, **terms: Any) -> None:
    """Give a client's key other terms: expires (None: never), per_minute, at_once. The key stays. Raises InputError."""

    def changed(entry: Entry) -> Entry:
        _check_limits(name, entry.role, terms)
        return entry.model_copy(update=terms)

    _change(state, name, changed)


def remove(state: State, name: str) -> None:
    """Forget the keys of `name`. Raises InputError if nobody of that name has one."""
    _change(state, name, lambda _: None)


def _check_limits(name: str, role: str, terms: dict[str, Any]) -> None:
    if role != "client" and (terms.get("per_minute"), terms.get("at_once")) != (None, None):
        raise InputError(
            f"key of {name!r}: limits are for the role client, which alone asks for drafts; leave them out"
        )


def _change(state: State, name: str, changed: Callable[[Entry], Entry | None]) -> None:
    if name not in known(state):  # before a lock makes a folder
        raise InputError(f"key of {name!r}: there is none; known: {', '.join(sorted(known(state))) or 'nobody'}")
    with alone(state, "keys"):
        entries = known(state)
        if (entry := entries.pop(name, None)) and (new := changed(entry)):
            entries[name] = new
        _write(state, entries)


def _write(state: State, entries: dict[str, Entry]) -> None:
    write_json(state.keys, _ENTRIES.dump_python(entries, mode="json", exclude_none=True))


def _made() -> str:
    return time.strftime("%Y-%m-%d %H:%M")


def _hash(key: str) -> str:
    return sha256(key.encode())


# --- read by the guard


@dataclass(frozen=True)
class Holder:
    """Tells who sent a key, and on which terms. `key` is the key's hash; `expired` says that it opens nothing."""

    name: str
    role: str
    key: str
    expires: datetime | None = None
    per_minute: int | None = None
    at_once: int | None = None

    @property
    def expired(self) -> bool:
        return self.expires is not None and self.expires <= datetime.now(UTC)


class Keys:
    """The keys as the guard reads them: again when the file was replaced. Raises InputError if it is damaged now."""

    def __init__(self, state: State) -> None:
        self._admin = Holder(ADMIN, ADMIN, _hash(state.admin_key()))
        self._entries, self._file = Watched(state.keys, lambda: known(state)), state.keys
        self._before = self._entries.current

    def holder(self, key: str) -> Holder | None:
        """Find who holds a key, an expired one too. Every known key is compared, in constant time."""
        entries = self._entries.current
        if self._before and not entries:
            tell(f"{self._file}: names nobody any more: every client is refused")
        self._before = entries
        digest, found = _hash(key), None
        for holder in (self._admin, *_holders(entries)):
            if hmac.compare_digest(digest, holder.key):
                found = holder
        return found


def _holders(entries: dict[str, Entry]) -> Iterator[Holder]:
    for name, entry in entries.items():
        limits = {"per_minute": entry.per_minute, "at_once": entry.at_once}
        for one in entry.former or ():
            yield Holder(name, entry.role, one.sha256, one.until, **limits)
        yield Holder(name, entry.role, entry.sha256, entry.expires, **limits)
