"""Tells a client's agents apart without keeping who they are: what X-Agent-Id names becomes a keyed hash."""

import hmac
import re

from starlette.datastructures import Headers

from serve.guard.refusal import Reason, Refusal
from serve.state import State

HEADER = "X-Agent-Id"
_NAMED = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")
_HEX = 16  # characters: a few thousand agents never meet in one


class Agents:
    """Hashes with a secret of the state, made at the first start; who removes it cuts every hash from its agent."""

    def __init__(self, state: State) -> None:
        self._secret = state.agents_key().encode()

    def of(self, client: str, headers: Headers) -> str | None:
        """Give the hash of the agent that a client's request names; None without one. Raises Refusal: INVALID."""
        named = headers.getlist(HEADER)
        if not any(named):
            return None
        if len(named) > 1 or not _NAMED.fullmatch(named[0]):
            why = f"{HEADER}: one, of 1 to 128 printable ASCII characters, is wanted, or none"
            raise Refusal(Reason.INVALID, why=why)
        return hmac.new(self._secret, f"{client}\n{named[0]}".encode(), "sha256").hexdigest()[:_HEX]
