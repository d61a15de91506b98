"""Asks the guard for drafts and gives it decisions, as any client does: over HTTP, with a key."""

import re
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from serve.desk.config import DeskConfig
from serve.desk.refused import FIELDS, Refused
from serve.guard.schema import DraftResponse

_DECISION_SECONDS = 40.0  # a final text is masked first
_ASKS = re.compile(r"la consigne demande ([^)]*?) :")
_KINDS = {401: "key", 413: "size", 429: "rate", 502: "away", 503: "away", 504: "timeout"}  # of who is in between


class GuardClient:
    """One guard, asked by one key. A method raises Refused where the guard refuses, or is away."""

    def __init__(self, config: DeskConfig, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._key, self._timeout = config.key, config.timeout
        socket = None if "://" in config.guard else config.guard
        self._http = httpx.AsyncClient(
            base_url="http://plume" if socket else config.guard,
            transport=transport or httpx.AsyncHTTPTransport(uds=socket),  # no proxy of the environment
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def draft(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask for one draft or several."""
        return _answers(await self._ask("/v1/drafts", asked, self._timeout))

    async def again(self, draft: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask for a draft anew, with what changed."""
        return _answers(await self._ask(f"/v1/drafts/{draft}/again", asked, self._timeout))

    async def decide(self, draft: str, decision: dict[str, Any]) -> None:
        """Give what the agent made of a draft; sent twice, it counts once."""
        told = await self._ask(f"/v1/drafts/{draft}/decision", decision, _DECISION_SECONDS)
        if told.get("id") != draft:  # something in between said yes: its text must not go
            raise Refused("internal")

    async def _ask(self, path: str, body: dict[str, Any], seconds: float) -> Any:
        headers = {"Authorization": f"Bearer {read_key(self._key)}"}
        try:
            answer = await self._http.post(path, json=body, headers=headers, timeout=seconds)
        except httpx.TimeoutException:
            raise Refused("timeout") from None
        except httpx.HTTPError:
            raise Refused("away") from None
        try:
            told = answer.json()
        except ValueError:
            told = None
        if answer.is_success and isinstance(told, dict):
            return told
        raise _refused(answer.status_code, told)


def read_key(path: Path) -> str:
    """Read the key at each request: a new one needs no restart. Raises Refused."""
    try:
        key = path.read_text(encoding="utf-8").strip()
        key.encode("ascii")
    except (OSError, ValueError):
        key = ""
    if not key or len(key.split()) != 1:
        raise Refused("key")
    return key


def _answers(told: Any) -> list[dict[str, Any]]:
    """Give the drafts of an answer, one after the other."""
    try:
        DraftResponse.model_validate(told)
    except ValidationError:
        raise Refused("internal") from None
    others = told.pop("alternatives", None) or []
    return [told, *others]


def _refused(status: int, told: Any) -> Refused:
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("type"), str):
        return Refused(_KINDS.get(status, "internal"))
    kind, message = error["type"], str(error.get("message", ""))
    if kind == "instruction":  # it says in French what the instruction asks for
        asks = _ASKS.search(message)
        return Refused(kind, f"La consigne demande {asks[1]} : aucun brouillon ne le peut." if asks else "")
    field = FIELDS.get(message.partition(":")[0].partition(".")[0])
    return Refused(kind, f"Le serveur ne comprend pas {field}." if kind == "request" and field else "")
