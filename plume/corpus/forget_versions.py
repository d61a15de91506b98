"""Find the registered versions of `plume-reply`, and the runs, that were trained on an experience to be forgotten.

A version carries the digest of its train split as a tag, and the digest of the export in its `training.json`; so it
does of the adapters that it was trained from (`plume.lineage`). A version whose train split is one that the folder has
or had was trained on the experience. One that was trained on another split of the same export may have been (the folder
was built again since, or lies elsewhere), and so may one that does not say.

A run has the digest of its train split as a tag from its first seconds on. One that is running, or that ended without a
version, leaves checkpoints that hold what it learnt. One that had not opened its run in MLflow yet is not found here:
training looks at the dataset folder again before it registers (`dataset.forgotten_since`).
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plume import lineage, registry, tracking
from plume.errors import InputError, without_secrets

DIGEST = "train_split_sha256"  # the tag that plume train gives a version


@dataclass(frozen=True)
class Trained:
    """Holds a version to train again or to withdraw; `sure` or only possible, and why."""

    number: int
    aliases: tuple[str, ...]
    sure: bool
    why: str


RUN_DIGEST, RUN_FOLDER = "dataset.train.sha256", "plume.out"  # tags that plume train gives a run
_CHECKPOINTS = ("*.pt", "*.partial")


@dataclass(frozen=True)
class Run:
    """Holds a training run on the experience: `folder` holds its checkpoints, if that is on this machine.

    `artifacts` names what a server keeps of it that holds drafts; what lies beside a store of this machine is searched.
    """

    name: str
    status: str
    folder: Path | None
    artifacts: str = ""

    def __str__(self) -> str:
        what = {"RUNNING": "is training on them, stop it", "SCHEDULED": "is to train on them, stop it"}
        told = f"run {self.name} ({self.status}): {what.get(self.status, 'trained on them')}"
        if self.folder:
            told += f"; remove {self.folder}, which holds its checkpoints"
        return told + (f"; its {self.artifacts} in MLflow holds drafts, remove it" if self.artifacts else "")


def store_is_there() -> bool:
    """Say whether there is a store to ask; the default one is a file, which the first training makes."""
    file = tracking.local_file(tracking.default_uri())
    return file is None or file.is_file()


def trained_on(digests: set[str], sources: set[str]) -> list[Trained]:
    """Find versions trained on one of these train splits, or perhaps on another of these exports, the newest first.

    What a version was trained from counts as well. Raises InputError if the MLflow store cannot be used.
    """
    tracking.connect(create=False)
    trained = []
    with tracking.answering():
        versions = list(_versions())
    for number, aliases, tags, source in versions:
        if why := _surely(tags, digests):
            trained.append(Trained(number, aliases, True, why))
            continue
        training = _read_training(source)
        if training is None:
            trained.append(Trained(number, aliases, False, "what it was trained on cannot be read"))
        elif {_export_of(each) for each in (training, *lineage.ancestors(training))} & sources:
            trained.append(Trained(number, aliases, False, "trained on another train split of the same export"))
    return sorted(trained, key=lambda version: -version.number)


def _surely(tags: dict[str, str], digests: set[str]) -> str | None:
    """Say why a version surely saw one of these train splits; None if its tags do not tell so."""
    if (digest := tags.get(DIGEST)) in digests:
        return f"its train split is {digest[:12]}…"
    if earlier := sorted(digests & set(tags.get(lineage.EARLIER, "").split())):
        return f"it was trained from an adapter whose train split is {earlier[0][:12]}…"
    return None


@tracking.answering()
def mark_forgotten(versions: list[Trained]) -> None:
    """Tag those that surely saw what is erased with the day: no training starts from them any more."""
    import mlflow

    client, day = mlflow.MlflowClient(), datetime.now(UTC).date().isoformat()
    for version in versions:
        if version.sure:
            client.set_model_version_tag(registry.MODEL_NAME, str(version.number), lineage.FORGOTTEN, day)


@tracking.answering()
def runs_on(digests: set[str]) -> list[Run]:
    """Find training runs on one of these train splits, however they ended, but those that left only a version.

    Raises InputError if the MLflow store cannot be used.
    """
    import mlflow
    from mlflow.entities import ViewType

    tracking.connect(create=False)
    client, found = mlflow.MlflowClient(), []
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT)
    for digest in sorted(digests) if experiment else ():
        asked = f"tags.`{RUN_DIGEST}` = '{digest}'", f"tags.`{lineage.EARLIER}` LIKE '%{digest}%'"
        runs = (client.search_runs([experiment.experiment_id], query, ViewType.ALL) for query in asked)
        for run in {run.info.run_id: run for several in runs for run in several}.values():
            out = Path(run.data.tags.get(RUN_FOLDER) or run.data.params.get("out", ""))
            left = out.is_absolute() and any(any(out.glob(pattern)) for pattern in _CHECKPOINTS)
            has_version = bool(client.search_model_versions(f"run_id='{run.info.run_id}'"))
            artifacts = "" if local_artifacts() else _drafts_of(client, run.info.run_id)
            if left or artifacts or not has_version:
                found.append(Run(run.info.run_name, run.info.status, out if left else None, artifacts))
    return found


def _drafts_of(client: Any, run_id: str) -> str:
    return next((file.path for file in client.list_artifacts(run_id) if file.path == "drafts.jsonl"), "")


def local_artifacts() -> Path | None:
    """Say where a store that is a file keeps its artifacts; None for a server's."""
    file = tracking.local_file(tracking.default_uri())
    return file and file.resolve().parent / "mlartifacts"


def _versions() -> Iterator[tuple[int, tuple[str, ...], dict[str, str], str]]:
    """Yield the number, aliases, tags and artifact of every version."""
    import mlflow
    from mlflow.exceptions import MlflowException

    client, token = mlflow.MlflowClient(), None
    try:
        aliases = client.get_registered_model(registry.MODEL_NAME).aliases
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":  # nothing was registered yet
            return
        store = without_secrets(tracking.default_uri())
        raise InputError(f"MLflow store {store}: its registry cannot be read") from None
    while True:
        page = client.search_model_versions(f"name='{registry.MODEL_NAME}'", page_token=token)
        for version in page:
            named = tuple(sorted(alias for alias, number in aliases.items() if str(number) == str(version.version)))
            yield int(version.version), named, dict(version.tags), version.source
        if not (token := page.token):
            return


def _read_training(source: str) -> dict[str, Any] | None:
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        try:
            path = mlflow.artifacts.download_artifacts(artifact_uri=f"{source}/training.json", dst_path=folder)
            training = json.loads(Path(path).read_text(encoding="utf-8"))
        except Exception:  # an artifact store may fail in any way: the version is then only possible, never passed over
            return None
    return training if isinstance(training, dict) and _export_of(training) else None


def _export_of(training: dict[str, Any]) -> str | None:
    try:
        return training["dataset"]["source"]["sha256"]
    except (KeyError, TypeError):
        return None
