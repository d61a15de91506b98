"""Finds and registers versions of `plume-reply`, their aliases, and the adapters that they stand for."""

import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plume import canaries, store
from plume.errors import InputError, first_line
from plume.files import folder_aside, folder_sha256
from plume.paths import home
from plume.store import default_uri, local_file
from plume.tracking import ABSENT, answering, check_is_there

MODEL_NAME = "plume-reply"
ADAPTER_HASH = "adapter_sha256"  # tag of a version: hash of the adapter folder that it must hold


@dataclass(frozen=True)
class Version:
    """Describes a registered version of `plume-reply`."""

    number: int
    run_id: str
    source: str
    tags: dict[str, str] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)


@answering()
def register(run_id: str, artifact: str, tags: dict[str, str]) -> int:
    """Register a run's artifact folder as a new version of `plume-reply`; returns its number."""
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(MODEL_NAME, description="LoRA adapters that draft replies to citizens' reviews.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    run = client.get_run(run_id)
    canaries.refuse(run.data.tags, f"MLflow run {run_id}")
    source = f"{run.info.artifact_uri}/{artifact}"
    return int(client.create_model_version(MODEL_NAME, source, run_id, tags=tags).version)


@answering()
def version_of(run_id: str, artifact: str) -> int | None:
    """Find the number of the version that a run registered of its artifact folder; None if it has none."""
    import mlflow

    found = mlflow.MlflowClient().search_model_versions(f"name='{MODEL_NAME}' AND run_id='{run_id}'")
    return next((int(v.version) for v in found if v.source.endswith(f"/{artifact}")), None)


@answering()
def version_with(adapter_sha256: str) -> Version | None:
    """Find the newest version that holds this adapter; None if there is none."""
    import mlflow

    query = f"name = '{MODEL_NAME}' and tags.`{ADAPTER_HASH}` = '{adapter_sha256}'"
    found = mlflow.MlflowClient().search_model_versions(query, max_results=1)
    return next((Version(int(v.version), v.run_id, v.source, dict(v.tags)) for v in found), None)


@answering()
def all_versions() -> list[Version]:
    """List the versions with their tags, by number; aliases are not told."""
    import mlflow

    client, found, page = mlflow.MlflowClient(), [], None
    while page is None or page:
        part = client.search_model_versions(f"name='{MODEL_NAME}'", max_results=1000, page_token=page)
        found += [Version(int(v.version), v.run_id, v.source, dict(v.tags)) for v in part]
        page = part.token or ""
    return sorted(found, key=lambda version: version.number)


@answering()
def find_version(reference: str) -> Version:
    """Find a version by number, alias, or URI (`3`, `champion`, `plume-reply@champion`, `models:/plume-reply/3`)."""
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient()
    key = _key(reference)
    try:
        if key.isdigit():
            found = client.get_model_version(MODEL_NAME, key)
        else:
            found = client.get_model_version_by_alias(MODEL_NAME, key)
        # Versions fetched by alias do not carry their aliases: ask again by number.
        found = client.get_model_version(MODEL_NAME, found.version)
    except MlflowException as error:
        if error.error_code not in (ABSENT, "INVALID_PARAMETER_VALUE") and len(key) < 19:  # a number of SQLite's
            raise
        raise InputError(_unknown(reference, _known(client))) from None
    return Version(int(found.version), found.run_id, found.source, dict(found.tags), list(found.aliases))


def check_reference(reference: str, uri: str | None = None) -> None:
    """Raise InputError at once if a SQLite store holds no such version or alias: MLflow takes seconds to be imported.

    Any other store, and tables that are not as this reads them, are left to `find_version`, and so is everything once
    MLflow is imported. Creates nothing.
    """
    file = local_file(uri or default_uri())
    if file is None or "mlflow" in sys.modules:
        return
    check_is_there(uri or default_uri())
    with suppress(sqlite3.Error):
        versions, aliases = (
            store.ask(file, f"{query} where name = ?", MODEL_NAME, timeout=1)
            for query in (
                "select version, current_stage from model_versions",
                "select alias from registered_model_aliases",
            )
        )
        numbers = sorted(number for number, stage in versions if stage != "Deleted_Internal")
        known = [*sorted(alias for (alias,) in aliases), *map(str, numbers)]
        key = _key(reference)
        if key.lower() == "latest" and numbers:
            return
        if (key.lstrip("0") if key.isdigit() else key) not in known:
            raise InputError(_unknown(reference, known))


def _key(reference: str) -> str:
    """Find the number or the alias that a reference names."""
    return str(reference).removeprefix("models:/").removeprefix(MODEL_NAME).lstrip("@/")


def _unknown(reference: str, known: list[str]) -> str:
    return f"{MODEL_NAME}: no version or alias {reference!r}; known: {', '.join(known) or 'none, train one first'}"


def _known(client: Any) -> list[str]:
    from mlflow.exceptions import MlflowException

    try:
        versions = client.search_model_versions(f"name='{MODEL_NAME}'")
        aliases = client.get_registered_model(MODEL_NAME).aliases if versions else {}
    except MlflowException:
        return []
    return [*sorted(aliases), *(str(n) for n in sorted(int(v.version) for v in versions))]


@answering()
def tag(number: int, key: str, value: str) -> None:
    """Set a tag of a version."""
    import mlflow

    mlflow.MlflowClient().set_model_version_tag(MODEL_NAME, str(number), key, value)


@answering()
def set_alias(alias: str, number: int, tags: dict[str, str]) -> None:
    """Move an alias to a version, with tags on the version that say why."""
    import mlflow

    client = mlflow.MlflowClient()
    for key, value in tags.items():
        client.set_model_version_tag(MODEL_NAME, str(number), key, value)
    client.set_registered_model_alias(MODEL_NAME, alias, str(number))


@answering()
def remove_alias(alias: str) -> None:
    """Take an alias away; one that is not there is no error."""
    import mlflow

    try:
        mlflow.MlflowClient().delete_registered_model_alias(MODEL_NAME, alias)
    except mlflow.MlflowException as error:
        if error.error_code != ABSENT:  # nothing was ever registered
            raise


def adapter_folder(version: Version) -> tuple[Path, str]:
    """Name the folder that a version's adapter is fetched to on this machine, and its hash. Raises InputError."""
    expected = version.tags.get(ADAPTER_HASH)
    if not expected:
        raise InputError(
            f"{MODEL_NAME} version {version.number}: has no tag {ADAPTER_HASH}; it was not registered by plume train"
        )
    return home() / "adapters" / f"{version.number}-{expected[:12]}", expected


def read_file(version: Version, name: str) -> str:
    """Read a small file of the version's adapter where it is stored. Raises InputError."""
    import mlflow

    with tempfile.TemporaryDirectory(prefix="plume-") as folder:
        try:
            found = mlflow.artifacts.download_artifacts(artifact_uri=f"{version.source}/{name}", dst_path=folder)
            return Path(found).read_text(encoding="utf-8")
        except Exception as error:
            raise InputError(
                f"{MODEL_NAME} version {version.number}: {name} cannot be read from {version.source} "
                f"({first_line(error)})"
            ) from None


def check_no_canaries(version: Version) -> None:
    """Raise InputError if the version's run or its training.json tells of canaries, wherever it was registered from."""
    import mlflow

    what = f"{MODEL_NAME} version {version.number}"
    with suppress(mlflow.MlflowException):  # the run may be gone
        canaries.refuse(mlflow.MlflowClient().get_run(version.run_id).data.tags, what)
    told: dict[str, Any] = {}
    with suppress(InputError, ValueError):  # what cannot be read is refused where the adapter is fetched
        told = json.loads(read_file(version, "training.json"))
    canaries.refuse(told, what)


def fetch_adapter(version: Version) -> Path:
    """Fetch the version's adapter to `<home>/adapters/<number>-<hash>`, and verify its hash against the version's tag.

    The folder is made once and never changed: servers keep reading it while they know its name, under another user if
    that is in the configured group (`plume.files`). Raises InputError if the artifact is gone or is not what was
    registered.
    """
    import mlflow

    target, expected = adapter_folder(version)
    if target.is_dir() and folder_sha256(target) == expected:
        return target
    with folder_aside(target) as made:
        try:
            fetched = mlflow.artifacts.download_artifacts(artifact_uri=version.source, dst_path=str(made.parent))
        except Exception as error:
            raise InputError(
                f"{MODEL_NAME} version {version.number}: its adapter cannot be fetched from {version.source} "
                f"({first_line(error)})"
            ) from None
        if (actual := folder_sha256(Path(fetched))) != expected:
            raise InputError(
                f"{MODEL_NAME} version {version.number}: the stored adapter is {actual[:12]}…, registered was "
                f"{expected[:12]}…; it was changed after training: do not use it, train again"
            )
        Path(fetched).rename(made)
        shutil.rmtree(target, ignore_errors=True)  # there only if it is damaged
    return target
