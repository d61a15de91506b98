"""Types the config of `plume serve` and of the commands about a server, `configs/serve/*.yaml`."""

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import typer
from pydantic import Field, field_validator, model_validator

from plume.config import Config
from plume.errors import InputError
from plume.paths import home
from plume.store import StoreUri, absolute
from serve.database import DatabaseUri
from serve.site import Site

Overrides = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Config overrides.")]
ConfigFile = Annotated[Path | None, typer.Option(help="YAML config; all keys and defaults: plume config serve.")]
WHERE = ("state", "database", "host", "port", "socket")  # what names a running server
FORCED_AFTER = 20  # seconds beyond drain_timeout, after which the server ends itself
KILL_AFTER = 25  # and after which it is killed


class ServeConfig(Config):
    """Says what is served, where, and with how much of the machine."""

    command = "serve"

    version: str = Field("champion", description="alias or number of a version of plume-reply")
    merged: Path | None = Field(
        None, description="folder of plume train export --to merged: its version is served, without LoRA"
    )
    challenger_weight: float = Field(
        0.0, ge=0, le=1, description="share of conversations that the alias `challenger` answers, if there is one"
    )
    host: IPv4Address = Field(IPv4Address("127.0.0.1"), description="a loopback address; nginx faces the network")
    port: int = Field(8300, ge=1, le=65535, description="where clients and nginx ask")
    socket: Path | None = Field(None, description="a unix socket to listen on, instead of host and port")
    state: Path | None = Field(None, description="folder of alias.json, keys, audit, journal; by default <home>/serve")
    database: DatabaseUri | None = Field(
        None,
        description="postgresql://USER@HOST/NAME, where replicas share journal, keys and alias; by default files of "
        "the state folder",
    )
    journal_days: int | None = Field(
        None, ge=1, description="days after which `plume serve prune` deletes drafts and decisions that MLflow has"
    )
    audit_days: int | None = Field(None, ge=1, description="days after which `plume serve prune` deletes audit lines")
    max_model_len: int | None = Field(
        None, ge=16, description="tokens of prompt and draft together; by default 4096 on a GPU, 2048 on a CPU"
    )
    max_new_tokens: int = Field(320, ge=1, description="tokens of a draft, at most")
    repetition_penalty: float = Field(
        1.0, ge=1, le=2, description="above 1, what prompt or draft hold is less likely; as drafts were evaluated"
    )
    max_lora_rank: int = Field(16, ge=1, le=256, description="adapters of a higher rank are refused by `sync`")
    dtype: Literal["auto", "bfloat16", "float16", "float32"] | None = Field(
        None,
        description="by default bfloat16 on a GPU, float32 on a CPU, as in evaluation; auto: bfloat16 on a processor "
        "with units for it, too",
    )
    gpu_memory_utilization: float = Field(0.9, gt=0, lt=1, description="share of the GPU's memory that vLLM takes")
    cpu_kv_cache_gib: int = Field(2, ge=1, description="memory for the attention cache on a machine without a GPU")
    max_queued_requests: int = Field(256, ge=1, description="more than this waiting: refused at once (503)")
    maskers: int = Field(2, ge=1, le=64, description="processes that mask reviews and check drafts")
    mask_timeout: float = Field(30, gt=0, description="seconds; a review that takes longer is refused (503)")
    examples: int = Field(0, ge=0, le=10, description="past replies of the same network that the model is shown")
    examples_from: Path | None = Field(None, description="dataset folder whose training split the examples are of")
    sources: Path | None = Field(
        None,
        description="folder of `plume data sources import`, whose passages a version of a prompt with sources is shown",
    )
    client_per_minute: int | None = Field(
        None, ge=1, description="requests for drafts of one client, at most, on this server; a key may have its own"
    )
    client_at_once: int | None = Field(None, ge=1, description="of them at a time; a key may have its own")
    agent_per_minute: int | None = Field(None, ge=1, description="of one agent, as X-Agent-Id tells them apart")
    otlp_endpoint: str | None = Field(
        None, description="http(s)://host:4318 of a collector that gets each request's steps as spans, without text"
    )
    traces: bool = Field(True, description="drafts and decisions, pseudonymised, become traces and feedback in MLflow")
    golden: bool = Field(True, description="a new version's log-probabilities are compared with PEFT's")
    platform_api: bool = Field(
        False, description="the two routes by which Services Publics + asks: /anonymize, /prod/run/ditp-get-data"
    )
    header_timeout: float = Field(10, gt=0, description="seconds that the headers of a request may take (408)")
    body_timeout: float = Field(30, gt=0, description="seconds that its body may take (408)")
    draft_timeout: float = Field(120, gt=0, description="seconds that a draft may take, masking included (504)")
    startup_timeout: int = Field(
        600, ge=1, description="seconds that the engine may take; a server only says so, and goes on trying"
    )
    drain_timeout: int = Field(30, ge=0, description="seconds that begun drafts get to finish at a stop")
    tracking_uri: StoreUri | None = Field(
        None, description="MLflow store; by default $MLFLOW_TRACKING_URI, else the local one"
    )
    site: Site = Field(Site(), description="what a site decides of the files of `plume serve render`")

    @classmethod
    def load_for(cls, uses: Collection[str], path: str | Path | None, overrides: Iterable[str] = ()) -> Self:
        """Load the config of a command that uses these keys alone. Raises InputError for any other `key=value`.

        A file is the server's and may hold all keys: it is given to every command.
        """
        overrides = list(overrides)
        config = cls.load(path, overrides)
        if other := [key for key in (each.partition("=")[0] for each in overrides) if key not in uses]:
            raise InputError(
                f"{', '.join(other)}: not used by this command, which uses {', '.join(sorted(uses))}; leave it out"
            )
        return config

    @field_validator("version", mode="before")
    @classmethod
    def _number_or_alias(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value  # version=3 is read as a number

    @field_validator("state", "socket", "examples_from", "merged", "sources")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        """Make paths absolute: the engine, the guard and the commands run in other folders."""
        return value and value.absolute()

    @field_validator("tracking_uri")
    @classmethod
    def _absolute_store(cls, value: str | None) -> str | None:
        return value and absolute(value)

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        """Complete the path of OTLP over HTTP, as its specification does."""
        if value is None:
            return None
        try:
            url = urlsplit(value)
            good = url.scheme in ("http", "https") and url.hostname and url.port != 0
        except ValueError:
            good = False
        if not good or not value.isascii() or value.split() != [value]:
            raise ValueError("an address such as http://127.0.0.1:4318 is wanted")
        if url.username is not None or url.query or url.fragment:
            raise ValueError(
                "an address without user, password or query is wanted: it stands in files and in arguments"
            )
        return url._replace(path="/v1/traces").geturl() if url.path in ("", "/") else value

    @field_validator("host")
    @classmethod
    def _loopback(cls, value: IPv4Address) -> IPv4Address:
        if not value.is_loopback:
            raise ValueError("must be a loopback address: nginx faces the network, with TLS")
        return value

    @model_validator(mode="after")
    def _one_version(self) -> Self:
        if self.merged and self.challenger_weight:
            raise ValueError("merged: an engine of merged weights has no challenger; leave challenger_weight out")
        if self.merged and self.database:
            raise ValueError("merged: is switched by a restart, replicas by one sync; leave merged or database out")
        return self

    @field_validator("examples_from")
    @classmethod
    def _with_examples(cls, value: Path | None, info) -> Path | None:
        if value is None and info.data.get("examples"):
            raise ValueError("a dataset folder is wanted where examples is not 0")
        return value

    @property
    def url(self) -> str:
        """Give the address that clients ask; behind a socket the host is only a name."""
        return "http://plume" if self.socket else f"http://{self.host}:{self.port}"

    @property
    def folder(self) -> Path:
        return (self.state or home() / "serve").resolve()
