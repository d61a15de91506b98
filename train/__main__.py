"""`python -m train …` is `plume train …`; torchrun needs a module. Of its processes the first speaks for all."""

import os
import time
from contextlib import redirect_stderr, suppress
from pathlib import Path

from plume.command import is_other_rank, run
from train.cli import app


def _run_silently() -> None:
    """What this process would refuse, the first one refuses; what nobody foresaw is still a traceback."""
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        try:
            run(app, "plume train")
        except SystemExit as leaving:
            if leaving.code:  # torchrun ends the others as soon as one has left: the first is to have its say
                with suppress(KeyboardInterrupt):
                    time.sleep(20)
            raise


if __name__ == "__main__":
    _run_silently() if is_other_rank() else run(app, "plume train")
