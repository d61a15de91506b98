"""Who may ask: keys are shown once, when they are made; the state keeps their hashes."""

import hashlib
import hmac
import re
import secrets

from plume.errors import InputError
from serve import state as files
from serve.state import State

ROLES = ("client", "metrics")
ADMIN = "admin"


def add(state: State, name: str, role: str = "client") -> str:
    """A new key for `name`, in place of any that it had. Raises InputError for a bad name or role."""
    if not re.fullmatch(r"[\w.-]{1,40}", name) or name == ADMIN:
        raise InputError(f"key of {name!r}: a name of letters, digits, `.`, `_` and `-` is wanted, and not {ADMIN!r}")
    if role not in ROLES:
        raise InputError(f"role {role!r}: one of {', '.join(ROLES)} is wanted")
    key = secrets.token_urlsafe(32)
    with files.alone(state, "keys"):
        files.write(state.keys, (files.read(state.keys) or {}) | {name: {"sha256": _hash(key), "role": role}})
    return key


def remove(state: State, name: str) -> None:
    """Raises InputError if nobody of that name has a key."""
    with files.alone(state, "keys"):
        known = files.read(state.keys) or {}
        if name not in known:
            raise InputError(f"key of {name!r}: there is none; known: {', '.join(sorted(known)) or 'nobody'}")
        files.write(state.keys, {n: entry for n, entry in known.items() if n != name})


class Keys:
    """The keys as the guard reads them: again when the file was replaced."""

    def __init__(self, state: State) -> None:
        self._state, self._seen = state, None
        self._admin = _hash(state.admin_key())
        self._known: dict[str, dict[str, str]] = {}

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
        try:
            stat = self._state.keys.stat()
            if (seen := (stat.st_mtime_ns, stat.st_ino)) != self._seen:
                self._known, self._seen = _understood(files.read(self._state.keys) or {}), seen
        except FileNotFoundError:
            self._known, self._seen = {}, None
        except (OSError, InputError, TypeError, KeyError, AttributeError):
            pass  # a damaged file shuts nobody out who was in


def _understood(known: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {str(name): {"sha256": str(entry["sha256"]), "role": str(entry["role"])} for name, entry in known.items()}


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
