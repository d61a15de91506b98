"""Lists the files that `plume serve render` writes: which template each is made of, and how it is used."""

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """Describes a rendered file; paths may hold {replica}, which then makes one file a replica.

    Attributes:
        use: the commands that put it to use, for the comment at its top; a template, too.
        needs: the fact without which it is not written.
        comment: how a comment begins; empty for JSON, whose template places `made` itself.
    """

    path: str
    template: str
    use: str
    needs: str = ""
    comment: str = "# "


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
