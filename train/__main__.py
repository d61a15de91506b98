"""`python -m train …` is `plume train …`; torchrun needs a module. Of its processes the first speaks for all."""

import io
import os
import sys
import time
from contextlib import redirect_stderr, suppress

from plume.command import is_other_rank, run
from train.cli import app


def _run_silently() -> None:
    """What this process would refuse, the first one refuses; what befalls it alone, once all have begun, it says."""
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            run(app, "plume train")
    except SystemExit as leaving:
        if leaving.code:  # torchrun ends the others as soon as one has left: the first is to have its say
            if _has_joined() and (lines := told.getvalue().strip().splitlines()):
                print(f"process {os.environ.get('RANK')}: {lines[-1]}", file=sys.stderr, flush=True)  # noqa: T201
            with suppress(KeyboardInterrupt):
                time.sleep(20)
        raise


def _has_joined() -> bool:
    """Whether the processes have begun together; what one refuses in `processes.together` leaves without a word."""
    distributed = sys.modules.get("torch.distributed")
    return distributed is not None and distributed.is_initialized()


if __name__ == "__main__":
    _run_silently() if is_other_rank() else run(app, "plume train")
