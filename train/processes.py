"""The processes of a run: they begin together, add up what they computed, and end together.

The first one writes, logs, decides and speaks. What another one cannot cope with it leaves in the store that all share,
where the first finds it.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from plume.errors import EnvironmentMissing, InputError, PlumeError, first_line

_T = TypeVar("_T")
LAUNCHED = "PLUME_LAUNCHED"  # the variable that `train.launch` sets, which says itself how its processes ended
KILLED = "ended without a word, perhaps killed for memory; --resume goes on from the last checkpoint"
_LAST_WORDS = "plume.last_words"  # the store's key: exit code and line of the first other process that failed
_shared: list[dist.Store] = []  # the store, once this process has joined


def join() -> None:
    """Join the other processes if torchrun started this one, each with a GPU of its own."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        return
    device = None
    if torch.cuda.is_available():
        here, there = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
        if here > there:  # all of the machine refuse: the first one is to say it
            raise EnvironmentMissing(f"{here} processes on this machine, which has {there} GPUs: start no more")
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    store, rank, processes = next(rendezvous("env://"))
    _shared[:] = [store]
    dist.init_process_group(
        "nccl" if device else "gloo", store=store, rank=rank, world_size=processes, device_id=device
    )


def leave() -> None:
    """Part from the other processes, at the end."""
    if dist.is_initialized():
        dist.destroy_process_group()


def is_first() -> bool:
    """Whether this is the process that writes, logs and speaks."""
    return rank() == 0


def launched() -> bool:
    """Whether `train.launch` started this process."""
    return LAUNCHED in os.environ


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


# What they give each other.


def all_told(value: Any) -> list[Any]:
    """Give what each process told here, by rank; every process must come by."""
    if not dist.is_initialized():
        return [value]
    told: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(told, value)
    return told


def of_first(value: Any) -> Any:
    """Give the first process's value, whatever the others have; every process must come by."""
    if not dist.is_initialized():
        return value
    values = [value if is_first() else None]
    dist.broadcast_object_list(values, src=0)
    return values[0]


def add_up(tensors: Sequence[torch.Tensor]) -> None:
    """Replace tensors by their sums over all processes: one message in float32, however many there are."""
    if dist.is_initialized():
        _as_one(tensors, dist.all_reduce)


def copy_from_first(tensors: Sequence[torch.Tensor]) -> None:
    """Replace tensors by those of the first process."""
    if dist.is_initialized():
        _as_one(tensors, lambda flat: dist.broadcast(flat, src=0))


@torch.no_grad()
def _as_one(tensors: Sequence[torch.Tensor], send: Any) -> None:
    flat = torch.cat([tensor.flatten().float() for tensor in tensors])
    send(flat)
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


# How they refuse and end together.


@contextmanager
def together() -> Iterator[None]:
    """What one process refuses in here, all do: the first raises it, the others leave with its exit code, silent.

    Without it, those that found nothing wrong go on and fail, at length, once the one that did is gone.
    """
    error: Exception | None = None
    try:
        yield
    except Exception as raised:
        error = raised
    with unless_left_alone():
        refusals = all_told(error and (getattr(error, "exit_code", 1), f"{error}")) if dist.is_initialized() else []
    for number, (code, message) in ((i, each) for i, each in enumerate(refusals) if each):
        if not is_first():
            raise SystemExit(code)
        error = error or _error(code, f"process {number}: {message}")
    if error:
        raise error


def first_then_others(make: Callable[[], _T]) -> _T:
    """Make something on the first process, then on the others, which find what that one left for them."""
    with together():
        made = make() if is_first() else None
    with together():
        return made if is_first() else make()


def check_alike(given: dict[str, str]) -> None:
    """Raise InputError unless every process was given the same: on several machines, files and commands may differ."""
    for number, other in enumerate(all_told(given)):
        if differing := [what for what in given if other.get(what) != given[what]]:
            raise InputError(f"process {number} has another {differing[0]} than this one; start all with the same")


@contextmanager
def unless_left_alone() -> Iterator[None]:
    """End in one line, that of the first process, if another one's end stops this one: what that one said of it."""
    try:
        yield
    except PlumeError:
        if is_first() and count() > 1:  # what stops all at once, such as a loss that is no number: the others end first
            _hear_no_more_of_it()
        raise
    except (RuntimeError, KeyboardInterrupt) as error:
        said = last_words()
        if said and is_first():
            _hear_no_more_of_it()
            raise _error(*said) from None
        if isinstance(error, KeyboardInterrupt) or not _is_of_another(error):
            raise
        if not is_first():
            raise SystemExit(1) from None
        if launched():  # torchrun ends this process meanwhile if another is dead, and `train.launch` says of which
            time.sleep(5)
        _hear_no_more_of_it()
        raise PlumeError(f"another process of this run has {KILLED} ({first_line(error)})") from None


def _hear_no_more_of_it() -> None:
    """Let torchrun's SIGTERM, which follows another process's end, not cut short what this one does about it."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _is_of_another(error: BaseException) -> bool:
    told = str(error)
    return isinstance(error, dist.DistError) or " by peer" in told or "Broken pipe" in told


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has done what it was given, and hear signals and other processes' last words meanwhile.

    NCCL waits for a process that has gone: a plain wait for the device would never end.
    """
    if device.type != "cuda" or not dist.is_initialized():
        return
    done, look = torch.cuda.Event(), time.monotonic() + 1
    done.record()
    while not done.query():
        time.sleep(0.0005)
        if time.monotonic() > look:
            look = time.monotonic() + 1
            if said := last_words():
                raise _error(*said) if is_first() else SystemExit(said[0])


def leave_last_words(code: int, line: str) -> None:
    """Say to the first process why this one ends. The first that leaves any is the cause; the others follow from it."""
    with suppress(RuntimeError):  # whoever held the store has ended as well
        _shared[0].compare_set(_LAST_WORDS, "", f"{code} process {rank()}: {line}")


def last_words() -> tuple[int, str] | None:
    """Exit code and line of the process that failed; None if none did, or could say so."""
    with suppress(RuntimeError):
        if _shared and _shared[0].check([_LAST_WORDS]):
            code, _, line = _shared[0].get(_LAST_WORDS).decode().partition(" ")
            return int(code), line
    return None


def _error(code: int, message: str) -> PlumeError:
    return {2: InputError, 3: EnvironmentMissing}.get(code, PlumeError)(message)


# Each one's random numbers: dropout in one process is not that in another.


def seed_apart(seed: int, step: int) -> None:
    """Give every process but the first random numbers of its own; the first goes on with those that it has."""
    if not is_first():
        torch.manual_seed((seed + 1_000_003 * rank() + step) % 2**63)


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """Where this process's random numbers stand: the processor's, and its own GPU's."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Go on with random numbers where `random_state` found them."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


@contextmanager
def own_random_numbers(device: torch.device) -> Iterator[None]:
    """Leave random numbers as they were before. Other GPUs, which are other processes' own, are not touched."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
