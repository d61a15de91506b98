"""What `plume serve` becomes: what it says of its start, how it is interrupted; a stand-in for vLLM."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress

import httpx
import psutil
import pytest

from plume.models import Base
from plume.paths import ROOT
from serve import entry, keys
from serve.config import ServeConfig
from serve.state import VARIABLE, Started, State

# Loads for ever, with an engine that is forked off and would print a traceback of its own.
VLLM = """
import asyncio, multiprocessing, os, signal, time
def load():
    signal.signal(signal.SIGINT, lambda *_: print("Traceback of an engine that stops by itself", flush=True))
    print("engine", os.getpid(), flush=True)
    time.sleep(600)
async def run_server_worker():
    engine = multiprocessing.get_context(METHOD).Process(target=load)
    engine.start()
    time.sleep(600)
async def run_server():
    await run_server_worker()
def main():
    def stop(*_): raise KeyboardInterrupt("terminated")
    signal.signal(signal.SIGTERM, stop)  # as vLLM does
    asyncio.run(run_server())
"""


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state")


@pytest.mark.parametrize(
    ("method", "number", "code"),
    [("fork", signal.SIGINT, 130), ("spawn", signal.SIGINT, 130), ("fork", signal.SIGTERM, -signal.SIGTERM)],
)
def test_a_start_that_is_interrupted_ends_without_a_traceback_and_leaves_nothing(tmp_path, state, method, number, code):
    launcher = tmp_path / "vllm" / "entrypoints" / "launchers" / "api_server"
    launcher.mkdir(parents=True)
    for folder in (launcher, *launcher.parents[:3]):
        (folder / "__init__.py").touch()
    (launcher / "entry.py").write_text(f"METHOD = {method!r}\n{VLLM}")
    config = ServeConfig(maskers=1)
    Started(config=config, base=Base(), stop_token_id=2, dtype="float32", max_model_len=2048).write(state)
    path = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]), VARIABLE: str(state.folder)}
    output = tmp_path / "log"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "serve.entry"],
            env=os.environ | path,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            # As `plume serve` leaves it: what is sent before Python can take it is not lost.
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM)),
        )
    while "engine" not in output.read_text() and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, number)  # as a terminal does: to all of them
    assert process.wait(30) == code
    told = output.read_text()
    assert "Traceback" not in told
    assert [line for line in told.splitlines() if "engine" not in line] == [
        line for line in told.splitlines() if line.startswith("plume: ")
    ]
    assert "starting: importing vLLM" in told
    assert "1 maskers start beside it" in told
    assert "while it was starting" in told
    with suppress(psutil.NoSuchProcess):
        engine = psutil.Process(int(told.partition("engine ")[2].split()[0]))
        with suppress(psutil.TimeoutExpired):
            engine.wait(10)
        assert engine.status() == psutil.STATUS_ZOMBIE


class Slow:
    """A server that is ready when it was asked so many times."""

    where = "http://127.0.0.1:8300"

    def __init__(self, asked):
        self.left = asked

    def is_ready(self):
        self.left -= 1
        return self.left < 0


def test_a_start_says_a_line_at_least_every_30_s_and_ends_with_what_gets_a_draft(state, monkeypatch, capfd):
    now = [1000.0]
    monkeypatch.setattr(entry.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(entry.time, "time", lambda: now[0])
    monkeypatch.setattr(entry.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(entry, "_begun", lambda: 1000.0)
    start = entry.Start(ServeConfig(startup_timeout=50), state)
    start.say("importing vLLM")
    start.tell(Slow(200))
    assert capfd.readouterr().err.splitlines() == [
        "plume: starting: importing vLLM (0 s)",
        "plume: starting: importing vLLM (30 s)",
        "plume: not ready after startup_timeout=50 s; it goes on trying",
        "plume: starting: importing vLLM (61 s)",
        "plume: starting: importing vLLM (92 s)",
        "plume: ready (100 s): drafts on http://127.0.0.1:8300, with",
        *(f"  {line}" for line in entry.how_to_ask(ServeConfig(), state)),
    ]


@pytest.mark.parametrize("socket", [None, "/run/a b/plume.sock"])
def test_what_is_said_to_type_is_a_key_if_there_is_none_and_a_request_that_the_guard_takes(state, socket):
    from serve.guard.schema import DraftRequest

    keys.add(state, "prometheus", "metrics")
    config = ServeConfig(socket=socket, port=8401)
    key, request = entry.how_to_ask(config, state)
    assert shlex.split(key)[0].startswith("KEY=$(")
    assert f"serve key add agents state={state.folder})" in key
    words = shlex.split(request)
    assert words[0] == "curl"
    assert [word for word in words if word.startswith("http")] == [f"{config.url}/v1/drafts"]
    assert (words[words.index("--unix-socket") + 1] if socket else None) == socket
    assert DraftRequest.model_validate(json.loads(words[words.index("-d") + 1]))
    httpx.Headers([words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"])
    keys.add(state, "agents")
    assert "the key of agents; one more: " in entry.how_to_ask(config, state)[0]
