"""The folder of a run: claimed by one process, begun once, gone on with after a kill as if nothing had happened."""

import fcntl
import json
import math
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plume import tracking
from plume.command import stderr
from plume.errors import InputError
from plume.paths import claim_output
from train.config import TrainConfig

if TYPE_CHECKING:  # they take seconds to import, and a refusal needs neither
    from train.checkpoint import Progress
    from train.samples import Samples

CONFIG, RUN, STEPS, DRAFTS, ADAPTER = "config.yaml", "run.json", "steps.jsonl", "drafts.jsonl", "adapter"
PARTIAL = ".adapter-"  # how a folder's name begins that is to become the adapter
_TORCH = ("checkpoint.pt", "checkpoint.previous.pt", "checkpoint.partial", "best.pt", "best.partial")  # last: of old
EXTENDABLE = ("max_steps", "max_epochs", "validation.patience")  # what --resume may change
FILES = (CONFIG, RUN, STEPS, DRAFTS, "dropped.jsonl", "truncated.jsonl", *_TORCH)


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Nobody else trains into `out` meanwhile; the kernel lets go of it however a process ends. Raises InputError."""
    out.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InputError(f"{out}: another process trains into it; wait for it, or name another folder: out=") from None
    finally:
        os.close(descriptor)


def check_begun(config: TrainConfig) -> None:
    """Raise InputError unless `out` holds a run of this config."""
    begun = config.out / CONFIG
    if not begun.is_file():
        force = " and with --force" if config.out.is_dir() and any(config.out.iterdir()) else ""
        raise InputError(f"{config.out}: no run to resume; start one without --resume{force}")
    before, now = (_comparable(each) for each in (TrainConfig.load(begun), config))
    changed = [key for key in {**before, **now} if before.get(key) != now.get(key) and key not in EXTENDABLE]
    if changed:
        there = ", ".join(f"{key}={before.get(key)}" for key in changed)
        here = ", ".join(f"{key}={now.get(key)}" for key in changed)
        raise InputError(
            f"{begun}: was started with another config: {there} there, {here} here; resume with that one, of which "
            f"{', '.join(EXTENDABLE)} alone may change"
        )


def _comparable(config: TrainConfig) -> dict[str, Any]:
    """Every key that must stay as it is: paths however they are written, the folder itself wherever it was moved."""
    return {key: value for key, value in config.flat().items() if key != "out"} | {"data": str(config.data.resolve())}


def begin(config: TrainConfig, samples: "Samples", *, force: bool) -> dict[str, Any]:
    """A folder that holds a run which has not made a step; what run.json says of it."""
    _mark_abandoned(config.out)
    ended = [earlier(config.out, step) for step in noted(config.out).get("ended", [])]
    claim_output(config.out, force=force, holds=FILES, option="out=")
    for left in (config.out / ADAPTER, *ended, *config.out.glob(f"{PARTIAL}*")):
        shutil.rmtree(left, ignore_errors=True)
    for name, pairs in (("dropped", samples.dropped), ("truncated", samples.truncated)):
        rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in pairs)
        (config.out / f"{name}.jsonl").write_text(rows, encoding="utf-8")
    begun = note(config.out, {"key": uuid.uuid4().hex, "samples_sha256": samples.sha256})
    # Last, and in one step: with it there, the folder holds a run that can be resumed.
    _replace(config.out / CONFIG, config.to_yaml())
    return begun


def resume(config: TrainConfig, samples: "Samples", steps: int) -> dict[str, Any]:
    """What run.json says of a run that goes on from its last checkpoint, from its first step if it has none.

    `steps` are those that the config plans: a run that has ended goes on if they, or its patience, were raised; its
    step is then among `ended`. Raises InputError if there is nothing to go on with, if the run was started on other
    samples, or if it is not in MLflow's store.
    """
    from train import checkpoint

    begun = noted(config.out)
    state = checkpoint.load(config.out, tell=lambda line: stderr.print(line, markup=False, soft_wrap=True))
    if begun.get("samples_sha256") != samples.sha256:
        raise InputError(
            f"{config.out}: was started on other samples: the dataset {config.data}, the prompt or the tokenizer was "
            "changed since; bring them back, or train anew with another out="
        )
    at = state["progress"] if state else checkpoint.Progress()
    _check_more(config, begun, at, steps)
    for name in (STEPS, DRAFTS):  # what came after the checkpoint is done again
        log = config.out / name
        if log.is_file():
            *lines, _ = log.read_bytes().split(b"\n")  # the last one is empty, or was cut off by the kill
            _replace(log, b"".join(line + b"\n" for line in lines if json.loads(line)["step"] <= at.step).decode())
    if run_id := begun.get("run_id") or tracking.find_run(begun["key"]):
        tracking.check_run(run_id)
    if begun.get("finished"):
        begun = note(config.out, begun | {"finished": False, "ended": [*begun.get("ended", []), at.step]})
    _replace(config.out / CONFIG, config.to_yaml())
    return begun | {"run_id": run_id}


def _check_more(config: TrainConfig, begun: dict[str, Any], at: "Progress", steps: int) -> None:
    """Raise InputError if the config leaves a run that has ended nothing to do, or ends one before where it stands."""
    if at.step > steps:
        raise InputError(
            f"{config.out}: has made {at.step} steps, this config plans {steps}: raise max_steps or max_epochs"
        )
    if not begun.get("finished"):
        return
    ended = f"{config.out}: is finished, its adapter is never rewritten"
    if not at.step or at.step < begun.get("steps", 0):  # the last checkpoint is gone or damaged
        raise InputError(f"{ended}, and no checkpoint is left to go on from; train anew with another out=")
    if at.stopped and at.stale >= (config.validation.patience or math.inf):
        raise InputError(
            f"{ended}: it stopped early, after {at.stale} validations without a lower loss; to go on, use --resume "
            f"validation.patience={2 * at.stale} (or null), else train anew with another out="
        )
    if at.step == steps:
        raise InputError(
            f"{ended}: it has made its {steps} steps; to go on, use --resume with more max_epochs or max_steps, "
            "else train anew with another out="
        )


def earlier(out: Path, step: int) -> Path:
    """Where the adapter is kept that a run had at `step`, where it had ended before it went on."""
    return out / f"{ADAPTER}-{step}"


def note(out: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Write run.json: the run's key, what it is trained on, its id in MLflow once it has one, and whether it ended."""
    _replace(out / RUN, json.dumps(facts) + "\n")
    return facts


def noted(out: Path) -> dict[str, Any]:
    """What run.json says; empty where there is none."""
    try:
        return json.loads((out / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


@tracking.answering()
def _mark_abandoned(out: Path) -> None:
    """A run that was killed still stands as running in MLflow; once its folder is overwritten it has failed."""
    import mlflow

    begun = noted(out)
    run_id = begun.get("run_id") or tracking.find_run(begun.get("key", ""))
    if not run_id:
        return
    client = mlflow.MlflowClient()
    try:
        run = client.get_run(run_id)
    except mlflow.MlflowException:
        return  # of another store
    if run.info.status == "RUNNING":
        client.set_terminated(run.info.run_id, "FAILED")
