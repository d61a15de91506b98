"""Runs vLLM's own API server as `plume serve` becomes it: starts the maskers beside its load, says how far it is.

    python -m serve.entry VLLM_ARGUMENTS…      PLUME_SERVE_STATE names the state folder

Nothing else of vLLM is changed. Until requests are taken, Ctrl-C and SIGTERM end the process and what it started at
once: there is nothing to drain, and nobody wants the tracebacks of what was interrupted.
"""

import os
import shlex
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from plume.paths import usual_home
from serve.server_log import tell

if TYPE_CHECKING:
    from serve.state import State

_GUARD = "the engine is loaded, waiting for the maskers"
EVERY = 30  # seconds between two lines of a start
_EXAMPLE = '{"review": "Deux mois sans réponse pour mon passeport."}'
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Run the server. Raises what vLLM raises."""
    _leave_on(_SIGNALS)  # before the imports that take a while
    os.register_at_fork(after_in_child=_leave_to_parent)
    from serve.client import Client
    from serve.state import VARIABLE, Started, State

    state = State(Path(os.environ[VARIABLE]))
    config = Started.read(state).config
    start = Start(config, state)
    # A thread: the engine's load keeps the event loop. What it needs is imported by now: vLLM forks the engine off.
    start.say("importing vLLM")
    threading.Thread(target=start.tell, args=(Client(config),), daemon=True).start()
    from vllm.entrypoints.launchers.api_server import entry

    serve = entry.run_server_worker

    async def beside(*arguments: Any, **options: Any) -> None:
        from serve.guard import maskers

        _leave_on(_SIGNALS)  # vLLM has just put its own handler of SIGTERM there; once it listens, the guard's counts
        start.say(f"loading the model and its adapters; {config.maskers} maskers start beside it")
        maskers.beside = maskers.Maskers(config.maskers, config.mask_timeout, when_awaited=lambda: start.say(_GUARD))
        await maskers.beside.begin()
        await serve(*arguments, **options)

    entry.run_server_worker = beside
    entry.main()


def _leave_on(signals: tuple[signal.Signals, ...]) -> None:
    for each in signals:
        signal.signal(each, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)  # blocked since before this process began to be Python


def _leave_to_parent() -> None:
    """Block Ctrl-C in the engine's process: a terminal sends it to all, and the server stops the engine itself."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))


def _leave(number: int, _: Any) -> None:
    """End this process and what it started, without a traceback."""
    if os.getpid() != _MAIN:  # the engine, forked off, which has no handler of its own yet
        os._exit(128 + number)
    tell(f"interrupted by {signal.Signals(number).name} while it was starting")
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            # But what frees the shared memory of those that are killed: it leaves by itself.
            if "multiprocessing.resource_tracker" not in " ".join(child.cmdline()):
                child.kill()
    if number == signal.SIGINT:
        os._exit(130)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


class Start:
    """Says every 30 s what a starting server does, and at last how to get a draft from it."""

    def __init__(self, config: Any, state: "State") -> None:
        self._config, self._state = config, state
        self._phase, self._said = "", time.monotonic()

    def say(self, phase: str) -> None:
        self._phase, self._said = phase, time.monotonic()
        tell(f"starting: {phase}{_age()}")

    def tell(self, client: Any) -> None:
        """Say how far the start is, until the server is ready."""
        warned = False
        while not client.is_ready():
            if time.monotonic() > self._said + EVERY:
                self.say(self._phase)
            if not warned and (warned := time.time() > _begun() + self._config.startup_timeout):
                tell(f"not ready after startup_timeout={self._config.startup_timeout} s; it goes on trying")
            time.sleep(0.5)
        tell("\n  ".join([f"ready{_age()}: drafts on {client.where}, with", *how_to_ask(self._config, self._state)]))


def how_to_ask(config: Any, state: "State") -> list[str]:
    """Write the lines for a shell that get a draft: a key if nobody has one, and the request."""
    from serve import keys

    plume = "plume" if shutil.which("plume") else shlex.quote(str(Path(sys.executable).parent / "plume"))
    where = "" if state.folder == usual_home() / "serve" else f" {shlex.quote(f'state={state.folder}')}"
    holders = [name for name, entry in keys.known(state).items() if entry.role == "client"]
    key = f"KEY=$({plume} serve key add agents{where})"
    if holders:
        key = f"KEY=…   # the key of {', '.join(sorted(holders))}; one more: {plume} serve key add NAME{where}"
    socket = f"--unix-socket {shlex.quote(str(config.socket))} " if config.socket else ""
    headers = "-H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json'"
    return [key, f"curl {socket}{config.url}/v1/drafts {headers} -d '{_EXAMPLE}'"]


def _begun() -> float:
    """Give the time when this process began as `plume serve`, in seconds since the epoch."""
    return psutil.Process().create_time()


def _age() -> str:
    return f" ({time.time() - _begun():.0f} s)"


_MAIN = os.getpid()

if __name__ == "__mp_main__":  # where vLLM does not fork but begins anew, as on a GPU in use
    _leave_to_parent()
if __name__ == "__main__":
    main()
