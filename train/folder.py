"""The folder of a run: claimed by one process, begun once, gone on with after a kill as if nothing had happened."""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plume import tracking
from plume.errors import InputError
from plume.paths import claim_output
from train import checkpoint
from train.config import TrainConfig
from train.samples import Samples

CONFIG, RUN, STEPS, DRAFTS, ADAPTER = "config.yaml", "run.json", "steps.jsonl", "drafts.jsonl", "adapter"
PARTIAL = ".adapter-"  # how a folder's name begins that is to become the adapter
_TORCH = ("checkpoint.pt", "checkpoint.partial", "best.pt", "best.partial")
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
    if begun.read_text(encoding="utf-8") != config.to_yaml():
        raise InputError(f"{config.out}: was started with another config ({begun}); resume with that one")


def begin(config: TrainConfig, samples: Samples, *, force: bool) -> dict[str, Any]:
    """A folder that holds a run which has not made a step; what run.json says of it."""
    _mark_abandoned(config.out)
    claim_output(config.out, force=force, holds=FILES, option="out=")
    for left in (config.out / ADAPTER, *config.out.glob(f"{PARTIAL}*")):
        shutil.rmtree(left, ignore_errors=True)
    for name, pairs in (("dropped", samples.dropped), ("truncated", samples.truncated)):
        rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in pairs)
        (config.out / f"{name}.jsonl").write_text(rows, encoding="utf-8")
    begun = note(config.out, {"key": uuid.uuid4().hex, "samples_sha256": samples.sha256})
    # Last, and in one step: with it there, the folder holds a run that can be resumed.
    _replace(config.out / CONFIG, config.to_yaml())
    return begun


def resume(config: TrainConfig, samples: Samples) -> dict[str, Any]:
    """What run.json says of a run that goes on from its last checkpoint, from its first step if it has none.

    Raises InputError if it is finished, was started on other samples, or is not in MLflow's store.
    """
    begun = noted(config.out)
    if begun.get("finished"):
        raise InputError(f"{config.out}: is finished, its adapter is never rewritten; train anew with another out=")
    if begun.get("samples_sha256") != samples.sha256:
        raise InputError(
            f"{config.out}: was started on other samples: the dataset {config.data}, the prompt or the tokenizer was "
            "changed since; bring them back, or train anew with another out="
        )
    step = checkpoint.load(config.out)["progress"].step if (config.out / checkpoint.LATEST).is_file() else 0
    for name in (STEPS, DRAFTS):  # what came after the checkpoint is done again
        log = config.out / name
        if log.is_file():
            *lines, _ = log.read_bytes().split(b"\n")  # the last one is empty, or was cut off by the kill
            _replace(log, b"".join(line + b"\n" for line in lines if json.loads(line)["step"] <= step).decode())
    if run_id := begun.get("run_id") or tracking.find_run(begun["key"]):
        tracking.check_run(run_id)
    return begun | {"run_id": run_id}


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
