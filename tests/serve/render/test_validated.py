"""Every rendered file is read by the program that it is for; one planted error in each must make that fail."""

import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from plume.errors import InputError
from serve.cli import app
from serve.config import ServeConfig
from serve.desk.config import DeskConfig
from serve.render.files import FILES
from serve.render.render import write

EXPOSED = 5.0  # of systemd's 10: more is refused


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed (.ci/run)")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(["openssl", *words.split(), *files], check=True, capture_output=True)
    return folder


@pytest.fixture
def folder(tmp_path, certificate):
    """All files, for this user and paths that are there; units that start the plume of these tests."""
    (tmp_path / "desk.yaml").write_text("url: https://bureau.example.org\n")
    program = tmp_path / "install" / ".venv" / "bin" / "plume"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    site = {"install": tmp_path / "install", "desk": tmp_path / "desk.yaml", "replicas": 2, "logs": tmp_path}
    site |= {"certificate": certificate / "cert.pem", "certificate_key": certificate / "key.pem"}
    site |= {"nginx_temp": tmp_path, "nginx_pid": tmp_path / "pid", "nginx_user": pwd.getpwuid(os.getuid()).pw_name}
    site["server_name"] = ".".join(["a" * 60] * 4)  # as long as a name may be
    config = ServeConfig.model_validate(
        {
            "socket": "/run/plume/vllm.sock",
            "state": "/srv/plume/serve",
            "database": "postgresql://plume@/plume?host=/run/postgresql",
            "journal_days": 90,
            "site": site,
        }
    )
    write(config, tmp_path / "out")
    return tmp_path / "out"


# --- what reads each file: gives what is wrong, nothing if nothing is


def nginx(path):
    need("nginx")
    tested = run("nginx", "-t", "-q", "-c", path)
    told = [line for line in tested.stderr.splitlines() if 'the "user" directive makes sense only' not in line]
    return "\n".join(told) or ("" if tested.returncode == 0 else "nginx -t fails")


def unit(path):
    """Whatever systemd says of a unit, and, of a service, how exposed it is, if too much."""
    need("systemd-analyze")
    verified = run("systemd-analyze", "verify", path)
    told = verified.stdout + verified.stderr
    if told or path.suffix != ".service":
        return told
    return f"exposed: {exposed}" if (exposed := exposure(path)) > EXPOSED else ""


def exposure(path):
    told = run("systemd-analyze", "security", "--offline=true", path).stdout
    return float(re.search(r"Overall exposure level for .*: ([\d.]+)", told)[1])


def config_of(kind):
    def read(path):
        try:
            kind.load(path)
        except InputError as error:
            return str(error)
        return ""

    return read


READERS = {  # by the beginning of a path
    "plume/serve-": config_of(ServeConfig),
    "plume/desk": config_of(DeskConfig),
    "nginx/": nginx,
    "systemd/": unit,
}
PLANTED = {  # by path: what is replaced by what, each an error of its own
    "plume/serve-{replica}.yaml": [("state:", "sate:")],
    "plume/desk.yaml": [("url:", "urls:")],
    "nginx/nginx.conf": [
        ("zone=rate burst", "zone=rates burst"),
        ("client_max_body_size", "client_body_max_size"),
        ("least_conn;", "least_conn"),
        ("cert.pem", "no.pem"),
        ('"~^GET /ready$"', '"~^GET (/ready$"'),
    ],
    "systemd/plume-serve@.service": [
        ("RestartSec=5", "RestartSec=soon"),
        ("TimeoutStopSec=", "TimeoutStopSecs="),
        ("KillMode=mixed", "KillMode=gentle"),
        ("/bin/plume serve", "/bin/plum serve"),
        ("ProtectSystem=strict", "ProtectSystem=very"),
        ("# --- Given up", "CapabilityBoundingSet=~\nUser=root\nPrivateTmp=no\n[Service2]\n# "),
    ],
    "systemd/plume-sync.service": [("Type=oneshot", "Type=twice"), ("[Service]", "[Servce]")],
    "systemd/plume-sync.timer": [("OnUnitInactiveSec=5min", "OnUnitInactiveSec=5mns"), ("[Timer]", "[Tmer]")],
    "systemd/plume-backup.service": [("/bin/sh -c", "bin/sh -c"), ("/bin/find", "/bin/fnd"), ("Type=", "Typ=")],
    "systemd/plume-backup.timer": [("*-*-* 02:30", "every night"), ("Persistent=true", "Persistent=perhaps")],
    "systemd/plume-prune@.service": [
        ("/bin/plume serve", "/bin/plum serve"),
        ("SystemCallFilter=@system", "SystemCallFilter=@sytem"),
    ],
    "systemd/plume-prune@.timer": [("*-*-* 03:30", "*-*-* 33:30")],
    "systemd/plume-desk.service": [("Restart=always", "Restart=forever"), ("SystemCallFilter=", "SystemCallFilters=")],
}


def reader(path):
    return next(read for beginning, read in READERS.items() if path.startswith(beginning))


def paths(file):
    return [file.path.format(replica=1), file.path.format(replica=2)] if "{replica}" in file.path else [file.path]


OTHERS = ("prometheus/", "grafana/", "compose/", "docker/", "kubernetes/")  # test_watched.py, test_containers.py


@pytest.mark.parametrize(
    "file", [file for file in FILES if not file.path.startswith(OTHERS)], ids=lambda file: file.path
)
def test_a_file_is_read_without_a_word_and_each_planted_error_is_found(folder, file):
    for path in paths(file):
        assert reader(path)(folder / path) == ""
    path = folder / paths(file)[0]
    text = path.read_text()
    for right, wrong in PLANTED[file.path]:
        assert right in text
        path.write_text(text.replace(right, wrong, 1))
        assert reader(paths(file)[0])(path) != "", (right, wrong)


def services(folder):
    need("systemd-analyze")
    return sorted((folder / "systemd").glob("*.service"))


def test_a_service_without_its_hardening_is_refused_as_too_exposed(folder):
    for path in services(folder):
        path.write_text(re.sub(r"# --- Given up.*?UMask=0077\n", "", path.read_text(), flags=re.DOTALL))
        assert "exposed: " in unit(path)


def test_a_unit_explains_each_thing_that_it_keeps(folder):
    for path in services(folder):
        comments = " ".join(line for line in path.read_text().splitlines() if line.startswith("#"))
        told = json.loads(run("systemd-analyze", "security", "--offline=true", "--json=short", path).stdout)
        kept = {each["name"]: each["description"] for each in told if each["set"] is False}
        assert kept
        for name, description in kept.items():
            if description.endswith("special devices: char-rtc:r"):  # by ProtectClock=yes itself
                continue
            setting, _, value = name.partition("=")
            words = {"RootDirectory": "RootDirectory", "IPAddressDeny": "IPAddressAllow"}.get(setting, setting)
            assert f"{words}=" in comments, (path.name, name)
            for part in re.findall(r"@\w+|AF_\w+", value):
                assert part in comments, (path.name, name)


def started(path):
    """The commands that a service runs, as a shell would read them: systemd's own signs are gone."""
    for line in re.findall("^ExecStart=(.*)$", path.read_text(), flags=re.MULTILINE):
        words = shlex.split(line.replace("%%", "%").replace("$$", "$").replace("%i", "1"))
        yield shlex.split(words[2].removeprefix("exec ")) if words[:2] == ["/bin/sh", "-c"] else words


def test_what_a_service_starts_is_a_command_of_plumes_with_its_options(folder):
    group = typer.main.get_command(app)
    for path in sorted((folder / "systemd").glob("*.service")):
        ((program, stage, *words),) = started(path)
        assert (Path(program).name, stage) == ("plume", "serve")
        name = words.pop(0) if words[0] in group.commands else "run"
        context = group.commands[name].make_context(name, words)  # raises, of an option that it has not
        assert context.params["config"].parent == Path("/etc/plume")


def test_the_backup_of_the_unit_is_written_under_a_name_of_its_time_and_old_ones_go(folder, tmp_path):
    """The line itself, in a shell: its quotes, its date; and what clears up after it."""
    text = (folder / "systemd" / "plume-backup.service").read_text()
    lines = dict(re.findall("^(ExecStart|ExecStartPost)=(.*)$", text, flags=re.MULTILINE))
    backups, program = tmp_path / "backups", tmp_path / "told"
    backups.mkdir()
    program.write_text('#!/bin/sh\nfor out; do :; done; touch "$out"\n')
    program.chmod(0o700)
    for name, age in (("plume-old.tar", 15), ("plume-new.tar", 13), ("mine.tar", 99)):
        (backups / name).touch()
        os.utime(backups / name, (time.time() - age * 86_400 - 60,) * 2)
    for line in (lines["ExecStart"], lines["ExecStartPost"]):
        line = line.replace("%%", "%").replace("$$", "$").replace("/var/backups/plume", str(backups))
        words = shlex.split(re.sub(r"exec \S+", f"exec {program}", line))
        subprocess.run(words, check=True)
    names = sorted(path.name for path in backups.iterdir())
    assert [name for name in names if re.fullmatch(r"plume-\d{4}-\d\d-\d\dT\d{6}\.tar", name)]
    assert {"plume-old.tar", "plume-new.tar", "mine.tar"} & set(names) == {"plume-new.tar", "mine.tar"}
