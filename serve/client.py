"""Asks a running server for plume's own commands, over its port or its socket, with a key."""

from typing import Any

import httpx

from plume.errors import InputError, PlumeError
from serve.config import ServeConfig
from serve.state import State


class Client:
    """Asks the server of `config` as the admin of its state folder."""

    def __init__(self, config: ServeConfig, timeout: float = 600.0) -> None:
        self.where = str(config.socket or config.url)
        self._http = httpx.Client(
            base_url=config.url,
            # No proxy of the environment is for loopback.
            transport=httpx.HTTPTransport(uds=str(config.socket) if config.socket else None),
            headers={"Authorization": f"Bearer {State(config.folder).admin_key()}"},
            timeout=timeout,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        """Tell whether the server answers and takes new drafts."""
        try:
            return self._http.get("/ready", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def status(self) -> dict[str, Any]:
        """GET /status: who answers, what the engine knows, how much it does."""
        return self._ask("GET", "/status").json()

    def metrics(self) -> str:
        """GET /metrics: what the guard counted."""
        return self._ask("GET", "/metrics").text

    def draft(self, case: dict[str, Any]) -> dict[str, Any]:
        """POST /v1/drafts. Raises InputError for what is too long, PlumeError for any other refusal."""
        return self._ask("POST", "/v1/drafts", case).json()

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask the engine itself, with token ids: `sync` compares its log-probabilities."""
        return self._ask("POST", "/engine/v1/completions", body).json()

    def load(self, name: str, folder: str) -> None:
        """Load an adapter into the engine under a new name, unless it knows that name already."""
        if name not in self.known():
            self._ask("POST", "/engine/v1/load_lora_adapter", {"lora_name": name, "lora_path": folder})

    def unload(self, name: str) -> None:
        """Unload a name from the engine; requests that it is answering are finished."""
        self._ask("POST", "/engine/v1/unload_lora_adapter", {"lora_name": name})

    def known(self) -> list[str]:
        """List the names that the engine knows."""
        return [model["id"] for model in self._ask("GET", "/engine/v1/models").json()["data"]]

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            response = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise PlumeError(f"{self.where}: the server does not answer ({type(error).__name__})") from None
        if response.is_success:
            return response
        try:
            told = response.json()["error"]
            message = told["message"] if isinstance(told, dict) else str(told)
        except (ValueError, KeyError, TypeError):
            message = f"it answered {response.status_code}"
        kind = InputError if response.status_code in (400, 413, 422) else PlumeError
        raise kind(f"{self.where}: {message}")
