"""Starts vLLM's process, waits until it answers, and stops it with nothing left; or becomes it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from plume.command import status
from plume.errors import EnvironmentMissing, InputError, PlumeError
from plume.files import locked
from plume.paths import INSTALL, home
from plume.sources import folder as sources_folder
from plume.store import absolute
from serve import alias, champion, engine_log, fleet, vllm_command
from serve.champion import Served
from serve.client import Client
from serve.config import KILL_AFTER, ServeConfig
from serve.state import Started, State, private_folder

HAND_OVER = 20  # seconds that what is left of a killed server has to let go of its state folder


@contextmanager
def hold(state: State) -> Iterator[None]:
    """Lock a state folder for one server; the process that this one becomes keeps the lock. Raises InputError."""
    private_folder(state.folder)
    refusal = (
        f"{state.folder}: a server runs with this state folder already; stop it, name its socket or port, or give this "
        "one a folder of its own: state=FOLDER"
    )
    with locked(state.folder, refusal, wait=HAND_OVER) as descriptor:
        os.set_inheritable(descriptor, True)
        yield


def write_state(served: Served, config: ServeConfig, state: State) -> None:
    """Write what the guard reads when it starts. Raises InputError if the disk refuses."""
    gpu = vllm_command.has_gpu()
    state.admin_key()
    state.agents_key()
    state.drain.unlink(missing_ok=True)
    if state.database:
        fleet.join(state, served.aliases)
    else:
        alias.write(state, served.aliases, among=served.adapters)
    if config.database:
        fleet.note_start(state, served.adapters)
    started = Started(
        config=config,
        base=served.base,
        stop_token_id=served.stop_token_id,
        dtype=vllm_command.dtype(config, gpu=gpu),
        max_model_len=vllm_command.max_model_len(config, gpu=gpu),
        merged=served.merged,
    )
    started.write(state)


def become(served: Served, config: ServeConfig) -> None:
    """Replace this process by the engine: systemd's signals reach it, and its log is this process's output."""
    words, variables = vllm_command.here(served, config)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))  # not lost meanwhile: see serve.entry
    os.umask(0o007)  # the socket is for a group shared with nginx, and nobody else
    os.execvpe(words[0], words, variables)  # noqa: S606 - no shell


def check_startable(config: ServeConfig) -> None:
    """Refuse what is known to fail before the slow start: vLLM not installed, port in use, sources that are none."""
    if find_spec("vllm") is None:
        raise EnvironmentMissing(f"vLLM is not installed; mend it with: {INSTALL}")
    if config.sources:
        sources_folder.read(config.sources)
    if config.socket:
        if config.socket.exists() and not config.socket.is_socket():
            raise InputError(f"socket={config.socket}: is something else already; name another path")
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((str(config.host), config.port))
        except OSError as error:
            raise InputError(
                f"port {config.port} of {config.host} cannot be used ({os.strerror(error.errno or 0).lower()}); "
                f"stop what listens there, or name another one: port={config.port + 1}"
            ) from None


@contextmanager
def started_for_this(config: ServeConfig) -> Iterator[Client]:
    """Resolve what to serve, start an engine for as long as the block takes, and give a client of it."""
    check_startable(config)
    with status("fetching the adapter"):
        served, _ = champion.resolve(config, State.of(config))
    with running(served, config), Client(config) as client:
        yield client


@contextmanager
def running(served: Served, config: ServeConfig, inside: Sequence[str] = ()) -> Iterator[None]:
    """Start the engine behind its guard, wait until it is ready, and stop it at the end of the block.

    `inside` are more words for vLLM, before plume's: the last middleware is the outermost, and that is the guard.
    Raises PlumeError with the line of the log that matters, and where the log is, if it does not start.
    """
    state = State.of(config)
    with hold(state):
        write_state(served, config, state)
        (words, variables), log = vllm_command.here(served, config, inside), _fresh_log()
        with log.open("wb") as output:
            process = subprocess.Popen(
                words,
                env=variables | _store_of_environment(),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for plume, which then drains the engine
            )
        try:
            _wait_ready(process, log, config)
            yield
        finally:
            stop(process, config.drain_timeout)


def _store_of_environment() -> dict[str, str]:
    """Make a relative store of the environment absolute: the engine runs in another folder."""
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    return {"MLFLOW_TRACKING_URI": absolute(uri)} if uri else {}


def _fresh_log() -> Path:
    """Name <home>/serve/engine.log; keep the one before beside it: it says why the last engine died."""
    log = home() / "serve" / "engine.log"
    private_folder(log.parent)
    if log.exists():
        log.replace(log.with_name("engine.previous.log"))
    return log


def _wait_ready(process: subprocess.Popen, log: Path, config: ServeConfig) -> None:
    started = time.monotonic()
    with status("starting the engine") as spinner, Client(config) as client:
        while (elapsed := time.monotonic() - started) < config.startup_timeout:
            if (code := process.poll()) is not None:
                raise PlumeError(f"the engine did not start ({_ending(code)}): {engine_log.cause(log)}; log: {log}")
            if client.is_ready():
                return
            spinner.update(f"starting the engine: {engine_log.phase(log)} ({elapsed:.0f} s)")
            time.sleep(0.5)
    raise PlumeError(
        f"the engine is not ready after {config.startup_timeout} s (it was {engine_log.phase(log)}); "
        f"raise startup_timeout, or see the log: {log}"
    )


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def stop(process: subprocess.Popen, drain_timeout: int) -> None:
    """Send SIGTERM, wait for the drain, then SIGKILL what is left of the process group; at once on a second signal."""
    try:
        with suppress(subprocess.TimeoutExpired), status("stopping the engine"):
            process.terminate()
            process.wait(drain_timeout + KILL_AFTER)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
