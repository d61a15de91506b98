"""`python -m train …` is `plume train …`; torchrun needs a module. Of its processes the first speaks for all."""

import os
from contextlib import redirect_stderr
from pathlib import Path

from plume.command import is_other_rank, run
from train.cli import app

if __name__ == "__main__":
    if is_other_rank():  # what it would refuse, the first refuses; what nobody foresaw is still a traceback
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            run(app, "plume train")
    else:
        run(app, "plume train")
