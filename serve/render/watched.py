"""Gathers what the templates of Prometheus, Grafana, containers and Kubernetes are given beside nginx's facts."""

import re
from ipaddress import ip_network
from typing import Any

from plume import __version__
from serve.config import KILL_AFTER, ServeConfig
from serve.guard import access
from serve.site import SECONDS

UID = 10001  # of plume in its image, user and group: what a container writes is this number's on the machine
_UNROUTE = 5  # seconds between a pod's last word to the cluster and its SIGTERM, in which it gets no more requests
_SLACK = 5  # seconds that a pod gets beyond what its server needs to stop


def gather_watched(config: ServeConfig) -> dict[str, Any]:
    """Gather what is watched, and what a container or a pod is given."""
    site = config.site
    routes = [route for _, _, route in access.routes(config.platform_api) if route.role != "client"]
    others = dict.fromkeys("engine/.*" if route.engine else route.name for route in routes)
    read = [config.merged, config.sources, config.examples_from]
    read_elsewhere = [path for path in read if path and not path.is_relative_to(site.home)]
    # There servers and nginx share a loopback, no folder for sockets; nginx has whatever address it is given.
    containers = config.socket is None and all(":" not in each for each in site.listen)
    shared = config.database is not None  # keys, decisions and alias, by all replicas
    in_home = shared or not config.state or config.state.is_relative_to(site.home)
    number, unit = re.fullmatch(r"(\d+)([a-z]+)", site.sync_every).groups()
    return {
        "runbook": site.install / "docs" / "ops.md",
        "not_clients": "|".join([*others, "none"]),  # routes of pages, of the admin, of no route
        "nginx_port": int(site.listen[0].rpartition(":")[2]),
        "grafana_port": site.grafana.rpartition(":")[2],
        "image": f"{site.image}:{__version__}",
        "uid": UID,
        "servers": site.replicas,
        "sync_seconds": int(number) * SECONDS[unit],
        "unroute_seconds": _UNROUTE,
        "grace_seconds": _UNROUTE + config.drain_timeout + KILL_AFTER + _SLACK,
        "networks": [str(ip_network(each)) for each in site.reaches],
        "read_elsewhere": read_elsewhere,
        "containers": containers,
        "pods": containers and in_home and not read_elsewhere,  # a pod has one volume: PLUME_HOME
        "shared": shared,
        "scaled": containers and in_home and not read_elsewhere and shared,
    }
