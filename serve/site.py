"""Types `site:` of the server's config: what a site decides of the files that `plume serve render` writes."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from plume.config import Config

# What stands unquoted, and means itself, in nginx's, systemd's and YAML's files.
PLAIN = re.compile(r"[\w./:@+,-]+", re.ASCII)
Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]  # of a user or a group
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$")]
Listen = Annotated[str, Field(pattern=r"^(([0-9.]+|\[[0-9a-fA-F:]+\]):)?[0-9]{1,5}$")]
Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*:[0-9]{1,5}$")]  # host:port
Span = Annotated[str, Field(pattern=r"^[1-9][0-9]*(s|min|h|d)$")]  # of time, as systemd reads it
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}  # of a Span's units
Image = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$")]  # without its tag
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Size = Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi|Ti)$")]


class Site(Config):
    """Says where what a site has beside plume stands: nginx, systemd, Prometheus, Grafana."""

    server_name: Host = Field("localhost", description="name by which clients reach nginx, as in its certificate")
    listen: tuple[Listen, ...] = Field(("443",), description="ports of nginx, or address:port")
    certificate: Path = Field(Path("/etc/plume/tls/plume.crt"), description="TLS certificate, with its chain (PEM)")
    certificate_key: Path = Field(Path("/etc/plume/tls/plume.key"), description="its key, for root alone")
    user: Name = Field("plume", description="user of the services")
    group: Name = Field("plume", description="their group; nginx's user is a member, for the sockets")
    nginx_user: Name = Field("www-data", description="user of nginx's workers")
    install: Path = Field(Path("/opt/plume"), description="the clone, with .venv")
    home: Path = Field(Path("/var/lib/plume"), description="PLUME_HOME of the services")
    configs: Path = Field(Path("/etc/plume"), description="folder where the services find their configs")
    logs: Path = Field(Path("/var/log/nginx"), description="folder of nginx's logs")
    nginx_temp: Path = Field(Path("/var/lib/nginx"), description="folder that nginx may write")
    nginx_pid: Path = Field(Path("/run/nginx.pid"), description="file with the number of nginx's process")
    replicas: int = Field(1, ge=1, le=16, description="servers on this machine; each has its own port or socket")
    rate: int = Field(300, ge=1, description="drafts and decisions a minute that nginx lets through for one key (429)")
    burst: int = Field(50, ge=0, description="how many more may come at once")
    concurrency: int = Field(32, ge=1, description="requests of one key at a time (429)")
    connections: int = Field(64, ge=1, description="requests of one address at a time (429)")
    prometheus: Address = Field("127.0.0.1:9090", description="where Prometheus listens")
    metrics_from: tuple[str, ...] = Field(
        ("127.0.0.1",), description="addresses or networks from which Prometheus may ask for metrics; others get 404"
    )
    grafana: Address = Field("127.0.0.1:3000", description="where Grafana listens")
    desk: Path | None = Field(None, description="config of `plume serve desk`, where agents work with it through nginx")
    desk_users: Path = Field(Path("/etc/plume/bureau.htpasswd"), description="who may come to the desk (auth_basic)")
    reviews: Path | None = Field(None, description="reviews that the desk offers to pick from")
    reaches: tuple[str, ...] = Field(
        (), description="addresses or networks beyond this machine that the services reach: MLflow, PostgreSQL, DNS"
    )
    metrics_key: Path = Field(Path("/etc/plume/metrics.key"), description="key with the role metrics, for Prometheus")
    authority: Path | None = Field(
        None, description="certificate of who signed nginx's, where Prometheus's machine does not know it"
    )
    alertmanager: Address | None = Field(None, description="where Prometheus sends alerts")
    slo: float = Field(20, gt=0, le=60, description="seconds in which 99 of 100 drafts are to be there (an alert)")
    image: Image = Field(
        "plume", description="name of plume's container image, with its registry; its tag is plume's version"
    )
    gpu: bool = Field(True, description="containers get an NVIDIA GPU, and vLLM's build for it")
    namespace: Namespace = Field("plume", description="namespace in Kubernetes")
    most_replicas: int = Field(4, ge=1, le=64, description="pods in Kubernetes at most, where `database` is set")
    storage: Size = Field("100Gi", description="room for PLUME_HOME in Kubernetes: adapters, base models, caches")
    sync_every: Span = Field("5min", description="how often `sync` looks at the registry")
    backups: Path = Field(Path("/var/backups/plume"), description="folder of the nightly backups")
    backup_days: int = Field(14, ge=1, description="days for which they are kept")

    @field_validator("metrics_from", "reaches")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ip_network(each)  # raises ValueError, with the reason
        return value

    @field_validator("server_name")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip("0123456789."):
            raise ValueError("a name is wanted, not an address: TLS names hosts")
        return value

    @field_validator("listen")
    @classmethod
    def _ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("at least one port is wanted")
        for each in value:
            _check_port(each)
            if address := each.rpartition(":")[0]:
                ip_address(address.strip("[]"))  # raises ValueError, with the reason
        if len(set(value)) < len(value):
            raise ValueError("one is there twice")
        return value

    @field_validator("prometheus", "grafana", "alertmanager")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value:
            _check_port(value)
        return value

    @model_validator(mode="after")
    def _plain(self) -> Self:
        for name in (
            "certificate",
            "certificate_key",
            "install",
            "home",
            "configs",
            "logs",
            "nginx_temp",
            "nginx_pid",
            "desk_users",
            "reviews",
            "metrics_key",
            "authority",
            "backups",
        ):
            check_plain(f"site.{name}", getattr(self, name))
        return self


def _check_port(address: str) -> None:
    if not 0 < int(address.rpartition(":")[2]) < 65536:
        raise ValueError(f"{address}: a port from 1 to 65535 is wanted")


def check_plain(name: str, path: Path | None) -> None:
    """Refuse a path that would read otherwise in nginx's or systemd's files, or is not whole. Raises ValueError."""
    text = str(path)
    if path is not None and not path.name:
        raise ValueError(f"{name}: {text} is all of the machine; name something below it")
    if path is not None and not (path.is_absolute() and PLAIN.fullmatch(text) and ".." not in path.parts):
        told = text if text.isprintable() else repr(text)  # on one line
        raise ValueError(f"{name}: {told} must begin with / and hold letters, digits and ./:@+,-_ alone, no ..")
