"""The folder of a run: claimed by one process, begun once, gone on with after a kill as if nothing had happened."""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plume import canaries, tracking
from plume.command import stderr
from plume.errors import InputError
from plume.files import locked, make_folder, read_object, telling, to_jsonl, whole_lines, write
from plume.lineage import STARTED_FROM
from plume.output import MEMORY, check_folder, claim
from plume.output import RUN as RUN_FOLDER
from train import early_stopping
from train.config import MAKE_ROOM, TrainConfig, left_to_card

if TYPE_CHECKING:  # they take seconds to import, and a refusal needs neither
    from train.checkpoint import Standing
    from train.samples import Samples

CONFIG, RUN, STEPS, DRAFTS, ADAPTER = "config.yaml", "run.json", "steps.jsonl", "drafts.jsonl", "adapter"
PARTIAL = ".adapter-"  # how a folder's name begins that is to become the adapter
_AGAIN = "make room, then start again with --force"  # where nothing can be resumed yet
EXTENDABLE = ("max_steps", "max_epochs", early_stopping.KEY)  # what --resume may change


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Nobody else trains into `out` meanwhile; the kernel lets go of it however a process ends. Raises InputError."""
    with telling(out, "name another folder: out="):
        make_folder(out)
    with locked(out, f"{out}: another process trains into it; wait for it, or name another folder: out=", wait=0):
        yield


def check(config: TrainConfig, *, resume: bool, force: bool) -> None:
    """Raise InputError unless a run may begin in `out`, or `out` holds one of this config. Changes nothing."""
    if resume:
        _check_begun(config)
    else:
        start = [config.base.adapter] if config.base.adapter and Path(config.base.adapter).is_dir() else []
        check_folder(config.out, RUN_FOLDER, force=force, reads=[config.data, *start], option="out=")


def begun_with(out: Path) -> TrainConfig | None:
    """Read the config of the run that `out` holds; None on a machine that does not hold it."""
    return TrainConfig.load(out / CONFIG) if (out / CONFIG).is_file() else None


def _check_begun(config: TrainConfig) -> None:
    begun = config.out / CONFIG
    if not begun.is_file():
        force = " and with --force" if config.out.is_dir() and any(config.out.iterdir()) else ""
        raise InputError(f"{config.out}: no run to resume; start one without --resume{force}")
    before, now = (_comparable(each) for each in (type(config).load(begun), config))
    now |= {key: before.get(key) for key in left_to_card(config)}  # the run keeps what was chosen when it began
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


def begin(
    config: TrainConfig, samples: "Samples", started_from: dict[str, Any] | None = None, *, force: bool
) -> dict[str, Any]:
    """A folder that holds a run which has not made a step; what run.json says of it."""
    _mark_abandoned(config.out)
    ended = [earlier(config.out, step) for step in noted(config.out).get("ended", [])]
    check(config, resume=False, force=force)
    claim(config.out, RUN_FOLDER, option="out=")
    for left in (config.out / ADAPTER, *ended, *config.out.glob(f"{PARTIAL}*")):
        shutil.rmtree(left, ignore_errors=True)
    if MEMORY.is_in(tested := config.out / canaries.TESTED):
        shutil.rmtree(tested, ignore_errors=True)
    splits = {split: told["sha256"] for split, told in samples.manifest["splits"].items()}
    known = {"key": uuid.uuid4().hex, "samples_sha256": samples.sha256, "splits": splits}
    known |= {STARTED_FROM: started_from} if started_from else {}
    begun = note(config.out, known | canaries.told(samples.canaries))
    with telling(config.out, _AGAIN):
        if samples.canaries:
            write(config.out / canaries.FILE, to_jsonl(samples.canaries))
        for name, pairs in (("dropped", samples.dropped), ("truncated", samples.truncated)):
            write(config.out / f"{name}.jsonl", to_jsonl(pairs))
        # Last, and in one step: with it there, the folder holds a run that can be resumed.
        write(config.out / CONFIG, config.to_yaml())
    return begun


def resume(
    config: TrainConfig, samples: "Samples", steps: int, started_from: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What run.json says of a run that goes on from its last checkpoint, from its first step if it has none.

    `steps` are those that the config plans: a run that has ended goes on if they, or its patience, were raised; its
    step is then among `ended`. Raises InputError if there is nothing to go on with, if the run was started on other
    samples or from another adapter, or if it is not in MLflow's store.
    """
    from train import checkpoint

    begun = noted(config.out)
    state = checkpoint.load(config.out, tell=lambda line: stderr.print(line, markup=False, soft_wrap=True))
    if begun.get("samples_sha256") != samples.sha256:
        raise InputError(
            f"{config.out}: was started on other samples: the dataset {config.data}, the prompt or the tokenizer was "
            "changed since; bring them back, or train anew with another out="
        )
    if begun.get(STARTED_FROM) != started_from:
        raise InputError(
            f"{config.out}: was started from another adapter than base.adapter={config.base.adapter} is now; bring "
            "that one back, or train anew with another out="
        )
    at = state["progress"] if state else checkpoint.Standing()
    _check_more(config, begun, at, steps)
    for log in (config.out / STEPS, config.out / DRAFTS):  # what came after the checkpoint is done again
        if log.is_file():
            lines, _ = whole_lines(log)
            with telling(log, MAKE_ROOM):
                write(log, b"".join(line + b"\n" for line in lines if json.loads(line)["step"] <= at.step))
    if run_id := begun.get("run_id") or tracking.find_run(begun["key"]):
        tracking.check_run(run_id)
    if begun.get("finished"):
        begun = note(config.out, begun | {"finished": False, "ended": [*begun.get("ended", []), at.step]})
    with telling(config.out, MAKE_ROOM):
        write(config.out / CONFIG, config.to_yaml())
    return begun | {"run_id": run_id}


def _check_more(config: TrainConfig, begun: dict[str, Any], at: "Standing", steps: int) -> None:
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
    if at.stopped and early_stopping.out_of_patience(at, config):
        raise InputError(f"{ended}: {early_stopping.told(at)}, else train anew with another out=")
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
    with telling(out / RUN, MAKE_ROOM if (out / CONFIG).is_file() else _AGAIN):
        write(out / RUN, json.dumps(facts) + "\n")
    return facts


def noted(out: Path) -> dict[str, Any]:
    """What run.json says; empty where there is none."""
    return read_object(out / RUN) or {}


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
