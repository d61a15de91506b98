"""Ctrl-C while a command still imports its libraries: it leaves, without a traceback of Python's import system.

Imported first by `plume.cli`; `plume.command.run` takes over. Elsewhere (a notebook, a test) nothing changes.
"""

import os
import signal
import sys


def leave(*_: object) -> None:
    os._exit(130)


_NAME = sys.argv[0].rpartition("/")[2] if sys.argv else ""
if _NAME in ("plume", "cli.py") and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, leave)
