"""Around the engine: bad input, a missing champion, an engine that dies, signals. No vLLM is started here."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from plume import registry as plume_registry
from plume import tracking
from plume.errors import EnvironmentMissing, InputError, PlumeError
from plume.files import folder_sha256
from plume.models import Base
from serve import alias, champion, cli, vllm_command, vllm_process
from serve.alias import Aliases, Deployed
from serve.client import Client
from serve.config import ServeConfig
from serve.state import State

# Stands for vLLM: answers every GET and POST as told. argv: port, status of answers, body of answers.
ANSWERS = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.command == "GET" else int(sys.argv[2]))
        self.end_headers()
        self.wfile.write(sys.argv[3].encode())
    do_POST = do_GET
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
# Ignores SIGTERM and has a child, as an engine that hangs.
HANGS = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
"""
DIES = (
    "print('Traceback (most recent call last):'); print('ValueError: max_model_len is too large'); raise SystemExit(1)"
)
ONE = Deployed(1, "/adapter", "0" * 64)
SERVED = champion.Served(Aliases(ONE), (ONE,), Base(), "/base", 2)


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Makes `vllm_process.running` start a Python script in the place of vLLM."""
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    monkeypatch.setattr(vllm_command, "has_gpu", lambda: False)
    monkeypatch.setattr(vllm_process, "KILL_AFTER", 0.2)

    def use(script, *arguments):
        words = [sys.executable, "-c", script, *map(str, arguments)]
        monkeypatch.setattr(vllm_command, "command", lambda *_, **__: words)

    return use


def test_port_in_use_is_said_with_the_way_out(port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(InputError, match=rf"port {port}.*port={port + 1}"):
            vllm_process.check_startable(ServeConfig(port=port))
    vllm_process.check_startable(ServeConfig(port=port))


def test_what_is_no_folder_of_sources_is_refused_before_the_engine_loads(port, tmp_path):
    with pytest.raises(InputError, match=r"not a sources folder.*plume data sources import"):
        vllm_process.check_startable(ServeConfig(port=port, sources=tmp_path))


def test_vllm_not_installed_names_the_command_that_mends_it(monkeypatch):
    monkeypatch.setattr(vllm_process, "find_spec", lambda _name: None)
    with pytest.raises(EnvironmentMissing, match="make install"):
        vllm_process.check_startable(ServeConfig())


def test_engine_that_dies_at_start_is_told_in_one_line_with_its_log(stand_in, tmp_path, port):
    stand_in(DIES)
    with pytest.raises(PlumeError) as told, vllm_process.running(SERVED, ServeConfig(port=port)):
        pass
    message = str(told.value)
    assert "exit code 1" in message
    assert "ValueError: max_model_len is too large" in message
    assert str(tmp_path / "serve" / "engine.log") in message
    assert "\n" not in message


def test_log_of_the_engine_before_is_kept(stand_in, tmp_path, port):
    for script in ("print('OSError: first')", "print('OSError: second')"):
        stand_in(script)
        with pytest.raises(PlumeError), vllm_process.running(SERVED, ServeConfig(port=port)):
            pass
    assert "first" in (tmp_path / "serve" / "engine.previous.log").read_text()
    assert "second" in (tmp_path / "serve" / "engine.log").read_text()


def test_engine_that_never_answers_is_stopped_with_its_children(stand_in, port):
    stand_in(f"{HANGS}\nimport time; time.sleep(600)")
    before = set(psutil.Process().children(recursive=True))
    with (
        pytest.raises(PlumeError, match="startup_timeout"),
        vllm_process.running(SERVED, ServeConfig(port=port, startup_timeout=2, drain_timeout=0)),
    ):
        pass
    assert set(psutil.Process().children(recursive=True)) == before


def test_engine_that_hangs_at_the_stop_is_killed_with_its_children(stand_in, port):
    stand_in(HANGS + ANSWERS, port, 200, "{}")
    before = set(psutil.Process().children(recursive=True))
    with vllm_process.running(SERVED, ServeConfig(port=port, drain_timeout=0)):
        started = set(psutil.Process().children(recursive=True)) - before
        assert len(started) == 2
    psutil.wait_procs(started, timeout=10)
    assert not [c for c in started if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]


def test_serve_becomes_the_engine_and_tells_the_guard_its_state_folder(port, tmp_path):
    """Signals of a supervisor reach the engine itself: no process of plume's stands between."""
    script = f"""
import os, sys
from plume import cli
from plume.models import Base
from serve import champion, vllm_command, vllm_process
from serve.alias import Aliases, Deployed
one = Deployed(1, "/adapter", "0" * 64)
champion.resolve = lambda *_: (champion.Served(Aliases(one), (one,), Base(), "/base", 2), ["a remark"])
vllm_process.check_startable = lambda config: None
vllm_command.has_gpu = lambda: False
vllm_command.command = lambda *_, **__: [
    sys.executable, "-c", "import os; print(os.getpid(), os.environ['PLUME_SERVE_STATE'])"
]
sys.argv = ["plume", "serve", "port={port}"]
cli.main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PLUME_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said, remarks = process.communicate(timeout=60)
    first, second = said.splitlines()
    assert "plume-reply@v1 is started on" in first
    assert second == f"{process.pid} {tmp_path / 'serve'}"
    assert "a remark" in remarks
    state = State(tmp_path / "serve")
    assert alias.read(state) == Aliases(ONE)
    assert [file.stat().st_mode & 0o077 for file in (state.serve, state.alias, state.admin)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (413, '{"error": {"type": "too_long", "message": "at most 64 tokens fit"}}', InputError, "64 tokens"),
        (503, '{"error": {"type": "busy", "message": "ask again"}}', PlumeError, "ask again"),
        (500, "Avis secret", PlumeError, "500"),
    ],
)
def test_refusal_of_the_server_is_told_in_one_line(stand_in, port, status, body, error, says):
    stand_in(ANSWERS, port, status, body)
    config = ServeConfig(port=port)
    with vllm_process.running(SERVED, config), Client(config) as client, pytest.raises(error, match=says) as told:
        client.draft({"review": "Avis secret"})
    assert "secret" not in str(told.value)


def test_client_says_that_no_server_answers(port, tmp_path):
    config = ServeConfig(port=port, state=tmp_path)
    with Client(config) as client, pytest.raises(PlumeError, match="does not answer"):
        client.draft({"review": "Avis"})


def test_proxy_of_the_environment_is_not_asked(monkeypatch, stand_in, port):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    stand_in(ANSWERS, port, 200, '{"fine": true}')
    config = ServeConfig(port=port)
    with vllm_process.running(SERVED, config), Client(config) as client:
        assert client.draft({"review": "Avis"}) == {"fine": True}


def plume(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "plume.cli", *map(str, arguments)],
        env={**os.environ, **{k: str(v) for k, v in environment.items()}},
        capture_output=True,
        text=True,
    )


def test_unknown_config_key_exits_2_with_the_nearest_key(tmp_path):
    done = plume("serve", "prot=8400", PLUME_HOME=tmp_path)
    assert done.returncode == 2
    assert "did you mean port?" in done.stderr
    assert "Traceback" not in done.stderr


def test_draft_asks_for_a_dataset_folder_before_anything_slow(tmp_path):
    done = plume("serve", "draft", "--data", tmp_path, PLUME_HOME=tmp_path / "home")
    assert done.returncode == 2
    assert "plume data build" in done.stderr
    assert not (tmp_path / "home").exists()


def artifact(registry, number):
    return Path(plume_registry.find_version(str(number)).source.removeprefix("file://"))


def test_no_champion_says_how_to_set_one(registry):
    registry.add({})
    with pytest.raises(InputError, match="plume eval promote VERSION --initial --reason … --by …"):
        champion.resolve(registry.config, registry.state)


def test_version_that_does_not_exist_is_named(registry):
    with pytest.raises(InputError, match="'99'") as told:
        champion.resolve(registry.config.model_copy(update={"version": "99"}), registry.state)
    assert "promote" not in str(told.value)


def test_adapter_changed_since_training_is_refused(registry):
    number = registry.add({})
    (artifact(registry, number) / "adapter_model.safetensors").write_bytes(b"other weights")
    with pytest.raises(InputError, match="changed after training"):
        champion.resolve(registry.config.model_copy(update={"version": str(number)}), registry.state)


def test_adapter_that_is_gone_is_refused(registry):
    number = registry.add({})
    for file in artifact(registry, number).iterdir():
        file.unlink()
    with pytest.raises(InputError, match=f"version {number}"):
        champion.resolve(registry.config.model_copy(update={"version": str(number)}), registry.state)


def test_base_model_missing_while_offline_is_the_environments_fault(registry):
    number = registry.add({"model": "plume-tests/absent", "revision": "0" * 40})
    with pytest.raises(InputError, match="plume-tests/absent"):
        champion.resolve(registry.config.model_copy(update={"version": str(number)}), registry.state)


def test_a_restart_serves_again_what_was_served_even_without_a_registry(registry, tmp_path):
    numbers = [registry.add({}) for _ in range(3)]
    state = State(tmp_path / "state")
    two, three = (champion.deploy(plume_registry.find_version(str(n)), 16) for n in numbers[1:])
    alias.write(state, Aliases(three))
    alias.write(state, Aliases(two))  # as a rollback leaves it
    plume_registry.set_alias("champion", numbers[2], {})
    served, remarks = champion.resolve(registry.config, state)
    assert served.aliases == Aliases(two)
    assert [d.version for d in served.adapters] == [numbers[1], numbers[2]]
    assert any("plume serve sync" in remark for remark in remarks)

    dead = registry.config.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    served, remarks = champion.resolve(dead, state)
    assert served.aliases == Aliases(two)
    assert any("does not answer" in remark for remark in remarks)

    for file in Path(two.folder).iterdir():
        file.unlink()
    served, remarks = champion.resolve(dead, state)
    assert served.aliases == Aliases(three)
    assert any("changed" in remark for remark in remarks)
    tracking.connect(registry.config.tracking_uri)


def test_what_is_printed_is_what_is_started_and_nothing_is_written_for_it(registry, tmp_path, monkeypatch, capsys):
    """Neither the adapter nor the base (260 MB) is fetched."""
    number = registry.add({})
    store = shutil.copy(registry.config.tracking_uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    home = tmp_path / "home"
    monkeypatch.setenv("PLUME_HOME", str(home))
    asked = [f"version={number}", f"tracking_uri=sqlite:///{store}"]
    try:
        cli.run(asked, only_print=True)
        printed = capsys.readouterr().out.strip()
        assert not home.exists()
        home.mkdir()
        (home / "models").symlink_to(registry.home / "models")
        config = ServeConfig.load(None, asked)
        served, _ = champion.resolve(config, State(config.folder))
        assert vllm_command.shown(served, config) == printed
    finally:
        tracking.connect(registry.config.tracking_uri)


def test_a_state_of_another_registry_is_not_served(registry, tmp_path):
    number = registry.add({})
    real = champion.deploy(plume_registry.find_version(str(number)), 16)
    state = State(tmp_path / "state")
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "weights").write_text("other")
    alias.write(state, Aliases(Deployed(number, str(folder), folder_sha256(folder))))
    plume_registry.set_alias("champion", number, {})
    served, remarks = champion.resolve(registry.config, state)
    assert served.aliases.champion == real
    assert any("registry's of that number" in remark for remark in remarks)


def test_nothing_to_serve_is_one_line(tmp_path):
    done = plume("serve", PLUME_HOME=tmp_path, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 2
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["status", "rollback", "sync"])
def test_commands_of_ops_say_that_no_server_was_started(command, tmp_path):
    done = plume("serve", command, PLUME_HOME=tmp_path)
    assert done.returncode == 2
    assert "plume serve" in done.stderr
    assert "Traceback" not in done.stderr
