"""Types the config of `plume serve desk`, `configs/serve/desk.yaml`."""

import re
from ipaddress import IPv4Address
from pathlib import Path

from pydantic import Field, field_validator

from plume.config import Config, NonEmpty
from plume.paths import home

_ADDRESS = re.compile(r"https?://[^/\s]+/?")


class DeskConfig(Config):
    """Says which server the desk asks, by which key, and where agents reach it."""

    command = "desk"

    guard: NonEmpty = Field(
        "http://127.0.0.1:8300", description="where `plume serve` answers: an address, or the path of its socket"
    )
    key_file: Path | None = Field(
        None, description="file with the key that `plume serve key add` showed; by default <home>/desk/key"
    )
    host: IPv4Address = Field(IPv4Address("127.0.0.1"), description="a loopback address; nginx faces the network")
    port: int = Field(8600, ge=0, le=65535, description="where browsers and nginx ask; 0: one that is free")
    url: str | None = Field(None, description="the address that agents' browsers name, where nginx stands before")
    state: Path | None = Field(None, description="folder of what is open; by default <home>/desk")
    idle_seconds: float = Field(60, gt=0, le=3600, description="a longer pause between two gestures is no work")
    timeout: float = Field(150, gt=0, description="seconds that a draft may take; above the server's draft_timeout")

    @field_validator("guard")
    @classmethod
    def _address_or_path(cls, value: str) -> str:
        if _ADDRESS.fullmatch(value):
            return value.rstrip("/")
        if "://" in value:
            raise ValueError("scheme and host alone are wanted, such as http://127.0.0.1:8300, or the path of a socket")
        return str(Path(value).absolute())

    @field_validator("host")
    @classmethod
    def _loopback(cls, value: IPv4Address) -> IPv4Address:
        if not value.is_loopback:
            raise ValueError(
                "must be a loopback address: who reaches the desk reads what is open there; put nginx "
                "before it, with its own access (docs/ops.md)"
            )
        return value

    @property
    def folder(self) -> Path:
        return (self.state or home() / "desk").resolve()

    @property
    def key(self) -> Path:
        return (self.key_file or self.folder / "key").absolute()
