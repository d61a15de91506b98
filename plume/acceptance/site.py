"""Holds what all parts of the acceptance share: the config, the folder in which they work, how commands are run."""

import os
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from plume.command import stderr
from plume.errors import EnvironmentMissing, InputError, PlumeError
from plume.interrupt import deferred
from plume.models import Base, load_tokenizer
from plume.store import sqlite_uri

_RAISED = {2: InputError, 3: EnvironmentMissing}
_PATIENCE = 90  # seconds that a command may take to stop: an engine drains its drafts first


@dataclass(frozen=True)
class Site:
    """Names the training config, as `train.config` types it, the folder of all that the parts leave, parts left out."""

    config: Any
    work: Path
    skip: frozenset[str] = frozenset()
    STORE: ClassVar[str] = "mlflow.db"

    @cached_property
    def base(self) -> Base:
        """Give the base alone, no adapter to start from; without `base.tokens` where these are wrong.

        Part 2 says so, and the rest goes on.
        """
        base = self.config.base.model_copy(update={"adapter": None})
        try:
            load_tokenizer(base)
        except InputError:
            return base.model_copy(update={"tokens": None})
        return base

    @property
    def dataset(self) -> Path:
        return self.work / "dataset"

    @property
    def run(self) -> Path:
        return self.work / "train"

    @property
    def store(self) -> str:
        """A store of its own: nothing of the acceptance is registered beside the user's versions."""
        return sqlite_uri(self.work / self.STORE)


def plume(*words: object, module: str = "plume.cli") -> None:
    """Run a plume command as a process of its own, so that what it took of a GPU is free when it ends.

    Its lines go to stderr as they come; the last one is what is raised if it fails. Raises PlumeError.
    """
    told = [str(word) for word in words]
    last: deque[str] = deque(maxlen=1)
    process = None
    try:
        with deferred():  # else Ctrl-C could come between the start and the name
            process = subprocess.Popen(
                [sys.executable, "-m", module, *told],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is for this process, which hands it on once
            )
        for line in process.stdout:
            stderr.print(f"    {line.rstrip()}", style="dim")
            last.extend([line.strip()] if line.strip() else [])
        code = process.wait()
    finally:
        if process:
            _stop(process)
    if code < 0:
        raise PlumeError(
            f"{told[0]}: was ended by {signal.Signals(-code).name}; its last line: {''.join(last) or 'none'}"
        )
    if code:
        raise _RAISED.get(code, PlumeError)(
            "".join(last).removeprefix("plume: ") or f"{told[0]}: ended with exit code {code}"
        )


def _stop(process: subprocess.Popen) -> None:
    """Stop a command as Ctrl-C does, so that it leaves nothing behind; kill it if it takes too long."""
    try:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
