"""Connects to an MLflow store, and logs runs. Nothing that decides reads its aggregates.

Registered versions: `plume.registry`.
"""

import gc
import hashlib
import logging
import os
import shlex
import subprocess
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from plume import drop_leftovers, store
from plume.errors import InputError, StoreAway, first_line, without_secrets
from plume.files import make_folder, scratch, share
from plume.paths import IN_CLONE, ROOT, home
from plume.store import check_server, default_uri, local_file, signed_in, sqlite_uri

EXPERIMENT = "plume"
CONTEXTS = {"train": "training", "validation": "validation", "test": "testing"}  # split -> as MLflow calls it
_KEY = "plume.key"  # tag of a run: what its folder calls it
PARAM = 6000  # characters of a parameter that MLflow keeps
ABSENT = "RESOURCE_DOES_NOT_EXIST"  # code of MLflow's errors


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
        check_is_there(uri)
    import mlflow  # two seconds, which no refusal needs

    _drop_leftovers()
    with _usable(uri), hasty():
        if (file := local_file(uri)) and not file.exists():
            _create(file)
        store.let_go_of_another(uri)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        if create or mlflow.MlflowClient().get_experiment_by_name(EXPERIMENT):
            use_experiment()
    return uri


@contextmanager
def _usable(uri: str) -> Iterator[None]:
    """Turn whatever a store raises when it is opened into one line. Raises InputError."""
    try:
        yield
    except Exception as error:
        if "database schema" in str(error):
            raise InputError(
                f"MLflow store {without_secrets(uri)}: its tables are those of another MLflow; if that one is older, "
                f"back the store up, then: mlflow db upgrade {shlex.quote(without_secrets(uri))}; if it is newer, "
                "install it here"
            ) from None
        raise InputError(
            f"MLflow store {without_secrets(uri)}: cannot be used ({first_line(error)}); check MLFLOW_TRACKING_URI"
        ) from None


def _drop_leftovers() -> None:
    drop_leftovers()  # a notebook may have set them since
    for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):  # tracebacks and retries, said in a line
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def answering() -> Iterator[None]:
    """Turn what MLflow, its database and its HTTP client raise into one line. Raises StoreAway."""
    try:
        yield
    except Exception as error:
        if isinstance(error, StoreAway) or not is_of_store(error):
            raise
        import mlflow

        raise StoreAway(mlflow.get_tracking_uri(), first_line(error)) from None


def is_of_store(error: BaseException) -> bool:
    """Tell whether an exception comes from MLflow, its database or its HTTP client."""
    from mlflow import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, (StoreAway, MlflowException, RequestException, SQLAlchemyError))


@contextmanager
def hasty() -> Iterator[None]:
    """Let MLflow's client ask a server once, for ten seconds at most, instead of again and again for minutes."""
    wanted = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def is_default() -> bool:
    """Tell whether nobody named a store: whatever first writes a run may then make the local one."""
    return not os.environ.get("MLFLOW_TRACKING_URI")


def use_experiment() -> None:
    """Make plume's experiment the one that runs and traces go to."""
    import mlflow

    client = mlflow.MlflowClient()
    if client.get_experiment_by_name(EXPERIMENT) is None:
        # A local store keeps its artifacts beside it, wherever the command is run from.
        client.create_experiment(EXPERIMENT, _artifacts(mlflow.get_tracking_uri()))
    mlflow.set_experiment(EXPERIMENT)


def check_is_there(uri: str) -> None:
    """Raise InputError unless `uri` is a store already. Looking makes nothing."""
    with _usable(uri):
        there = store.is_there(uri)
    if not there:
        demo = home() / "demo" / "mlflow.db"
        known = f"; make demo's is there: export MLFLOW_TRACKING_URI={sqlite_uri(demo)}" if demo.is_file() else ""
        raise InputError(
            f"MLflow store {without_secrets(uri)}: there is none, and what reads or serves makes none; check "
            f"MLFLOW_TRACKING_URI or tracking_uri, or put the store back{known}"
        )


def _create(file: Path) -> None:
    """Make a SQLite store aside, then name it: a kill in the seconds of its migrations leaves no half of one."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    make_folder(file.parent)
    only_a_store = lambda left: all(path.name.startswith(file.name) for path in left.iterdir())  # noqa: E731
    with scratch(file.parent, f".{file.name}-", only_a_store) as folder:
        whole = folder / file.name
        SqlAlchemyStore(sqlite_uri(whole), _artifacts(sqlite_uri(file))).engine.dispose()
        share(whole)
        with suppress(FileExistsError):  # another process was faster
            os.link(whole, file)


def _artifacts(uri: str) -> str | None:
    """Make the folder of a local store's artifacts, so that others cannot read what is below it; return its URI."""
    file = local_file(uri)
    return make_folder(file.resolve().parent / "mlartifacts").as_uri() if file else None


@contextmanager
def run(name: str, *, kind: str, run_id: str | None = None, nested: bool = False, key: str = "") -> Iterator[Any]:
    """Open a run that tells how it ended: FINISHED, KILLED on Ctrl-C, FAILED on an error. `run_id` continues a run.

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
    """Find the id of the run that was opened with `key`; None if there is none."""
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
        if error.error_code != ABSENT:
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
    """Find the highest step that a metric was logged at; 0 if at none."""
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
    """Give as tags the commit of the clone and whether it had changes; none if plume does not run from a clone."""
    if not IN_CLONE:  # a repository around the environment is not plume's
        return {}
    try:
        commit = _git("rev-parse", "HEAD")
        return {"git.commit": commit, "git.dirty": str(bool(_git("status", "--porcelain"))).lower()}
    except (OSError, subprocess.SubprocessError):
        return {}


def _git(*args: str) -> str:
    return subprocess.run(
        ["git", *args], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=True, timeout=20
    ).stdout.strip()
