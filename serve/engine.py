"""The engine: vLLM's exact command and environment, started, watched until it answers, and stopped with nothing left.

One path for the GPU and the CPU build; they differ by a few flags and variables.
"""

import ctypes
import fcntl
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from plume.adapters import TEMPLATE
from plume.command import status
from plume.engine import UNSAFE, max_lora_rank
from plume.engine import variables as shared_variables
from plume.errors import EnvironmentMissing, InputError, PlumeError, without_secrets
from plume.paths import home
from plume.store_uri import absolute
from serve import alias
from serve import log as engine_log
from serve import state as files
from serve.champion import Served
from serve.client import Client
from serve.config import ServeConfig
from serve.state import VARIABLE, State

# Greedy: a version always writes the same draft for the same review, as in evaluation.
DECODING = {"temperature": 0.0}
KNOWN = 16  # adapters that the engine may know at once; one that it forgets and cannot find again would end it
BASE_NAME = "base"  # the model without its adapter, as clients call it
FORCED_AFTER = 20  # seconds beyond the drain, after which the server ends itself
KILL_AFTER = 25  # and after which it is killed
HAND_OVER = 20  # seconds that what is left of a killed server has to let go of its state folder


def command(served: Served, config: ServeConfig, *, gpu: bool) -> list[str]:
    """vLLM's command line, below plume's own first words: `serve.entry` hands it on. Pure."""
    adapters = [
        json.dumps({"name": deployed.name, "path": deployed.folder, "base_model_name": BASE_NAME})
        for deployed in served.adapters
    ]
    words = {
        "--model": served.model,
        "--served-model-name": BASE_NAME,
        **({"--uds": config.socket} if config.socket else {"--host": config.host, "--port": config.port}),
        "--dtype": dtype(config, gpu=gpu),
        "--max-model-len": max_model_len(config, gpu=gpu),
        "--max-lora-rank": max_lora_rank(config.max_lora_rank),
        "--max-loras": 2,  # champion and challenger in one batch
        "--max-cpu-loras": KNOWN,
        "--chat-template": Path(served.aliases.champion.folder) / TEMPLATE,
        "--chat-template-content-format": "string",
        "--generation-config": "vllm",  # not the base's own sampling, but plume's for whoever names none
        "--override-generation-config": json.dumps({**DECODING, "max_new_tokens": config.max_new_tokens}),
        "--max-num-queued-reqs": config.max_queued_requests,
        "--shutdown-timeout": config.drain_timeout,
        "--middleware": "serve.guard.Guard",
    }
    if gpu:
        words["--gpu-memory-utilization"] = config.gpu_memory_utilization
    flags = ["--enable-lora", "--disable-fastapi-docs", "--disable-uvicorn-access-log"]
    if not gpu:
        flags.append("--enforce-eager")  # compiling takes minutes on a CPU
    module = [sys.executable, "-m", "serve.entry"]
    told = [*module, *(str(word) for pair in words.items() for word in pair), *flags]
    return [*told, "--lora-modules", *adapters]


def dtype(config: ServeConfig, *, gpu: bool) -> str:
    return config.dtype or ("bfloat16" if gpu else "float32")


def max_model_len(config: ServeConfig, *, gpu: bool) -> int:
    return config.max_model_len or (4096 if gpu else 2048)


def variables(config: ServeConfig, *, cache: Path, gpu: bool, cores: Sequence[int]) -> dict[str, str]:
    """The environment variables that plume decides on. Pure; see `plume.engine.variables`.

    Adapters may be loaded at run time, which opens routes to anybody: the guard closes them again.
    """
    shared = shared_variables(cache=cache, gpu=gpu, cores=cores, cpu_kv_cache_gib=config.cpu_kv_cache_gib)
    store = {"MLFLOW_TRACKING_URI": config.tracking_uri} if config.tracking_uri else {}  # whole: the state has it bare
    return {**shared, **store, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1", VARIABLE: str(config.folder)}


def environment(inherited: Mapping[str, str], decided: Mapping[str, str]) -> dict[str, str]:
    """The engine's whole environment: the inherited one without what is unsafe, then what plume decides. Pure."""
    return {key: value for key, value in inherited.items() if key not in UNSAFE} | dict(decided)


def shown(served: Served, config: ServeConfig) -> str:
    """The command with its variables, as a line for a shell; a store's password is yours to add."""
    gpu = has_gpu()
    without = [word for name in UNSAFE for word in ("-u", name)]
    decided = [f"{key}={without_secrets(value)}" for key, value in _variables(config, gpu=gpu).items()]
    return shlex.join(["env", *without, *decided, *command(served, config, gpu=gpu)])


@contextmanager
def hold(state: State) -> Iterator[None]:
    """One server a state folder: the lock goes on to the process that this one becomes. Raises InputError."""
    state.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(state.folder, os.O_RDONLY)
    try:
        until = time.monotonic() + HAND_OVER
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise InputError(
                        f"{state.folder}: a server runs with this state folder already; stop it, name its socket or "
                        "port, or give this one a folder of its own: state=FOLDER"
                    ) from None
                time.sleep(0.2)
        os.set_inheritable(descriptor, True)
        yield
    finally:
        os.close(descriptor)


def write_state(served: Served, config: ServeConfig, state: State) -> None:
    """What the guard reads when the engine makes it. Raises InputError if the disk refuses."""
    gpu = has_gpu()
    state.admin_key()
    state.drain.unlink(missing_ok=True)
    alias.write(state, served.aliases, among=served.adapters)
    started = {
        "config": config.model_dump(mode="json"),
        "base": served.base.model_dump(mode="json"),
        "stop_token_id": served.stop_token_id,
        "dtype": dtype(config, gpu=gpu),
        "max_model_len": max_model_len(config, gpu=gpu),
    }
    files.write(state.serve, started)


def become(served: Served, config: ServeConfig) -> None:
    """Replace this process by the engine: systemd's signals reach it, and its log is this one's output."""
    gpu = has_gpu()
    words = command(served, config, gpu=gpu)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))  # not lost meanwhile: see serve.entry
    os.umask(0o007)  # the socket is for a group shared with nginx, and nobody else
    os.execvpe(words[0], words, environment(os.environ, _variables(config, gpu=gpu)))  # noqa: S606 - no shell


def has_gpu() -> bool:
    """Whether torch sees a CUDA device. Where that cannot be, torch is not asked: it takes seconds to import."""
    try:
        ctypes.CDLL("libcuda.so.1")  # NVIDIA's driver
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()


def _folder() -> Path:
    return home() / "serve"


def _variables(config: ServeConfig, *, gpu: bool) -> dict[str, str]:
    return variables(config, cache=_folder() / "cache", gpu=gpu, cores=sorted(os.sched_getaffinity(0)))


def check_startable(config: ServeConfig) -> None:
    """Refuse what is known to fail before the slow start: vLLM not installed, port in use."""
    if find_spec("vllm") is None:
        raise EnvironmentMissing("vLLM is not installed; mend it with: make install")
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
def running(served: Served, config: ServeConfig) -> Iterator[None]:
    """Start the engine behind its guard, wait until it is ready, and stop it at the end of the block.

    Raises PlumeError with the line of the log that matters, and where the log is, if it does not start.
    """
    state = State(config.folder)
    with hold(state):
        write_state(served, config, state)
        yield from _running(served, config)


def _running(served: Served, config: ServeConfig) -> Iterator[None]:
    gpu, log = has_gpu(), _fresh_log()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(served, config, gpu=gpu),
            env=environment(os.environ, _variables(config, gpu=gpu)) | _store_of_environment(),
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
    """The engine runs in another folder."""
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    return {"MLFLOW_TRACKING_URI": absolute(uri)} if uri else {}


def _fresh_log() -> Path:
    """<home>/serve/engine.log; the one before is kept beside it: it says why the last engine died."""
    log = _folder() / "engine.log"
    log.parent.mkdir(parents=True, exist_ok=True)
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
    """SIGTERM, time to drain, then SIGKILL for what is left of the process group; at once on a second signal."""
    try:
        with suppress(subprocess.TimeoutExpired), status("stopping the engine"):
            process.terminate()
            process.wait(drain_timeout + KILL_AFTER)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
