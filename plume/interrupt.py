"""Handles Ctrl-C before a command runs, and while a write must not be cut in two.

While a command still imports its libraries it leaves, without a traceback of Python's import system. Imported first by
`plume.cli`; `plume.command.run` takes over. Elsewhere (a notebook, a test) nothing changes.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def leave(*_: object) -> None:
    os._exit(130)


_NAME = sys.argv[0].rpartition("/")[2] if sys.argv else ""
if _NAME in ("plume", "cli.py") and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, leave)


@contextmanager
def deferred() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block has ended. A second signal does not wait.

    An exception in the middle of a database's transaction can leave it locked for the rest of the process; one between
    two renames leaves half of the results.
    """
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        handler = before[number]
        if came and callable(handler):
            handler(number, frame)
        came.append(number)

    before: dict[int, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.getsignal(number)
            signal.signal(number, note)
    except ValueError:  # only the main thread gets signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
