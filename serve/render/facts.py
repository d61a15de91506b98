"""Gathers what the templates are given: the config, and what the guard's own code says of routes and limits."""

import json
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from plume.config import Config
from plume.errors import InputError
from plume.page import local_app
from serve import database
from serve.config import KILL_AFTER, ServeConfig
from serve.desk.config import DeskConfig
from serve.guard import access, connection_limits, trace_context
from serve.guard.refusal import Reason, Refusal
from serve.keys import ADMIN
from serve.render.watched import gather_watched
from serve.site import Site, check_plain

RUN = Path("/run")
_PASSWORDS = {
    "tracking_uri": "MLFLOW_TRACKING_URI",
    "database": database.VARIABLE,
}  # keys that may hold one -> variable
_HERE = (None, "localhost", "127.0.0.1", "::1")
_SLACK = 10  # seconds that nginx waits longer than whom it asks, which then answers itself


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
        return _yaml(self.config, "socket" if self.config.socket else "port", "state")

    @property
    def secrets(self) -> dict[str, str]:
        """Name the keys whose passwords the YAML lacks, and the variables that hold them instead."""
        told = self.config.model_dump(mode="json", include=set(_PASSWORDS))
        return {key: name for key, name in _PASSWORDS.items() if told[key] != getattr(self.config, key)}


@dataclass(frozen=True)
class Error:
    """What nginx answers by itself: `codes` are its own numbers for it, `body` the JSON of the API.

    `read` says that nginx knows the path of the request by then.
    """

    codes: tuple[int, ...]
    status: int
    body: str
    read: bool


def gather(config: ServeConfig) -> dict[str, Any]:
    """Gather what every template is given. Raises InputError."""
    for name in ("socket", "state", "merged", "sources", "examples_from"):
        try:
            check_plain(name, getattr(config, name))
        except ValueError as error:
            raise InputError(f"{error}; name another path") from None
    _check_reach(config)
    desk = config.site.desk and DeskConfig.load(config.site.desk)
    routes = [each for each in access.routes(config.platform_api) if each[2].role not in (ADMIN, "metrics")]
    return {
        "config": config,
        "site": config.site,
        "replicas": _replicas(config),
        "open_routes": [(method, pattern, route.name) for method, pattern, route in routes],
        "once": [pattern for _, pattern, route in routes if route.once],
        "errors": _errors(config),
        "request_id": trace_context.ID,
        "url_bytes": connection_limits.URL,
        "head_bytes": connection_limits.HEAD,
        "body_bytes": access.BODY,
        "wait_seconds": ceil(config.draft_timeout) + _SLACK,
        "stop_seconds": config.drain_timeout + KILL_AFTER,
        "prunes": config.journal_days or config.audit_days,
        **_folders(config, desk),
        **_desk(config, desk),
        **gather_watched(config),
    }


def gather_pod(config: ServeConfig) -> dict[str, Any]:
    """Gather the same of one pod, which has one server; `servers` says how many pods there are."""
    one = config.model_copy(update={"site": config.site.model_copy(update={"replicas": 1, "desk": None})})
    return {**gather(one), "servers": config.site.replicas}


def _check_reach(config: ServeConfig) -> None:
    """Refuse an address on another machine that the units' IPAddressAllow= would not let them reach."""
    for key, value in config:
        host = urlsplit(value).hostname if isinstance(value, str) and "://" in value else None
        if host not in _HERE and not config.site.reaches:
            raise InputError(
                f"site.reaches: {key} is on {host}, and the units reach this machine alone; list its address"
            )


def _replicas(config: ServeConfig) -> list[Replica]:
    """Make the config of each replica: the first is the config itself, the others come after it."""
    if config.site.replicas > 1 and not config.database:
        raise InputError(
            f"site.replicas={config.site.replicas}: replicas share keys, decisions and who answers through PostgreSQL; "
            "name it with database="
        )
    found, last = [], config.port + config.site.replicas - 1
    if last > 65535:
        raise InputError(f"port={config.port}: site.replicas={config.site.replicas} end at {last}; name a lower port")
    for n in range(1, config.site.replicas + 1):
        own: dict[str, Any] = {"state": config.state or config.site.home / "serve"}
        if n > 1:
            own["state"] = own["state"].with_name(f"{own['state'].name}-{n}")
            if config.socket:
                own["socket"] = config.socket.with_name(f"{config.socket.stem}-{n}{config.socket.suffix}")
            else:
                own["port"] = config.port + n - 1
        found.append(Replica(str(n), config.model_copy(update=own)))
    return found


def _folders(config: ServeConfig, desk: DeskConfig | None) -> dict[str, Any]:
    """Say where the services write, and which folder below /run systemd makes for the socket. Raises InputError."""
    socket = config.socket and config.socket.parent
    if socket in (RUN, Path("/")):
        raise InputError(f"socket={config.socket}: lies in a folder of everybody's; name one below {RUN}/plume")
    below = socket if socket and socket.is_relative_to(RUN) else None
    states = [replica.config.state for replica in _replicas(config)]
    site, seen = config.site, [socket, *states, *(config.site.install, config.site.home, config.site.configs)]
    seen += [site.reviews, config.merged, config.sources, config.examples_from]
    seen += [desk.state, desk.key_file] if desk else []
    return {
        "in_home": _first_in(("/home", "/root"), seen),
        "in_tmp": _first_in(("/tmp", "/var/tmp"), seen),  # noqa: S108 - none is made here
        "socket_folder": below and below.relative_to(RUN),
        "written": _folders_written(config.site, *states, None if below else socket),
    }


def _first_in(folders: tuple[str, ...], paths: list[Path | None]) -> Path | None:
    return next((path for path in paths if path and any(map(path.is_relative_to, folders))), None)


def _folders_written(site: Site, *others: Path | None) -> list[Path]:
    """List PLUME_HOME, and of these folders those that lie elsewhere."""
    return [site.home, *(each for each in others if each and not each.is_relative_to(site.home))]


def _yaml(config: Config, *always: str) -> str:
    """Write a config: some keys always, and what is not at its default."""
    told = config.model_dump(mode="json", exclude_defaults=True) | config.model_dump(mode="json", include=set(always))
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True)


def _errors(config: ServeConfig) -> list[Error]:
    """List what nginx refuses by itself, in the guard's words."""
    table = {
        Reason.NO_HTTP: ((400, 497), {}),
        Reason.NO_ROUTE: ((403, 404, 405), {}),  # also who may not see a page does not learn that it is there
        Reason.BODY_TOO_LARGE: ((413,), {"kilobytes": access.BODY >> 10}),
        Reason.URL_TOO_LONG: ((414,), {"kilobytes": connection_limits.URL >> 10}),
        Reason.HEADERS_TOO_LARGE: ((494,), {"kilobytes": connection_limits.HEAD >> 10}),
        Reason.NGINX_RATE: ((429,), {}),
        Reason.INTERNAL: ((500,), {}),
        Reason.NO_SERVER: ((502,), {}),
        Reason.BUSY: ((503,), {}),
        Reason.ANSWER_LATE: ((504,), {"seconds": ceil(config.draft_timeout) + _SLACK}),
    }
    refusals = [(codes, Refusal(reason, **words)) for reason, (codes, words) in table.items()]
    return [
        Error(codes, each.status, json.dumps({"error": each.told()}), read=each.status not in (400, 414))
        for codes, each in refusals
    ]


def _desk(config: ServeConfig, desk: DeskConfig | None) -> dict[str, Any]:
    """Say where the desk stands, if the site has one. Raises InputError."""
    if desk is None:
        return {"desk": None}
    path, host = config.site.desk, urlsplit(desk.url or "").hostname
    if not host or urlsplit(desk.url).scheme != "https" or host == config.site.server_name:
        raise InputError(
            f"{path}: url: {desk.url}: nginx lets agents in by a name of its own; give url: https://NAME, another NAME "
            f"than site.server_name={config.site.server_name}"
        )
    if not desk.port:
        raise InputError(f"{path}: port: 0: nginx must know where the desk listens; name a port")
    return {
        "desk": desk,
        "desk_yaml": _yaml(desk, "url"),
        "desk_written": _folders_written(config.site, desk.state),
        "desk_host": host,
        "desk_body_bytes": local_app.LARGEST_BODY,
        "desk_wait_seconds": ceil(desk.timeout) + _SLACK,
    }
