"""Around the engine: bad input, a missing champion, an engine that dies, signals. No vLLM is started here."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from plume import tracking
from plume.adapters import Adapter, folder_sha256
from plume.errors import EnvironmentMissing, InputError, PlumeError
from plume.models import Base
from plume.prompt import load_prompt, template_sha256
from serve import champion, engine
from serve.client import Client
from serve.config import ServeConfig

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
SERVED = champion.Served("plume-reply@v1", "/base", Adapter(Path("/adapter"), Base(), "v1", 8, {}), 2)


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Makes `engine.running` start a Python script in the place of vLLM."""
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    monkeypatch.setattr(engine, "has_gpu", lambda: False)
    monkeypatch.setattr(engine, "KILL_AFTER", 0.2)

    def use(script, *arguments):
        words = [sys.executable, "-c", script, *map(str, arguments)]
        monkeypatch.setattr(engine, "command", lambda *_, **__: words)

    return use


def test_port_in_use_is_said_with_the_way_out(port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(InputError, match=rf"port {port}.*port={port + 1}"):
            engine.check_startable(ServeConfig(port=port))
    engine.check_startable(ServeConfig(port=port))


def test_vllm_not_installed_names_the_command_that_mends_it(monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda _name: None)
    with pytest.raises(EnvironmentMissing, match="make install"):
        engine.check_startable(ServeConfig())


def test_engine_that_dies_at_start_is_told_in_one_line_with_its_log(stand_in, tmp_path, port):
    stand_in(DIES)
    with pytest.raises(PlumeError) as told, engine.running(SERVED, ServeConfig(port=port)):
        pass
    message = str(told.value)
    assert "exit code 1" in message
    assert "ValueError: max_model_len is too large" in message
    assert str(tmp_path / "serve" / "engine.log") in message
    assert "\n" not in message


def test_log_of_the_engine_before_is_kept(stand_in, tmp_path, port):
    for script in ("print('OSError: first')", "print('OSError: second')"):
        stand_in(script)
        with pytest.raises(PlumeError), engine.running(SERVED, ServeConfig(port=port)):
            pass
    assert "first" in (tmp_path / "serve" / "engine.previous.log").read_text()
    assert "second" in (tmp_path / "serve" / "engine.log").read_text()


def test_engine_that_never_answers_is_stopped_with_its_children(stand_in, port):
    stand_in(f"{HANGS}\nimport time; time.sleep(600)")
    before = set(psutil.Process().children(recursive=True))
    with (
        pytest.raises(PlumeError, match="startup_timeout"),
        engine.running(SERVED, ServeConfig(port=port, startup_timeout=2, drain_timeout=0)),
    ):
        pass
    assert set(psutil.Process().children(recursive=True)) == before


def test_engine_that_hangs_at_the_stop_is_killed_with_its_children(stand_in, port):
    stand_in(HANGS + ANSWERS, port, 200, "{}")
    with engine.running(SERVED, ServeConfig(port=port, drain_timeout=0)) as started:
        children = psutil.Process(started.process.pid).children()
        assert len(children) == 1
    assert started.process.returncode == -signal.SIGKILL
    psutil.wait_procs(children, timeout=10)
    assert not [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]


def test_engine_that_ends_while_serving_is_an_error(stand_in, port):
    stand_in(ANSWERS, port, 200, "{}")
    with engine.running(SERVED, ServeConfig(port=port)) as started:
        started.process.kill()
        with pytest.raises(PlumeError, match=r"stopped by itself \(killed by SIGKILL\)"):
            started.wait()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_signal_stops_the_engine_and_gives_the_exit_code(sent, code, port, tmp_path):
    script = f"""
import sys
from pathlib import Path
from plume import cli
from plume.adapters import Adapter
from plume.models import Base
from serve import champion, engine
served = champion.Served("plume-reply@v1", "/base", Adapter(Path("/adapter"), Base(), "v1", 8, {{}}), 2)
champion.resolve = lambda config: served
engine.check_startable = lambda config: None
engine.has_gpu = lambda: False
engine.command = lambda *_, **__: [sys.executable, "-c", {ANSWERS!r}, "{port}", "200", "{{}}"]
sys.argv = ["plume", "serve", "port={port}"]
cli.main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PLUME_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert "plume-reply@v1 answers at" in process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(sent)
        assert process.wait(60) == code
    assert not [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (
            400,
            '{"error": {"message": "maximum context length is 64 tokens: Avis secret"}}',
            InputError,
            "max_model_len",
        ),
        (404, '{"error": {"message": "no such model: Avis secret"}}', PlumeError, "404"),
        (500, "Avis secret", PlumeError, "500"),
    ],
)
def test_refusal_of_the_engine_is_told_without_its_text(stand_in, port, status, body, error, says):
    stand_in(ANSWERS, port, status, body)
    with engine.running(SERVED, ServeConfig(port=port)) as started, pytest.raises(error, match=says) as told:
        Client(started.url).draft("plume-reply@v1", [], max_new_tokens=8, stop_token_id=2)
    assert "secret" not in str(told.value)


def test_client_says_that_no_engine_answers(port):
    with pytest.raises(PlumeError, match="does not answer"):
        Client(f"http://127.0.0.1:{port}").draft("base", [], max_new_tokens=8, stop_token_id=2)


def test_proxy_of_the_environment_is_not_asked(monkeypatch, stand_in, port):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    stand_in(ANSWERS, port, 200, '{"fine": true}')
    with engine.running(SERVED, ServeConfig(port=port)) as started:
        assert Client(started.url).chat({"model": "base"}) == {"fine": True}


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


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A real store in a home of its own; `add(base)` registers a version with a small adapter folder."""
    import mlflow

    home = tmp_path_factory.mktemp("home")
    before = mlflow.get_tracking_uri()
    patch = pytest.MonkeyPatch()
    patch.setenv("PLUME_HOME", str(home))
    config = ServeConfig(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    tracking.connect(config.tracking_uri)

    def add(base):
        folder = tmp_path_factory.mktemp("adapter")
        training = {
            "base": base,
            "prompt": {"version": "short-1", "sha256": load_prompt("short-1").sha256},
            "chat_template_sha256": template_sha256(),
        }
        (folder / "training.json").write_text(json.dumps(training))
        (folder / "adapter_config.json").write_text('{"r": 8}')
        (folder / "adapter_model.safetensors").write_bytes(os.urandom(64))
        (folder / "chat_template.jinja").write_text("{{ messages }}")
        with tracking.run("test", kind="train") as run:
            mlflow.log_artifacts(str(folder), "adapter")
        return tracking.register(run.info.run_id, "adapter", {tracking.ADAPTER_HASH: folder_sha256(folder)})

    yield SimpleNamespace(add=add, config=config, artifacts=home / "mlartifacts")
    patch.undo()
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)


def artifact(registry, number):
    return Path(tracking.find_version(str(number)).source.removeprefix("file://"))


def test_no_champion_says_how_to_set_one(registry):
    registry.add({})
    with pytest.raises(InputError, match="plume eval promote VERSION --initial --reason … --by …"):
        champion.resolve(registry.config)


def test_version_that_does_not_exist_is_named(registry):
    with pytest.raises(InputError, match="'99'") as told:
        champion.resolve(registry.config.model_copy(update={"version": "99"}))
    assert "promote" not in str(told.value)


def test_adapter_changed_since_training_is_refused(registry):
    number = registry.add({})
    (artifact(registry, number) / "adapter_model.safetensors").write_bytes(b"other weights")
    with pytest.raises(InputError, match="changed after training"):
        champion.resolve(registry.config.model_copy(update={"version": str(number)}))


def test_adapter_that_is_gone_is_refused(registry):
    number = registry.add({})
    for file in artifact(registry, number).iterdir():
        file.unlink()
    with pytest.raises(InputError, match=f"version {number}"):
        champion.resolve(registry.config.model_copy(update={"version": str(number)}))


def test_base_model_missing_while_offline_is_the_environments_fault(registry):
    number = registry.add({"model": "plume-tests/absent", "revision": "0" * 40})
    with pytest.raises(InputError, match="plume-tests/absent"):
        champion.resolve(registry.config.model_copy(update={"version": str(number)}))
