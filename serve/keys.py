"""Makes keys, which are shown once, keeps their hashes, and says who holds a key."""

import hmac
import re
import secrets
import time
from typing import Any

from plume.errors import InputError
from plume.files import sha256
from serve import state as files
from serve.state import State
from serve.tell import tell

ADMIN, CLIENT, METRICS = "admin", "client", "metrics"  # the admin's key is the state folder's own
ROLES = (CLIENT, METRICS)


def add(state: State, name: str, role: str = CLIENT) -> str:
    """A new key for `name`, in place of any that it had. Raises InputError for a bad name or role."""
    if not re.fullmatch(r"[\w.-]{1,40}", name) or name == ADMIN:
        raise InputError(f"key of {name!r}: a name of letters, digits, `.`, `_` and `-` is wanted, and not {ADMIN!r}")
    if role not in ROLES:
        raise InputError(f"role {role!r}: one of {', '.join(ROLES)} is wanted")
    key = secrets.token_urlsafe(32)
    made = time.strftime("%Y-%m-%d %H:%M")
    with files.alone(state, "keys"):
        files.write(state.keys, known(state) | {name: {"sha256": _hash(key), "role": role, "made": made}})
    return key


def remove(state: State, name: str) -> None:
    """Raises InputError if nobody of that name has a key."""
    if name in known(state):
        with files.alone(state, "keys"):
            files.write(state.keys, {n: entry for n, entry in known(state).items() if n != name})
        return
    raise InputError(f"key of {name!r}: there is none; known: {', '.join(sorted(known(state))) or 'nobody'}")


def known(state: State) -> dict[str, dict[str, str]]:
    """Holders by name: the hash of the key, the role, and when it was made (what was made long ago does not say).

    Raises InputError if keys.json is not what `add` writes: `null` there would shut everybody out.
    """
    if not state.keys.exists():
        return {}
    found = files.read(state.keys)
    if isinstance(found, dict) and all(map(_is_entry, found.values())):
        return found
    raise InputError(
        f"{state.keys}: is no list of keys; mend it, or remove it and make the keys anew with: plume serve key add NAME"
    )


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("sha256"), str)
        and re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]) is not None
        and entry.get("role") in ROLES
        and isinstance(entry.get("made", ""), str)
    )


class Keys:
    """The keys as the guard reads them: again when the file was replaced. Raises InputError if it is damaged now."""

    def __init__(self, state: State) -> None:
        self._state, self._seen = state, None
        self._admin = _hash(state.admin_key())
        self._known = known(state)

    def holder(self, key: str) -> tuple[str, str] | None:
        """Name and role of the key's holder. Every known key is compared, in constant time."""
        self._refresh()
        digest, found = _hash(key), None
        if hmac.compare_digest(digest, self._admin):
            found = (ADMIN, ADMIN)
        for name, entry in self._known.items():
            if hmac.compare_digest(digest, entry["sha256"]):
                found = (name, entry["role"])
        return found

    def _refresh(self) -> None:
        """Read the file again if it was replaced. A damaged one shuts nobody out who was in, and is told once."""
        seen = files.stamp(self._state.keys)
        if seen == self._seen:
            return
        self._seen, before = seen, self._known
        try:
            self._known = known(self._state)
        except InputError as error:
            tell(f"{error}; until then the keys of before hold")
        if before and not self._known:
            tell(f"{self._state.keys}: names nobody any more: every client is refused")


def _hash(key: str) -> str:
    return sha256(key.encode())
