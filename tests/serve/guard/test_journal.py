"""The journal and what sends it on: damaged files, no room, rows that MLflow refuses; a guard that cannot start."""

import asyncio
import sqlite3
from types import SimpleNamespace

import mlflow
import pytest
import uvicorn

from plume import tracking
from serve.guard import Guard
from serve.guard.journal import Journal
from serve.guard.sender import send
from serve.state import VARIABLE, State

ROW = {"network": None, "structure": None, "title": None, "review": "r", "draft": "d", "failed": [], "prompt": "v1"}


def decision(final=None):
    return {"outcome": "accepted", "final": final, "seconds": 1.0}


def test_a_damaged_journal_is_kept_aside_and_begun_anew(tmp_path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"this was a database" * 500)
    journal = Journal(path)
    journal.add_draft("a", 1.0, "agents", 1, ROW)
    assert journal.client_of("a") == "agents"
    (aside,) = tmp_path.glob("journal.db.damaged-*")
    assert aside.read_bytes().startswith(b"this was")


def test_a_journal_that_cannot_be_opened_is_tried_again(tmp_path):
    journal = Journal(tmp_path / "absent" / "journal.db")
    with pytest.raises(sqlite3.OperationalError):
        journal.waiting()
    (tmp_path / "absent").mkdir()
    assert journal.waiting() == 0


def test_a_decision_that_mlflow_refuses_does_not_hold_back_the_others(empty_store, tmp_path):
    store = tmp_path / "mlflow.db"
    store.write_bytes(empty_store.read_bytes())
    uri = f"sqlite:///{store}"
    journal = Journal(tmp_path / "journal.db")
    for identity in ("a", "b"):
        journal.add_draft(identity, 1.0, "agents", 1, ROW)
    assert send(journal, uri) == 2
    traces = {row[0]: row[1] for row in journal._db.execute("SELECT id, trace FROM draft")}
    client = mlflow.MlflowClient()
    experiment = mlflow.get_experiment_by_name(tracking.EXPERIMENT).experiment_id
    client.delete_traces(experiment, trace_ids=[traces["a"]])
    for identity in ("a", "b"):
        journal.add_decision(identity, 2.0, decision())
    assert journal.waiting() == 2
    send(journal, uri)
    assert journal.waiting() == 0
    assert [a.value for a in client.get_trace(traces["b"]).info.assessments] == ["accepted"]
    assert [row["id"] for row in journal.decisions()] == ["a", "b"]  # nothing of it is lost here


def test_a_guard_that_cannot_start_starts_no_server(tmp_path, monkeypatch, capfd):
    """uvicorn, as vLLM runs it, takes an exception for an app that knows no lifespan, and goes on without one."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))  # a state folder in which nothing was started

    async def engine(*_):
        raise AssertionError("nothing reaches the engine")

    server = uvicorn.Server(uvicorn.Config(Guard(engine), uds=str(tmp_path / "socket"), log_level="error"))
    with pytest.raises(SystemExit):
        server.run()
    assert not server.started
    assert "plume: the guard cannot start: " in capfd.readouterr().err


@pytest.mark.parametrize(
    ("inherited", "configured", "store"),
    [
        ("http://ann:s3cret@store.test", "http://store.test", "http://ann:s3cret@store.test"),  # as the engine gives it
        ("http://ann:s3cret@store.test", None, "http://ann:s3cret@store.test"),
        ("sqlite:////elsewhere.db", "http://store.test", "http://store.test"),
    ],
)
def test_the_sender_is_given_the_store_where_nobody_reads_it(monkeypatch, tmp_path, inherited, configured, store):
    started = {}

    async def start(*words: str, env: dict[str, str], **_: object) -> None:
        started.update(words=words, env=env)
        raise asyncio.CancelledError

    monkeypatch.setenv("MLFLOW_TRACKING_URI", inherited)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Guard._send_on(SimpleNamespace(state=State(tmp_path)), configured))
    assert started["env"]["MLFLOW_TRACKING_URI"] == store
    assert not [word for word in started["words"] if "store" in word]
