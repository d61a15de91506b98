"""The engine: vLLM's exact command and environment, started, watched until it answers, and stopped with nothing left.

One path for the GPU and the CPU build; they differ by a few flags and variables.
"""

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
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from plume.adapters import TEMPLATE
from plume.command import status
from plume.engine import UNSAFE, max_lora_rank
from plume.engine import variables as shared_variables
from plume.errors import EnvironmentMissing, InputError, PlumeError
from plume.paths import home
from serve import log as engine_log
from serve.champion import Served
from serve.config import ServeConfig

# Greedy: a version always writes the same draft for the same review, as in evaluation.
DECODING = {"temperature": 0.0}
BASE_NAME = "base"  # the model without its adapter, as clients call it
KILL_AFTER = 15  # seconds beyond the drain


def command(served: Served, config: ServeConfig, *, gpu: bool) -> list[str]:
    """vLLM's command line. As a module: the `vllm` script of the CPU build does not start. Pure."""
    adapter = {"name": served.name, "path": str(served.adapter.folder), "base_model_name": BASE_NAME}
    words = {
        "--model": served.model,
        "--served-model-name": BASE_NAME,
        "--host": config.host,
        "--port": config.port,
        "--dtype": config.dtype or ("bfloat16" if gpu else "float32"),
        "--max-model-len": config.max_model_len or (4096 if gpu else 2048),
        "--max-lora-rank": max_lora_rank(served.adapter.rank),
        "--max-loras": 1,
        "--lora-modules": json.dumps(adapter),
        "--chat-template": served.adapter.folder / TEMPLATE,
        "--chat-template-content-format": "string",
        "--generation-config": "vllm",  # not the base's own sampling, but plume's for whoever names none
        "--override-generation-config": json.dumps({**DECODING, "max_new_tokens": config.max_new_tokens}),
        "--max-num-queued-reqs": config.max_queued_requests,
        "--shutdown-timeout": config.drain_timeout,
    }
    if gpu:
        words["--gpu-memory-utilization"] = config.gpu_memory_utilization
    flags = ["--enable-lora", "--disable-fastapi-docs", "--disable-uvicorn-access-log"]
    if not gpu:
        flags.append("--enforce-eager")  # compiling takes minutes on a CPU
    module = [sys.executable, "-m", "vllm.entrypoints.launchers.api_server.entry"]
    return [*module, *(str(word) for pair in words.items() for word in pair), *flags]


def variables(config: ServeConfig, *, cache: Path, gpu: bool, cores: Sequence[int]) -> dict[str, str]:
    """The environment variables that plume decides on. Pure; see `plume.engine.variables`."""
    return shared_variables(cache=cache, gpu=gpu, cores=cores, cpu_kv_cache_gib=config.cpu_kv_cache_gib)


def environment(inherited: Mapping[str, str], decided: Mapping[str, str]) -> dict[str, str]:
    """The engine's whole environment: the inherited one without what is unsafe, then what plume decides. Pure."""
    return {key: value for key, value in inherited.items() if key not in UNSAFE} | dict(decided)


def shown(served: Served, config: ServeConfig) -> str:
    """The command with its variables, as a line for a shell."""
    gpu = has_gpu()
    without = [word for name in UNSAFE for word in ("-u", name)]
    decided = [f"{key}={value}" for key, value in _variables(config, gpu=gpu).items()]
    return shlex.join(["env", *without, *decided, *command(served, config, gpu=gpu)])


def has_gpu() -> bool:
    """Whether torch sees a CUDA device."""
    import torch

    return torch.cuda.is_available()


def _folder() -> Path:
    return home() / "serve"


def _variables(config: ServeConfig, *, gpu: bool) -> dict[str, str]:
    return variables(config, cache=_folder() / "cache", gpu=gpu, cores=sorted(os.sched_getaffinity(0)))


@dataclass(frozen=True)
class Engine:
    """A running engine that answers at `url`."""

    url: str
    log: Path
    process: subprocess.Popen

    def wait(self) -> None:
        """Return only by an exception: PlumeError if the engine ends by itself, whatever a signal raises otherwise."""
        code = self.process.wait()
        raise PlumeError(
            f"the engine stopped by itself ({_ending(code)}): {engine_log.cause(self.log)}; log: {self.log}"
        )


def check_startable(config: ServeConfig) -> None:
    """Refuse what is known to fail before the slow start: vLLM not installed, port in use."""
    if find_spec("vllm") is None:
        raise EnvironmentMissing("vLLM is not installed; mend it with: make install")
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
def running(served: Served, config: ServeConfig) -> Iterator[Engine]:
    """Start the engine, wait until it answers, and stop it at the end of the block, however that is left.

    Raises PlumeError with the line of the log that matters, and where the log is, if it does not start.
    """
    gpu, log = has_gpu(), _fresh_log()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(served, config, gpu=gpu),
            env=environment(os.environ, _variables(config, gpu=gpu)),
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for plume, which then drains the engine
        )
    engine = Engine(config.url, log, process)
    try:
        _wait_ready(engine, config.startup_timeout)
        yield engine
    finally:
        stop(process, config.drain_timeout)


def _fresh_log() -> Path:
    """<home>/serve/engine.log; the one before is kept beside it: it says why the last engine died."""
    log = _folder() / "engine.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name("engine.previous.log"))
    return log


def _wait_ready(engine: Engine, timeout: int) -> None:
    import requests

    session = requests.Session()
    session.trust_env = False
    started = time.monotonic()
    with status("starting the engine") as spinner:
        while (elapsed := time.monotonic() - started) < timeout:
            if (code := engine.process.poll()) is not None:
                raise PlumeError(
                    f"the engine did not start ({_ending(code)}): {engine_log.cause(engine.log)}; log: {engine.log}"
                )
            with suppress(requests.RequestException):
                if session.get(f"{engine.url}/health", timeout=5).ok:
                    return
            spinner.update(f"starting the engine: {engine_log.phase(engine.log)} ({elapsed:.0f} s)")
            time.sleep(0.5)
    raise PlumeError(
        f"the engine is not ready after {timeout} s (it was {engine_log.phase(engine.log)}); "
        f"raise startup_timeout, or see the log: {engine.log}"
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
