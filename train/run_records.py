"""Read what a training run left: from its folder, from MLflow by the run's id, or by the version that it registered."""

import json
import math
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plume import registry, tracking
from plume.adapters import TRAINING
from plume.config import flatten, read_yaml
from plume.corpus.split import SPLITS
from plume.errors import InputError, first_line
from plume.files import read_object, whole_lines
from train.config import TrainConfig
from train.folder import ADAPTER, CONFIG, EXTENDABLE, RUN, STEPS

SERIES = ("loss", "validation_loss", "tokens", "trained_tokens", "tokens_per_second", "mfu", "peak_memory_gib", "epoch")
FINISHED = "finished"
_ADAPTERS = re.compile(rf"{ADAPTER}(-\d+)?")  # artifacts: the first, and by its step each of a run that went on
_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class RunRecord:
    """A training run.

    Attributes:
        name: as it was asked for.
        state: FINISHED, or how far it got.
        config: the resolved config, by dotted keys; what an older run did not know has its default.
        steps: for each step done, its number (`step`), what it took (`seconds`) and those of SERIES that it has.
        splits: digest of each split, where it is known.
        training: training.json; empty where there is no adapter yet.
        energy: kWh and kg CO2e, where measured.
    """

    name: str
    state: str
    run_id: str | None
    version: int | None
    config: dict[str, Any]
    steps: list[dict[str, Any]]
    splits: dict[str, str]
    training: dict[str, Any]
    energy: dict[str, float]

    @property
    def finished(self) -> bool:
        return self.state == FINISHED


def read_run(reference: str) -> RunRecord:
    """Read a run by its folder, its id in MLflow, or the number or alias of its version. Raises InputError."""
    if Path(reference).is_dir():
        return _of_folder(Path(reference))
    if _RUN_ID.fullmatch(reference):
        tracking.connect(create=False)
        return _of_mlflow(reference, reference)
    if "/" in reference.removeprefix("models:/").removeprefix(registry.MODEL_NAME).strip("/"):
        raise InputError(
            f"{reference}: no such folder; name a run's folder, its MLflow id, or a version of plume-reply"
        )
    registry.check_reference(reference)
    tracking.connect(create=False)
    version = registry.find_version(reference)
    return _of_mlflow(f"version {version.number}", version.run_id, version)


def _of_folder(folder: Path) -> RunRecord:
    begun = read_object(folder / RUN)
    if begun is None or not (folder / CONFIG).is_file():
        raise InputError(
            f"{folder}: not the folder of a training run (no whole {RUN} and {CONFIG}); name what plume train had as "
            "out="
        )
    training: dict[str, Any] = {}
    if (told := folder / ADAPTER / TRAINING).is_file() and (training := read_object(told) or {}) == {}:
        raise InputError(f"{told}: damaged; plume train … --resume writes it again, or train anew")
    return RunRecord(
        str(folder),
        FINISHED if begun.get("finished") else "not finished",
        begun.get("run_id"),
        begun.get("version"),
        _config(folder / CONFIG),
        _read_steps(folder / STEPS),
        _splits(training) or begun.get("splits") or {},
        training,
        training.get("energy") or {},
    )


def _read_steps(path: Path) -> list[dict[str, Any]]:
    """Read steps.jsonl; a last line that is being written does not count. Raises InputError that names the line."""
    rows = []
    for number, line in enumerate(whole_lines(path)[0] if path.is_file() else [], 1):
        try:
            row = json.loads(line)
            present = [key for key in (*SERIES, "seconds") if key in row]
            if not all(isinstance(row[key], int | float) for key in ("step", "loss", *present)):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InputError(
                f"{path}, line {number}: damaged, not a step of a run; restore it, or leave the run out"
            ) from None
        rows.append(row)
    return rows


def _config(path: Path) -> dict[str, Any]:
    given = dict(flatten(read_yaml(path, TrainConfig)))
    if "method" in given:  # of plume train preferences, which has other keys
        return given
    return dict(flatten(TrainConfig.model_construct().model_dump(mode="json"))) | given


def _splits(training: Mapping[str, Any]) -> dict[str, str]:
    splits = (training.get("dataset") or {}).get("splits") or {}
    return {name: splits[name]["sha256"] for name in SPLITS if "sha256" in splits.get(name, {})}


@tracking.answering()
def _of_mlflow(name: str, run_id: str, version: registry.Version | None = None) -> RunRecord:
    import mlflow

    client = mlflow.MlflowClient()
    try:
        run = client.get_run(run_id)
    except mlflow.MlflowException as error:
        if error.error_code != tracking.ABSENT:
            raise
        raise InputError(f"{name}: the MLflow store has no run {run_id}; check MLFLOW_TRACKING_URI") from None
    tags = run.data.tags
    if tags.get("plume.kind") != "train":
        raise InputError(
            f"{name}: MLflow's run {run_id} is no training of plume's ({tags.get('plume.kind', 'foreign')})"
        )
    files = {file.path for file in client.list_artifacts(run_id)}
    adapters = [file for file in files if _ADAPTERS.fullmatch(file)]
    last = max(adapters, key=lambda file: int(file.partition("-")[2] or 0), default=None)  # of a run that went on
    if CONFIG not in files:
        raise InputError(f"{name}: MLflow's run {run_id} has no {CONFIG}: it ended before it began to train")
    source = version.source if version else f"{run.info.artifact_uri}/{last}" if last else None
    number = version.number if version else registry.version_of(run_id, last) if last else None
    training = _artifact(f"{source}/{TRAINING}", read_object) if source else {}
    metrics = run.data.metrics
    steps, config = _histories(client, run_id, metrics), _artifact(f"{run.info.artifact_uri}/{CONFIG}", _config)
    ended = version or run.info.status == "FINISHED"
    if version:  # its run may have gone on since
        steps = [step for step in steps if step["step"] <= training.get("steps", math.inf)]
        own = dict(flatten(training.get("config") or {}))
        config |= {key: own[key] for key in EXTENDABLE if key in own}
    return RunRecord(
        name,
        FINISHED if ended else f"not finished ({run.info.status.lower()})",
        run_id,
        number,
        config,
        steps,
        {split: tags[key] for split in SPLITS if (key := f"dataset.{split}.sha256") in tags},
        training,
        training.get("energy") or {k: metrics[f"energy.{k}"] for k in ("kwh", "kg_co2e") if f"energy.{k}" in metrics},
    )


def _artifact(uri: str, read: Callable[[Path], dict[str, Any] | None]) -> dict[str, Any]:
    """Fetch an artifact for a moment, and give what is read of it. Raises InputError."""
    import mlflow

    with tempfile.TemporaryDirectory(prefix="plume-") as folder:
        try:
            path = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)
        except Exception as error:
            raise InputError(f"{uri}: cannot be read ({first_line(error)}); bring MLflow's artifacts back") from None
        if (found := read(Path(path))) is None:
            raise InputError(f"{uri}: damaged; bring MLflow's artifacts back")
        return found


def _histories(client: Any, run_id: str, logged: Iterable[str]) -> list[dict[str, Any]]:
    """The steps of a run from its metrics. MLflow has no seconds: they follow from tokens and tokens a second."""
    rows: dict[int, dict[str, Any]] = {}
    for name in SERIES:
        for metric in client.get_metric_history(run_id, name) if name in logged else ():
            rows.setdefault(metric.step, {"step": metric.step})[name] = metric.value
    steps, before = [rows[step] for step in sorted(rows) if "loss" in rows[step]], 0.0
    for row in steps:
        with suppress(KeyError, ZeroDivisionError):
            row["seconds"] = (row["tokens"] - before) / row["tokens_per_second"]
            before = row["tokens"]
    return steps
