"""docs/ops.md as a newcomer follows it: its blocks, in order, on two real engines, PostgreSQL, nginx and Prometheus."""

import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from mlflow import MlflowClient

from plume import registry as plume_registry
from plume import tracking
from plume.files import folder_sha256
from serve.config import ServeConfig
from serve.render.render import rendered
from tests.docs.guides import blocks, commands
from tests.serve.conftest import Service

OPS = (Path(__file__).parents[2] / "docs" / "ops.md").read_text()
RUN = re.findall(r"<!-- run -->\n```\n(.*?)```", OPS, re.S)
NEEDED = ("nginx", "prometheus", "promtool", "createdb", "openssl", "curl")
# What this machine cannot do, and what is done in its place: (a command's beginning, the substitute).
SUBSTITUTES = [
    ("adduser ", "nothing: this user runs all"),
    ("apt-get ", "nothing: .ci/run installs them"),
    ("runuser -u postgres -- createuser", "nothing: the tests' PostgreSQL has the user"),
    ("chown ", "nothing: this user runs Prometheus"),
    ("systemctl daemon-reload", "nothing: tests/serve/render asks systemd-analyze"),
    ("systemctl enable --now plume-sync.timer", "nothing: tasks 6 and 12 run what the timers run"),
    ("plume eval promote 2 ", "the alias is moved: a verdict is made by tests/eval"),
    ("systemctl ", "a process of the test's, by the same config"),
]
# The same, within a line: root's users, and the flags that give files to them.
WORDS = [("runuser -u plume -- ", ""), (" -o plume", ""), (" -g plume", ""), ("-O plume ", "")]


def free_ports(count):
    for first in range(23000, 32000, 7):
        with suppress(OSError):
            for port in range(first, first + count):
                with socket.socket() as asked:
                    asked.bind(("127.0.0.1", port))
            return list(range(first, first + count))
    raise AssertionError("no free ports")


class Machine:
    """A folder that stands for the machine's root, and what systemd would run on it."""

    def __init__(self, root, postgres):
        self.root, self.home, self.postgres = root, root / "var/lib/plume", postgres
        one, _, self.tls, self.prometheus = free_ports(4)
        user = pwd.getpwuid(os.getuid()).pw_name
        here = f"""port: {one}
dtype: float32
max_model_len: 1024
max_new_tokens: 16
maskers: 1
cpu_kv_cache_gib: 1
site:
  listen: ["127.0.0.1:{self.tls}"]
  certificate: /etc/plume/tls/plume.crt
  certificate_key: /etc/plume/tls/plume.key
  metrics_key: /etc/plume/metrics.key
  home: /var/lib/plume
  configs: /etc/plume
  logs: /var/log/nginx
  nginx_temp: /var/lib/nginx
  nginx_pid: /run/nginx.pid
  nginx_user: {user}
  prometheus: 127.0.0.1:{self.prometheus}
"""
        self.words = [
            *WORDS,
            ("runuser -u postgres -- createdb", f"createdb -h {postgres.folder} -U plume"),
            ("site:\n", here),
            ("server_name: plume.example", "server_name: localhost"),
            ("https://plume.example", f"https://localhost:{self.tls}"),
            ("plume.example", "localhost"),
            ("127.0.0.1:9090", f"127.0.0.1:{self.prometheus}"),
        ]
        self.services, self.processes = {}, {}
        for folder in ("etc/nginx", "etc/prometheus", "etc/systemd/system", "var/log/nginx", "var/lib/nginx", "run"):
            (root / folder).mkdir(parents=True)
        for folder in ("root", "usr/local/bin", "opt/plume/.venv/bin", "var/lib/plume"):
            (root / folder).mkdir(parents=True)
        plume = root / "opt/plume/.venv/bin/plume"
        for path, words in ((plume, "-m plume.cli "), (plume.with_name("python"), "")):  # a link would lose the venv
            path.write_text(f'#!/bin/sh\nexec {sys.executable} {words}"$@"\n')
            path.chmod(0o755)

    def here(self, text):
        for before, after in self.words:
            text = text.replace(before, after)
        text = text.replace("/var/run/postgresql", str(self.postgres.folder))
        return re.sub(r"(?<![\w.>}-])/(?=(etc|var|opt|root|run|usr/local)/)", f"{self.root}/", text)

    def bash(self, text):
        path = f"{self.root / 'usr/local/bin'}:{os.environ['PATH']}"
        words = ["bash", "-euo", "pipefail", "-c", text]
        done = subprocess.run(
            words, env={**os.environ, "PATH": path}, cwd=self.root, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, (text, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def start(self, name):
        if name.startswith("plume-serve@"):
            number = name.partition("@")[2]
            config = self.root / f"etc/plume/serve-{number}.yaml"
            self.services[name] = Service(self.home, ["--config", str(config)])
            self.services[name].log = self.home / f"{name}.log"
        elif name == "nginx":
            words = ["nginx", "-c", self.root / "etc/nginx/nginx.conf", "-g", "daemon off;"]
            self.processes[name] = subprocess.Popen(words)
        else:
            config = self.root / "etc/prometheus/prometheus.yml"
            config.write_text(config.read_text().replace("15s", "5s").replace("10s", "5s"))  # a look every 5 s
            words = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.root / 'tsdb'}"]
            self.processes[name] = subprocess.Popen([*words, f"--web.listen-address=127.0.0.1:{self.prometheus}"])

    def url(self, name):
        port = re.search(r"^port: (\d+)", (self.root / f"etc/plume/serve-{name[-1]}.yaml").read_text(), re.M)[1]
        return f"http://127.0.0.1:{port}"

    def wait(self):
        for name, service in self.services.items():
            service.wait(self.url(name))

    def stop(self, name):
        service = self.services.pop(name)
        service.stopped = True
        service.process.terminate()
        service.process.wait(120)

    def systemctl(self, line):
        _, verb, *names = line.split("#")[0].split()
        names = [name for name in names if re.match(r"plume-serve@\d|nginx|prometheus", name)]
        for name in names:
            if verb == "kill":
                self.services[name].process.kill()
            elif verb == "stop":
                self.stop(name)
            elif verb == "reload":
                self.bash(f"nginx -c {self.root}/etc/nginx/nginx.conf -s reload")
            else:
                self.start(name)
        if verb in ("enable", "start"):
            self.wait()

    def follow(self, block):
        for command in commands(block):
            found = next((beginning for beginning, _ in SUBSTITUTES if command.startswith(beginning)), None)
            if found is None:
                self.bash(self.here(command))
            elif found == "systemctl ":
                self.systemctl(command)
            elif found.startswith("plume eval promote"):
                store = f"sqlite:///{self.home / 'mlflow.db'}"
                MlflowClient(store, registry_uri=store).set_registered_model_alias("plume-reply", "champion", "2")


@pytest.fixture
def machine(tmp_path_factory, embedded_model, make_adapter, share_caches, postgres_server, monkeypatch):
    """An empty machine with PostgreSQL, whose registry holds three versions, none of them champion."""
    import mlflow

    if missing := [each for each in NEEDED if not shutil.which(each)]:
        pytest.skip(f"not installed: {', '.join(missing)} (.ci/run)")
    made = Machine(tmp_path_factory.mktemp("machine"), postgres_server)
    (made.home / "models").symlink_to(embedded_model.parent)
    share_caches(made.home)
    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("PLUME_HOME", str(made.home))
    tracking.connect(f"sqlite:///{made.home / 'mlflow.db'}")
    for number in (1, 2, 3):
        folder = make_adapter(tmp_path_factory.mktemp(f"adapter-{number}"), seed=number, std=0.5).folder
        with tracking.run("adapter of a test", kind="train") as run:
            mlflow.log_artifacts(str(folder), "adapter")
        plume_registry.register(run.info.run_id, "adapter", {plume_registry.ADAPTER_HASH: folder_sha256(folder)})
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):  # a newcomer has none
        monkeypatch.delenv(name, raising=False)
    yield made
    for name in list(made.services):
        made.stop(name)
    for process in made.processes.values():
        process.terminate()
        process.wait(30)


@pytest.mark.long
def test_the_runbook_is_followed(machine):
    for block in RUN:
        machine.follow(block)


def test_each_panel_of_the_dashboard_is_explained():
    dashboard = json.loads(rendered(ServeConfig())["grafana/plume.json"])
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert titles
    explained = re.sub(r"\s+", " ", OPS)
    assert not [title for title in titles if f"**{title}**" not in explained]


def test_blocks_are_run_or_read():
    assert len(RUN) > 8
    for block in blocks("docs/ops.md"):
        if "{" not in block and "pip install" not in block:
            done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True)
            assert done.returncode == 0, (block, done.stderr)
