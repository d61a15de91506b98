"""Start the processes of a run on this machine, one a GPU, by torchrun, and say in one line how they ended."""

import logging
import os
from signal import SIGTERM, Signals

from plume.command import stderr
from plume.errors import EnvironmentMissing, PlumeError
from train.processes import KILLED, LAUNCHED
from train.run import INTERRUPTED

GRACE = 20  # seconds that the others have to end in, after one has


def launch(count: int, words: list[str]) -> None:
    """Run `plume train` with these words in `count` processes. The first of them speaks; ends with its exit code."""
    import torch
    from torch.distributed import run as torchrun
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    if torch.cuda.is_available() and count > (there := torch.cuda.device_count()):
        raise EnvironmentMissing(f"--processes {count}: this machine has {there} GPUs, and each process takes one")
    os.environ[LAUNCHED] = "true"
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, torch.get_num_threads() // count)))
    os.environ.setdefault("PYTHONSAFEPATH", "1")  # what the current folder calls `train` is not this one
    options = ["--standalone", f"--nproc-per-node={count}", f"--shutdown-timeout={GRACE}", "-m", "train"]
    logging.disable()  # torchrun's own words on a process that ended
    try:
        torchrun.run(torchrun.parse_args([*options, *words]))
    except SignalException as error:
        stderr.print(INTERRUPTED)
        raise KeyboardInterrupt from error
    except ChildFailedError as error:
        _tell(count, {rank: failure.exitcode for rank, failure in sorted(error.failures.items())})
    finally:
        logging.disable(logging.NOTSET)


def _tell(count: int, codes: dict[int, int]) -> None:
    """End as the processes did that torchrun names with their exit codes; those that signals ended are negative."""
    for rank, code in codes.items():
        if code < 0 and -code != SIGTERM:  # which torchrun sends to the others
            raise PlumeError(f"process {rank} of {count} has {KILLED} ({Signals(-code).name})") from None
    if (code := max(codes.values())) in (-SIGTERM, 130):  # somebody ended one of them
        stderr.print(INTERRUPTED)
        raise KeyboardInterrupt from None
    raise SystemExit(code) from None  # whoever failed has said why
