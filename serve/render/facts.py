"""Gathers what the templates are given: the config, and what the guard's own code says of routes and limits."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from plume.errors import InputError
from serve.config import KILL_AFTER, ServeConfig
from serve.desk.config import DeskConfig
from serve.guard import access, connection_limits
from serve.render.watched import gather_watched
from serve.site import check_plain


@dataclass(frozen=True)
class Replica:
    """One of the servers of a machine; `config` is its own, with its port or socket and its state folder."""

    name: str
    config: ServeConfig

    @property
    def address(self) -> str:
        """Give its address as nginx writes it."""
        config = self.config
        return f"unix:{config.socket}" if config.socket else f"{config.host}:{config.port}"

    @property
    def yaml(self) -> str:
        """Write its config: what names it, and what is not at its default."""
        told = self.config.model_dump(mode="json", exclude_defaults=True)
        told |= self.config.model_dump(mode="json", include={"socket" if self.config.socket else "port", "state"})
        return yaml.safe_dump(told, sort_keys=False, allow_unicode=True)


def replicas(config: ServeConfig) -> list[Replica]:
    """Make the config of each replica: the first is the config itself, the others come after it."""
    found = []
    for n in range(1, config.site.replicas + 1):
        own: dict[str, Any] = {"state": config.state or config.site.home / "serve"}
        if n > 1:
            own["state"] = own["state"].with_name(f"{own['state'].name}-{n}")
            if config.socket:
                own["socket"] = config.socket.with_name(f"{config.socket.stem}-{n}{config.socket.suffix}")
            else:
                own["port"] = config.port + n - 1
        found.append(Replica(str(n), config.model_copy(update=own)))
    if found[-1].config.port > 65535:
        raise InputError(f"port={config.port}: site.replicas={config.site.replicas} need as many ports from it on")
    return found


def gather(config: ServeConfig) -> dict[str, Any]:
    """Gather what every template is given. Raises InputError."""
    for name in ("socket", "state"):
        try:
            check_plain(name, getattr(config, name))
        except ValueError as error:
            raise InputError(f"{error}; name another path") from None
    return {
        "config": config,
        "site": config.site,
        "replicas": replicas(config),
        "desk": _desk(config.site.desk),
        "routes": access.routes(config.platform_api),
        "url_bytes": connection_limits.URL,
        "head_bytes": connection_limits.HEAD,
        "body_bytes": access.BODY,
        "draft_seconds": ceil(config.draft_timeout),
        "stop_seconds": config.drain_timeout + KILL_AFTER,
        **gather_watched(config),
    }


def gather_pod(config: ServeConfig) -> dict[str, Any]:
    """Gather the same of one pod, which has one server; `servers` says how many pods there are."""
    one = config.model_copy(update={"site": config.site.model_copy(update={"replicas": 1, "desk": None})})
    return {**gather(one), "servers": config.site.replicas}


def _desk(path: Path | None) -> DeskConfig | None:
    return path and DeskConfig.load(path)
