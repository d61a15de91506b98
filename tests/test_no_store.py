"""What reads or serves makes no store: one that vanished, or was mistyped, is told, and nothing is written."""

import sqlite3
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from eval import cli as evaluate
from eval import inputs, systems
from plume import doctor, registry, tracking
from plume.corpus import forget_versions
from plume.errors import InputError
from plume.models import Base
from plume.paths import ROOT
from serve import champion, cli, sync
from serve.alias import Aliases, Deployed
from serve.config import ServeConfig
from serve.guard import mlflow_export
from serve.guard.journal import Journal
from serve.state import Started, State, write_json

SAMPLE = ROOT / "datasets" / "sample" / "export.json"
ROW = {"network": None, "structure": None, "title": None, "review": "r", "draft": "d", "failed": [], "prompt": "v1"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A state folder in which something was served and drafted; the store that MLFLOW_TRACKING_URI names is not there.

    No name of a store is given elsewhere.
    """
    state = State(tmp_path / "state")
    write_json(state.alias, asdict(Aliases(Deployed(1, "/adapter", "0" * 64))))
    Started(config=ServeConfig(), base=Base(), stop_token_id=2, dtype="float32", max_model_len=2048).write(state)
    Journal(state.journal).add_draft("a", 1.0, "agents", 1, ROW)
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'typo' / 'mlflow.db'}")
    return state


@pytest.mark.parametrize(
    "command",
    [
        lambda state: evaluate.promote("1", initial=True, reason="r", by="b"),
        lambda state: evaluate.compare(Path("a.jsonl"), [Path("b.jsonl")], Path("data"), Path("verdict")),
        lambda state: evaluate.time(SAMPLE, state.folder / "time"),
        lambda state: systems.resolve("champion"),
        lambda state: forget_versions.trained_on({"0"}, {"0"}),
        lambda state: forget_versions.runs_on({"0"}),
        lambda state: champion.resolve(ServeConfig(state=state.folder / "other"), State(state.folder / "other")),
        lambda state: cli.run([f"state={state.folder / 'other'}"], only_print=True),
        lambda state: sync.sync(ServeConfig(state=state.folder)),
        lambda state: mlflow_export.send(Journal(state.journal)),
        lambda state: mlflow_export.resend(state),
        lambda state: cli.resend([f"state={state.folder}"]),
    ],
    ids=[
        "promote",
        "compare",
        "time",
        "generate",
        "forget",
        "runs",
        "serve",
        "print",
        "sync",
        "sender",
        "resend",
        "resend cli",
    ],
)
def test_reading_and_serving_commands_make_no_store(here, tmp_path, monkeypatch, command):
    monkeypatch.setattr(inputs, "to_compare", lambda *_, **__: None)  # the drafts are looked at before the store
    with pytest.raises(InputError, match=r"typo/mlflow.db: there is none, and what reads or serves makes none"):
        command(here)
    assert not (tmp_path / "typo").exists()
    assert not (tmp_path / "home" / "mlflow.db").exists()
    assert Journal(here.journal).waiting() == 1


def test_looking_at_the_machine_makes_no_store(here, tmp_path):
    doctor.report()
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize(
    "name",
    ["sqlite:///{0}/empty.db", "sqlite:///{0}/other.db", "{0}/folder", "file://{0}/folder", "{0}/absent", "sqlite://"],
)
def test_what_is_no_store_is_not_made_one(tmp_path, name):
    """A file or a folder of something else is there, and stays as it is."""
    (tmp_path / "empty.db").touch()
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE drafts (id)")
    (tmp_path / "folder").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(InputError, match="there is none"):
        tracking.connect(name.format(tmp_path), create=False)
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert list((tmp_path / "folder").iterdir()) == []
    assert not (tmp_path / "absent").exists()


def test_the_demos_store_is_named_where_there_is_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mlflow.db").touch()
    with pytest.raises(InputError, match=rf"export MLFLOW_TRACKING_URI=sqlite:///{tmp_path}/demo/mlflow.db"):
        tracking.connect(create=False)


def test_existing_stores_are_read_and_another_one_of_the_same_name_is_noticed(tmp_path, empty_store):
    """MLflow keeps its connections: without letting go of them it would write on into the file that was removed."""
    store = tmp_path / "mlflow.db"
    uri = f"sqlite:///{store}"
    for name in ("first", "second"):
        store.unlink(missing_ok=True)
        store.write_bytes(empty_store.read_bytes())
        tracking.connect(uri, create=False)
        with tracking.run(name, kind="test"):
            pass
        with sqlite3.connect(store) as opened:
            assert opened.execute("SELECT name FROM runs").fetchall() == [(name,)]


def test_a_mistyped_store_is_told_before_mlflow_is_imported(here, monkeypatch):
    monkeypatch.delitem(sys.modules, "mlflow")
    with pytest.raises(InputError, match="there is none"):
        registry.check_reference("champion")
