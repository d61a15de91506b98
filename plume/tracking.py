"""MLflow: the ledger of runs and the registry of versions. Nothing that decides reads its aggregates."""

import gc
import hashlib
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plume import drop_leftovers, store
from plume.adapters import folder_sha256
from plume.errors import InputError, StoreAway, first_line, without_secrets
from plume.paths import ROOT, home
from plume.store_uri import check_server, default_uri, local_file, signed_in, sqlite_uri

MODEL_NAME = "plume-reply"
EXPERIMENT = "plume"
_KEY = "plume.key"  # tag of a run: what its folder calls it
PARAM = 6000  # characters of a parameter that MLflow keeps
ADAPTER_HASH = "adapter_sha256"  # tag of a version: hash of the adapter folder that it must hold
_ABSENT = "RESOURCE_DOES_NOT_EXIST"


@dataclass(frozen=True)
class Version:
    """A registered version of `plume-reply`."""

    number: int
    run_id: str
    source: str
    tags: dict[str, str] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)


def connect(uri: str | None = None, *, create: bool = True) -> str:
    """Point MLflow at a store, with plume's experiment, and return the URI, without a server's user and password.

    Where there is no store, one is made; not without `create`, which what reads or serves must not do: a store that
    vanished, or a name that was mistyped, would look like an empty ledger. Raises InputError at once, rather than after
    MLflow's minutes of retries, if the store cannot be reached.
    """
    uri = uri or default_uri()
    if uri.lower().startswith(("http://", "https://")):
        uri = signed_in(uri)
        check_server(uri)
    elif not create:
        _check_is_there(uri)
    import mlflow  # two seconds, which no refusal needs

    _drop_leftovers()
    try:
        if (file := local_file(uri)) and not file.exists():
            _create(file)
        store.let_go_of_another(uri)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        if create or mlflow.MlflowClient().get_experiment_by_name(EXPERIMENT):
            use_experiment()
    except Exception as error:
        raise InputError(
            f"MLflow store {without_secrets(uri)}: cannot be used ({first_line(error)}); check MLFLOW_TRACKING_URI"
        ) from None
    return uri


def _drop_leftovers() -> None:
    drop_leftovers()  # a notebook may have set them since
    for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):  # tracebacks and retries, said in a line
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def answering() -> Iterator[None]:
    """What MLflow, its database and its HTTP client raise becomes one line. Raises StoreAway."""
    try:
        yield
    except Exception as error:
        if isinstance(error, StoreAway) or not is_of_store(error):
            raise
        import mlflow

        raise StoreAway(mlflow.get_tracking_uri(), first_line(error)) from None


def is_of_store(error: BaseException) -> bool:
    """Whether an exception comes from MLflow, its database or its HTTP client."""
    from mlflow import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, (StoreAway, MlflowException, RequestException, SQLAlchemyError))


@contextmanager
def hasty() -> Iterator[None]:
    """MLflow's client asks a server once, for ten seconds at most, instead of again and again for minutes."""
    wanted = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def is_default() -> bool:
    """Whether nobody named a store: the local one may then be made by whatever first writes a run."""
    return not os.environ.get("MLFLOW_TRACKING_URI")


def use_experiment() -> None:
    """Make plume's experiment the one that runs and traces go to."""
    import mlflow

    client = mlflow.MlflowClient()
    if client.get_experiment_by_name(EXPERIMENT) is None:
        # A local store keeps its artifacts beside it, wherever the command is run from.
        client.create_experiment(EXPERIMENT, _artifacts(mlflow.get_tracking_uri()))
    mlflow.set_experiment(EXPERIMENT)


def _check_is_there(uri: str) -> None:
    """Raise InputError unless `uri` is a store already. Looking makes nothing."""
    try:
        there = store.is_there(uri)
    except Exception as error:
        raise InputError(
            f"MLflow store {without_secrets(uri)}: cannot be used ({first_line(error)}); check MLFLOW_TRACKING_URI"
        ) from None
    if not there:
        demo = home() / "demo" / "mlflow.db"
        known = f"; make demo's is there: export MLFLOW_TRACKING_URI={sqlite_uri(demo)}" if demo.is_file() else ""
        raise InputError(
            f"MLflow store {without_secrets(uri)}: there is none, and what reads or serves makes none; check "
            f"MLFLOW_TRACKING_URI or tracking_uri, or put the store back{known}"
        )


def _create(file: Path) -> None:
    """A new SQLite store, made beside and then named: a kill in the seconds of its migrations leaves no half of one."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{file.name}-", dir=file.parent) as folder:
        whole = Path(folder) / file.name
        SqlAlchemyStore(sqlite_uri(whole), _artifacts(sqlite_uri(file))).engine.dispose()
        with suppress(FileExistsError):  # another process was faster
            os.link(whole, file)


def _artifacts(uri: str) -> str | None:
    file = local_file(uri)
    return (file.resolve().parent / "mlartifacts").as_uri() if file else None


@contextmanager
def run(name: str, *, kind: str, run_id: str | None = None, nested: bool = False, key: str = "") -> Iterator[Any]:
    """A run that tells how it ended: FINISHED, KILLED on Ctrl-C, FAILED on an error. `run_id` continues a run.

    `key` is a tag that the run has from its first moment on: `find_run` finds by it what nobody had the time to note.
    """
    import mlflow

    _drop_leftovers()
    tags = {"plume.kind": kind, **git_state(), **({_KEY: key} if key else {})}
    with answering():
        use_experiment()
        active = mlflow.start_run(run_id=run_id, run_name=None if run_id else name, nested=nested, tags=tags)
        try:
            yield active
        except BaseException as error:
            traceback.clear_frames(error.__traceback__)  # they may hold a transaction open: the store would stay locked
            for _ in range(3):  # or it is the store itself that failed
                with hasty(), suppress(Exception):
                    mlflow.end_run("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
                    break
                gc.collect()
            raise
        mlflow.end_run()


@answering()
def find_run(key: str) -> str | None:
    """Id of the run that was opened with `key`; None if there is none."""
    import mlflow

    experiment = mlflow.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return None
    found = mlflow.MlflowClient().search_runs([experiment.experiment_id], f"tags.`{_KEY}` = '{key}'", max_results=1)
    return found[0].info.run_id if found else None


@answering()
def check_run(run_id: str) -> None:
    """Raise InputError unless the store has this run, to be continued."""
    import mlflow

    try:
        stage = mlflow.MlflowClient().get_run(run_id).info.lifecycle_stage
    except mlflow.MlflowException as error:
        if error.error_code != _ABSENT:
            raise
        stage = "absent"
    if stage != "active":
        raise InputError(
            f"MLflow store {without_secrets(mlflow.get_tracking_uri())}: the run {run_id} is {stage} there; set "
            "MLFLOW_TRACKING_URI to the store that it was started with, or bring it back with: "
            "mlflow runs restore --run-id ID"
        )


@answering()
def last_step(run_id: str, metric: str) -> int:
    """The highest step that a metric was logged at; 0 if at none."""
    import mlflow

    return max((m.step for m in mlflow.MlflowClient().get_metric_history(run_id, metric)), default=0)


@answering()
def log_params(values: dict[str, Any]) -> None:
    """Log resolved config keys. MLflow would cut a long value: it stands whole in an artifact that its digest names."""
    import mlflow

    params = {k: "" if v is None else str(v) for k, v in values.items()}
    for key, whole in params.items():
        if len(whole) > PARAM:
            digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
            mlflow.log_text(whole, artifact := f"params/{digest[:16]}.txt")
            params[key] = f"{len(whole)} characters, sha256 {digest}: see {artifact}"
    mlflow.log_params(params)


def git_state() -> dict[str, str]:
    """Tags: the commit of the clone and whether it had changes; empty where plume is not run from a clone."""
    try:
        commit = _git("rev-parse", "HEAD")
        return {"git.commit": commit, "git.dirty": str(bool(_git("status", "--porcelain"))).lower()}
    except (OSError, subprocess.SubprocessError):
        return {}


def _git(*args: str) -> str:
    return subprocess.run(
        ["git", *args], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=True, timeout=20
    ).stdout.strip()


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
    source = f"{client.get_run(run_id).info.artifact_uri}/{artifact}"
    return int(client.create_model_version(MODEL_NAME, source, run_id, tags=tags).version)


@answering()
def version_of(run_id: str, artifact: str) -> int | None:
    """Number of the version that a run registered of its artifact folder; None if it has none."""
    import mlflow

    found = mlflow.MlflowClient().search_model_versions(f"name='{MODEL_NAME}' AND run_id='{run_id}'")
    return next((int(v.version) for v in found if v.source.endswith(f"/{artifact}")), None)


@answering()
def find_version(reference: str) -> Version:
    """A version by number, alias, or URI (`3`, `champion`, `plume-reply@champion`, `models:/plume-reply/3`)."""
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
        if error.error_code not in (_ABSENT, "INVALID_PARAMETER_VALUE") and len(key) < 19:  # a number of SQLite's
            raise
        raise InputError(_unknown(reference, _known(client))) from None
    return Version(int(found.version), found.run_id, found.source, dict(found.tags), list(found.aliases))


def check_reference(reference: str, uri: str | None = None) -> None:
    """Raise InputError at once if a SQLite store holds no such version or alias: MLflow takes seconds to be imported.

    Any other store, and tables that are not as this reads them, are left to `find_version`, and so is everything once
    MLflow is there. Creates nothing.
    """
    file = local_file(uri or default_uri())
    if file is None or "mlflow" in sys.modules:
        return
    _check_is_there(uri or default_uri())
    versions, aliases = [], []
    with suppress(sqlite3.Error):
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=1)) as opened:
            versions, aliases = (
                opened.execute(query, [MODEL_NAME]).fetchall()
                for query in (
                    "select version, current_stage from model_versions where name = ?",
                    "select alias from registered_model_aliases where name = ?",
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
    """The number or the alias that a reference names."""
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
def set_alias(alias: str, number: int, tags: dict[str, str]) -> None:
    """Move an alias to a version, with tags on the version that say why."""
    import mlflow

    client = mlflow.MlflowClient()
    for key, value in tags.items():
        client.set_model_version_tag(MODEL_NAME, str(number), key, value)
    client.set_registered_model_alias(MODEL_NAME, alias, str(number))


def adapter_folder(version: Version) -> tuple[Path, str]:
    """Where the version's adapter lies on this machine once it is fetched, and its hash. Raises InputError."""
    expected = version.tags.get(ADAPTER_HASH)
    if not expected:
        raise InputError(
            f"{MODEL_NAME} version {version.number}: has no tag {ADAPTER_HASH}; it was not registered by plume train"
        )
    return home() / "adapters" / f"{version.number}-{expected[:12]}", expected


def read_file(version: Version, name: str) -> str:
    """A small file of the version's adapter, read where it is stored. Raises InputError."""
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


def fetch_adapter(version: Version) -> Path:
    """The version's adapter in `<home>/adapters/<number>-<hash>`, its hash verified against the version's tag.

    The folder is made once and never changed: servers keep reading it while they know its name.
    Raises InputError if the artifact is gone or is not what was registered.
    """
    import mlflow

    target, expected = adapter_folder(version)
    if target.is_dir() and folder_sha256(target) == expected:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as partial:
        try:
            source = Path(mlflow.artifacts.download_artifacts(artifact_uri=version.source, dst_path=partial))
        except Exception as error:
            raise InputError(
                f"{MODEL_NAME} version {version.number}: its adapter cannot be fetched from {version.source} "
                f"({first_line(error)})"
            ) from None
        if (actual := folder_sha256(source)) != expected:
            raise InputError(
                f"{MODEL_NAME} version {version.number}: the stored adapter is {actual[:12]}…, registered was "
                f"{expected[:12]}…; it was changed after training: do not use it, train again"
            )
        for path in source.rglob("*"):  # PEFT writes weights 0600; servers run under another user
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(target, ignore_errors=True)  # there only if it is damaged
        try:
            os.replace(source, target)  # noqa: PTH105 - in one step: a server never sees half an adapter
        except OSError:
            if not target.is_dir():  # else another process has just made it
                raise
    return target
