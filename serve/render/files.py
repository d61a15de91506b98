"""Lists the files that `plume serve render` writes: which template each is made of, and how it is used."""

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """Describes a rendered file; paths may hold {replica}, which then makes one file a replica.

    Attributes:
        use: the commands that put it to use, for the comment at its top; a template, too.
        needs: the fact without which it is not written.
        pod: it is of one server, whatever site.replicas says: each pod has its own.
        comment: how a comment begins; empty for JSON, whose template places `made` itself.
    """

    path: str
    template: str
    use: str
    needs: str = ""
    pod: bool = False
    comment: str = "# "


_PROMETHEUS = "cp prometheus/* /etc/prometheus/ && promtool check config /etc/prometheus/prometheus.yml"
_GRAFANA = "/etc/grafana/provisioning"
_KUBERNETES = "kubectl apply -k kubernetes"
_UNITS = "install -m 644 systemd/* /etc/systemd/system/ && systemctl daemon-reload"
FILES = (
    File(
        "plume/serve-{replica}.yaml",
        "plume/serve.yaml.j2",
        "install -m 640 -g {{ site.group }} plume/serve-{{ replica.name }}.yaml {{ site.configs }}/",
    ),
    File(
        "nginx/nginx.conf",
        "nginx/nginx.conf.j2",
        "cp nginx/nginx.conf /etc/nginx/nginx.conf && nginx -t && systemctl reload nginx",
    ),
    File("prometheus/prometheus.yml", "prometheus/prometheus.yml.j2", _PROMETHEUS + " && systemctl reload prometheus"),
    File("prometheus/plume.rules.yml", "prometheus/plume.rules.yml.j2", _PROMETHEUS),
    File(
        "grafana/plume.json", "grafana/plume.json.j2", "cp grafana/plume.json /var/lib/grafana/dashboards/", comment=""
    ),
    File(
        "grafana/datasource.yaml",
        "grafana/datasource.yaml.j2",
        f"cp grafana/datasource.yaml {_GRAFANA}/datasources/plume.yaml",
    ),
    File(
        "grafana/dashboards.yaml",
        "grafana/dashboards.yaml.j2",
        f"cp grafana/dashboards.yaml {_GRAFANA}/dashboards/plume.yaml && systemctl restart grafana-server",
    ),
    File(
        "compose/compose.yaml",
        "compose/compose.yaml.j2",
        "docker compose -f compose/compose.yaml up --detach",
        "containers",
    ),
    File(
        "docker/plume.Dockerfile",
        "docker/plume.Dockerfile.j2",
        "docker build -t {{ image }} -f docker/plume.Dockerfile {{ site.install }}",
        "containers",
    ),
    File(
        "docker/plume.Dockerfile.dockerignore",
        "docker/dockerignore.j2",
        "docker build reads it beside docker/plume.Dockerfile",
        "containers",
    ),
    *(
        File(f"kubernetes/{name}.yaml", f"kubernetes/{name}.yaml.j2", _KUBERNETES, "pods", pod=True)
        for name in ("kustomization", "deployment", "service", "storage", "disruption", "network")
    ),
    File("kubernetes/autoscaler.yaml", "kubernetes/autoscaler.yaml.j2", _KUBERNETES, "scaled", pod=True),
    File("kubernetes/serve-{replica}.yaml", "plume/serve.yaml.j2", _KUBERNETES, "pods", pod=True),
    File("kubernetes/nginx.conf", "nginx/nginx.conf.j2", _KUBERNETES, "pods", pod=True),
    File(
        "plume/desk.yaml",
        "plume/desk.yaml.j2",
        "install -m 640 -g {{ site.group }} plume/desk.yaml {{ site.configs }}/",
        "desk",
    ),
    *(
        File(f"systemd/{name}", f"systemd/{name}.j2", _UNITS)
        for name in ("plume-serve@.service", "plume-sync.service", "plume-sync.timer")
    ),
    File("systemd/plume-backup.service", "systemd/plume-backup.service.j2", _UNITS),
    File("systemd/plume-backup.timer", "systemd/plume-backup.timer.j2", _UNITS),
    File("systemd/plume-prune@.service", "systemd/plume-prune@.service.j2", _UNITS, "prunes"),
    File("systemd/plume-prune@.timer", "systemd/plume-prune@.timer.j2", _UNITS, "prunes"),
    File("systemd/plume-desk.service", "systemd/plume-desk.service.j2", _UNITS, "desk"),
)
FOLDERS = tuple(dict.fromkeys(file.path.partition("/")[0] for file in FILES))
