"""The ledger and the registry, on a real sqlite store and on a real MLflow server."""

import hashlib
import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
import requests

from eval.promote import promote
from plume import registry, tracking
from plume.errors import InputError, StoreAway, first_line, without_secrets
from plume.files import folder_sha256
from plume.registry import ADAPTER_HASH, fetch_adapter, find_version, register, set_alias
from plume.tracking import connect
from serve.config import ServeConfig
from train.config import TrainConfig


def registered(folder: Path, content: str = "weights") -> int:
    """Log an adapter-like folder in a run and register it."""
    folder.mkdir(exist_ok=True)
    (folder / "adapter_model.safetensors").write_text(content)
    (folder / "deep").mkdir(exist_ok=True)
    (folder / "deep" / "notes.md").write_text("a file below")
    with tracking.run("train", kind="train") as active:
        mlflow.log_artifacts(str(folder), "adapter")
    return register(active.info.run_id, "adapter", {ADAPTER_HASH: folder_sha256(folder), "base": "tiny"})


def status_of(run_id: str) -> str:
    return mlflow.MlflowClient().get_run(run_id).info.status


def test_the_store_is_in_plumes_home_by_default(store, tmp_path):
    assert store == f"sqlite:///{tmp_path}/a home/mlflow.db"
    assert mlflow.get_tracking_uri() == store


# What a URL or a decoder would read as something else: a folder may be called so.
ODD = ["100%", "a%20b", "what?", "no#1", "a%3Fb", "..%2f", "a[1]*", "é@x:y", "a'b;c&d=e"]


@pytest.mark.parametrize("name", ODD)
def test_a_home_of_any_name_holds_store_artifacts_and_adapters(empty_store, tmp_path, monkeypatch, name):
    home = tmp_path / name
    home.mkdir()
    (home / "mlflow.db").write_bytes(empty_store.read_bytes())
    monkeypatch.setenv("PLUME_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking.local_file(connect()) == home / "mlflow.db"
    folder = fetch_adapter(find_version(str(registered(tmp_path / "one"))))
    assert folder.parent == home / "adapters"
    assert {p.name for p in home.iterdir()} == {"mlflow.db", "mlartifacts", "adapters"}


SECRETS = {
    "http://ann:s3cret@127.0.0.1:9/base": "http://127.0.0.1:9/base",
    "https://ann:s3c@re/t@store.test/": "https://store.test/",
    "http://store.test:5000?token=s3cret": "http://store.test:5000",
    "http://store.test/#s3cret": "http://store.test/",
    "http://ann:s3c ret'@store.test": "http://store.test",
    "postgresql+psycopg2://ann:s3cret@db.test:5432/mlflow?password=s3cret": "postgresql+psycopg2://db.test:5432/mlflow",
    "HTTP://s3cret@Store.test": "HTTP://Store.test",
}


@pytest.mark.parametrize("uri", SECRETS)
def test_a_uri_is_shown_without_its_secrets(uri):
    assert without_secrets(uri) == SECRETS[uri]
    assert "s3c" not in first_line(ValueError(f"Max retries with {uri}: refused"))


@pytest.mark.parametrize("uri", ["sqlite:////home/é@x/a b.db", "http://[::1]:5000/x", "file:///a@b"])
def test_a_uri_without_secrets_is_shown_as_it_is(uri):
    assert without_secrets(uri) == uri


@pytest.mark.parametrize("uri", SECRETS)
def test_no_refusal_of_a_store_tells_its_password(uri, monkeypatch):
    monkeypatch.setattr("requests.get", lambda *_, **__: (_ for _ in ()).throw(requests.ConnectionError(uri)))
    monkeypatch.setattr("mlflow.MlflowClient", lambda: (_ for _ in ()).throw(ValueError(f"Invalid URI: {uri}")))
    for name in ("USERNAME", "PASSWORD"):  # what a URI's secrets become is put back
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", "")
    with pytest.raises(InputError) as caught:
        connect(uri)
    assert "s3c" not in str(caught.value)
    assert "MLFLOW_TRACKING_URI" in str(caught.value)


def test_mlflow_gets_a_servers_password_but_no_uri_that_holds_it(monkeypatch):
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", "of another store")
    assert tracking.signed_in("http://a%40b:p%2F@store.test:5000/x") == "http://store.test:5000/x"
    assert (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("a@b", "p/")


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(data="d", out="o", tracking_uri="http://ann:s3cret@store.test"),
        ServeConfig(tracking_uri="http://ann:s3cret@store.test"),
    ],
    ids=["train", "serve"],
)
def test_a_config_keeps_no_password_in_what_is_written_of_it(config):
    assert config.tracking_uri == "http://ann:s3cret@store.test"
    assert config.flat()["tracking_uri"] == "http://store.test"
    assert "s3cret" not in config.to_yaml() + config.model_dump_json() + str(config.model_dump(mode="json"))


def test_a_long_parameter_is_kept_whole(store):
    whole = ["q_proj", "é" * tracking.PARAM]
    with tracking.run("long", kind="train") as active:
        tracking.log_params({"lora.target_modules": whole, "short": "x" * tracking.PARAM})
    params = mlflow.MlflowClient().get_run(active.info.run_id).data.params
    assert params["short"] == "x" * tracking.PARAM
    said, _, artifact = params["lora.target_modules"].partition(": see ")
    assert hashlib.sha256(str(whole).encode()).hexdigest() in said
    assert mlflow.artifacts.load_text(f"{active.info.artifact_uri}/{artifact}") == str(whole)


def test_the_environment_names_another_store(empty_store, tmp_path, monkeypatch):
    other = tmp_path / "other.db"
    other.write_bytes(empty_store.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
    assert connect() == f"sqlite:///{other}"


def test_a_run_tells_how_it_ended(store):
    with tracking.run("fine", kind="train") as fine:
        tracking.log_params({"lora.rank": 16, "base.revision": None})
    with pytest.raises(ZeroDivisionError), tracking.run("broken", kind="train") as broken:
        _ = 1 / 0
    with pytest.raises(KeyboardInterrupt), tracking.run("stopped", kind="train") as stopped:
        raise KeyboardInterrupt
    assert [status_of(r.info.run_id) for r in (fine, broken, stopped)] == ["FINISHED", "FAILED", "KILLED"]
    assert mlflow.active_run() is None
    data = mlflow.MlflowClient().get_run(fine.info.run_id).data
    assert data.params == {"lora.rank": "16", "base.revision": ""}
    assert data.tags["plume.kind"] == "train"


def test_a_run_is_continued_under_its_id(store):
    with tracking.run("long", kind="train") as first:
        mlflow.log_metric("loss", 2.0, step=1)
    with tracking.run("long", kind="train", run_id=first.info.run_id) as second:
        mlflow.log_metric("loss", 1.0, step=2)
    assert second.info.run_id == first.info.run_id
    assert status_of(first.info.run_id) == "FINISHED"
    history = mlflow.MlflowClient().get_metric_history(first.info.run_id, "loss")
    assert [m.value for m in history] == [2.0, 1.0]


@pytest.mark.parametrize("kind", ["train", "compare"])
def test_what_another_command_left_in_the_environment_is_not_written_into(store, monkeypatch, kind):
    """A run left open by its id, an experiment by id or name: plume opens a run of its own in its own experiment."""
    client = mlflow.MlflowClient()
    theirs = client.create_experiment("somebody else's")
    left = client.create_run(theirs, run_name="theirs")
    for name, value in {
        "MLFLOW_RUN_ID": left.info.run_id,
        "MLFLOW_EXPERIMENT_ID": theirs,
        "MLFLOW_EXPERIMENT_NAME": "somebody else's",
        "MLFLOW_ACTIVE_MODEL_ID": "m-0",
        "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
    }.items():
        monkeypatch.setenv(name, value)
    connect()
    with tracking.run("ours", kind=kind) as ours, tracking.run("child", kind="system", nested=True) as child:
        mlflow.log_metric("loss", 1.0)
    after = client.get_run(left.info.run_id)
    assert (after.info.run_name, after.info.status, after.data.tags.get("plume.kind")) == ("theirs", "RUNNING", None)
    plumes = client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id
    for run_id in (ours.info.run_id, child.info.run_id):
        assert client.get_run(run_id).info.experiment_id == plumes
    assert client.get_metric_history(child.info.run_id, "loss")


def _open():
    with tracking.run("run", kind="train"):
        pass


@pytest.mark.parametrize(
    "call",
    [
        _open,
        lambda: tracking.find_run("key"),
        lambda: tracking.check_run("0" * 32),
        lambda: tracking.last_step("0" * 32, "loss"),
        lambda: registry.version_of("0" * 32, "adapter"),
        lambda: register("0" * 32, "adapter", {}),
        lambda: find_version("champion"),
        lambda: find_version("1"),
        lambda: set_alias("champion", 1, {}),
    ],
    ids="open find_run check_run last_step version_of register by_alias by_number set_alias".split(),  # noqa: SIM905
)
def test_a_store_that_fails_in_the_middle_is_one_line(store, call):
    """Locked, unreachable, damaged: here, tables that are gone."""
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not name.startswith(("sqlite", "alembic")):
                database.execute(f'ALTER TABLE "{name}" RENAME TO "gone_{name}"')
    with pytest.raises(
        InputError, match=r"^MLflow store .*: does not answer as it should \(.*\); once it does, "
    ) as told:
        call()
    assert "\n" not in str(told.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unusable_stores(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "no.db").write_text("this is no database" * 100)
    (tmp_path / "file").write_text("")
    return {
        "server that is down": f"http://127.0.0.1:{free_port()}",
        "not a database": f"sqlite:///{tmp_path}/no.db",
        "below a file": f"sqlite:///{tmp_path}/file/mlflow.db",
        "unknown scheme": "nonsense://store",
    }


@pytest.mark.parametrize("kind", ["server that is down", "not a database", "below a file", "unknown scheme"])
def test_a_store_that_cannot_be_used_is_one_clear_line(tmp_path, kind):
    uri = unusable_stores(tmp_path)[kind]
    with pytest.raises(InputError) as caught:
        connect(uri)
    assert uri in str(caught.value)
    assert "MLFLOW_TRACKING_URI" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_store_of_another_mlflow_names_the_command_that_mends_it(tmp_path, empty_store):
    file = tmp_path / "a store.db"
    file.write_bytes(empty_store.read_bytes())
    with closing(sqlite3.connect(file)) as database:
        (now,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
        database.execute("UPDATE alembic_version SET version_num = 'older'")
        database.commit()
    with pytest.raises(
        InputError, match=f"of another MLflow; .* then: mlflow db upgrade 'sqlite:///{file}';"
    ) as caught:
        connect(f"sqlite:///{file}", create=False)
    assert "\n" not in str(caught.value)
    with closing(sqlite3.connect(file)) as database:  # nothing was changed
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("older",) != (now,)


def test_a_kill_while_the_store_is_made_leaves_none(tmp_path):
    file = tmp_path / "mlflow.db"
    uri = f"sqlite:///{file}"
    process = subprocess.Popen([sys.executable, "-c", f"from plume import tracking; tracking.connect({uri!r})"])
    while not list(tmp_path.glob(".mlflow.db-*/mlflow.db")):  # MLflow has begun with its tables
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not file.exists()
    assert connect(uri) == uri


def test_a_server_that_is_something_else_is_refused(tmp_path):
    port = free_port()
    other = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, other)
        with pytest.raises(InputError, match="does not answer"):
            connect(f"http://127.0.0.1:{port}")
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("act", [lambda: promote("1", initial=True, reason="first", by="Ada"), connect])
def test_a_server_that_fails_in_the_middle_is_asked_once_where_a_person_waits(monkeypatch, served, tmp_path, act):
    """MLflow's client would ask again and again for four minutes."""
    asked = []

    async def app(scope, receive, send):
        if scope["type"] == "http":
            asked.append(scope["path"])
            status = 200 if scope["path"] == "/health" else 503
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

    uri = served(app).rstrip("/")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with pytest.raises((InputError, StoreAway)) as caught:
        act()
    assert "\n" not in str(caught.value)
    assert len(asked) == len(set(asked))
    assert asked[-1].startswith("/api/")


@pytest.fixture
def server(empty_store, tmp_path):
    """A real MLflow server with a sqlite store, serving artifacts itself; yields its URI."""
    port = free_port()
    (tmp_path / "server.db").write_bytes(empty_store.read_bytes())
    log = (tmp_path / "server.log").open("wb")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{tmp_path}/server.db",
        "--artifacts-destination",
        str(tmp_path / "served"),
    ]
    alone = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # its job runners are not needed, and are slow
    process = subprocess.Popen(command, stdout=log, stderr=log, env=alone, start_new_session=True)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(60)
        log.close()


def _wait_for(port: int, process: subprocess.Popen) -> None:
    for _ in range(1500):
        assert process.poll() is None, "the server ended before it answered"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail("the server did not open its port")


def test_the_same_ledger_through_a_server(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setattr(tracking, "EXPERIMENT", "plume-served")  # the copied store's own experiment points elsewhere
    _until_healthy(server)
    assert connect() == server
    number = registered(tmp_path / "one")
    set_alias("champion", number, {"reason": "first"})
    version = find_version("champion")
    assert version.number == number
    assert folder_sha256(fetch_adapter(version)) == version.tags[ADAPTER_HASH]
    [stored] = (tmp_path / "served").rglob("adapter_model.safetensors")
    stored.write_text("tampered with")
    (tmp_path / "home" / "adapters").rename(tmp_path / "away")
    with pytest.raises(InputError, match="changed after training"):
        fetch_adapter(version)
    with pytest.raises(InputError, match="known: champion, 1"):
        find_version("challenger")


def _until_healthy(uri: str) -> None:
    for _ in range(300):
        try:
            return tracking.check_server(uri)
        except InputError:
            time.sleep(0.2)
    return tracking.check_server(uri)
