"""`python -m train …` is `plume train …`; torchrun needs a module. Of its processes the first speaks for all."""

import io
import os
import sys
import time
from contextlib import redirect_stderr, suppress

from plume.command import is_other_rank, run
from train.cli import app

_NAME = "plume train"


def _run_silently() -> None:
    """What this process would refuse, the first one refuses; what befalls it alone, once all have begun, it passes on.

    The first one then says it, once.
    """
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            run(app, _NAME)
    except SystemExit as leaving:
        if leaving.code in (None, 0, 130):
            raise
        last = told.getvalue().strip().rpartition("\n")[2]
        if last.startswith(f"{_NAME}: ") and _has_joined():  # else it is some library's warning
            sys.modules["train.processes"].leave_last_words(leaving.code, last.removeprefix(f"{_NAME}: "))
        else:  # torchrun ends all once one has left: the first is to have its say
            with suppress(KeyboardInterrupt, SystemExit):
                time.sleep(20)
        raise


def _has_joined() -> bool:
    """Whether the processes have begun together: the first one then listens to the others' last words."""
    return "train.processes" in sys.modules and sys.modules["train.processes"].count() > 1


if __name__ == "__main__":
    try:
        _run_silently() if is_other_rank() else run(app, _NAME)
    except SystemExit as leaving:
        if leaving.code and _has_joined():  # torch, torn down, may wait for processes that have gone
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(leaving.code)
        raise
