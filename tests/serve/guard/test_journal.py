"""The journal and what sends it on: damaged files, no room, rows that MLflow refuses; a guard that cannot start."""

import asyncio
import json
from types import SimpleNamespace

import mlflow
import pytest
import uvicorn

from plume import tracking
from plume.errors import PlumeError
from plume.judgements import read_decisions
from serve.config import ServeConfig
from serve.database import StorageError
from serve.guard import mlflow_export
from serve.guard.journal import Journal
from serve.guard.lifecycle import Lifecycle
from serve.guard.middleware import Guard
from serve.guard.mlflow_export import Calm, resend, send
from serve.postgres import Postgres
from serve.state import VARIABLE, State

ROW = {"network": None, "structure": None, "title": None, "review": "r", "draft": "d", "failed": [], "prompt": "v1"}


def decision(final=None):
    return {"outcome": "accepted", "final": final, "seconds": 1.0}


def test_a_damaged_journal_is_kept_aside_and_begun_anew(tmp_path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"this was a database" * 500)
    journal = Journal(path)
    journal.add_draft("a", 1.0, "agents", 1, ROW)
    assert journal.find_draft("a")[0] == "agents"
    (aside,) = tmp_path.glob("journal.db.damaged-*")
    assert aside.read_bytes().startswith(b"this was")


def test_a_journal_that_cannot_be_opened_is_tried_again(tmp_path):
    journal = Journal(tmp_path / "absent" / "journal.db")
    with pytest.raises(StorageError):
        journal.waiting()
    (tmp_path / "absent").mkdir()
    assert journal.waiting() == 0


def test_a_decision_without_measured_time_can_be_learnt_from(tmp_path, shared):
    journal = Journal(Postgres(shared) if shared else tmp_path / "journal.db")
    journal.add_draft("a", 1.0, "agents", 1, ROW)
    journal.add_decision("a", 2.0, decision() | {"seconds": 0.0})
    path = tmp_path / "decisions.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in journal.decisions(reviews=True)))
    (row,) = read_decisions(path)
    assert (row["seconds"], row["review"], row["sources"]) == (None, "r", None)


def test_a_decision_that_mlflow_refuses_does_not_hold_back_the_others(empty_store, tmp_path, shared):
    store = tmp_path / "mlflow.db"
    store.write_bytes(empty_store.read_bytes())
    uri = f"sqlite:///{store}"
    journal = Journal(Postgres(shared) if shared else tmp_path / "journal.db")
    for identity in ("a", "b"):
        journal.add_draft(identity, 1.0, "agents", 1, ROW)
    assert send(journal, uri) == 2
    traces = {row[0]: row[1] for row in journal.database.run("SELECT id, trace FROM draft")}
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


@pytest.fixture
def kept(empty_store, tmp_path, shared):
    """A state whose journal was sent, and the store that has it: two drafts, two decisions on the first."""
    state = State.of(ServeConfig(state=tmp_path / "state", database=shared))
    state.folder.mkdir()
    store = tmp_path / "mlflow.db"
    store.write_bytes(empty_store.read_bytes())
    journal = Journal.of(state)
    for identity in ("a", "b"):
        journal.add_draft(identity, 1.0, "agents", 1, ROW)
    journal.add_decision("a", 2.0, decision())
    journal.add_decision("a", 3.0, decision("Réponse,\ncorrigée"))
    assert send(journal, f"sqlite:///{store}") == 4
    return SimpleNamespace(state=state, journal=journal, store=store, uri=f"sqlite:///{store}")


def traces(uri):
    """Drafts that a store has, each with the number of its decisions."""
    tracking.connect(uri, create=False)
    experiment = mlflow.get_experiment_by_name(tracking.EXPERIMENT).experiment_id
    found = mlflow.MlflowClient().search_traces(locations=[experiment], include_spans=False)
    return sorted((trace.info.tags["plume.draft"], len(trace.info.assessments)) for trace in found)


def test_what_the_ledger_lacks_is_sent_again_and_nothing_else(kept, monkeypatch):
    before = kept.store.read_bytes()
    kept.journal.add_draft("c", 4.0, "agents", 1, ROW)
    kept.journal.add_decision("b", 5.0, decision())
    send(kept.journal, kept.uri)
    assert resend(kept.state, kept.uri) == (0, 0, 0)
    kept.store.unlink()
    kept.store.write_bytes(before)  # a copy of before
    kept.journal.add_draft("d", 6.0, "agents", 1, ROW)
    assert resend(kept.state, kept.uri) == (1, 1, 3)
    everything = [("a", 2), ("b", 1), ("c", 0), ("d", 0)]
    assert traces(kept.uri) == everything
    kept.journal.database.run("UPDATE draft SET trace = NULL")  # as if a kill had come before each was noted
    monkeypatch.setattr(mlflow_export, "_PAGE", 1)
    assert resend(kept.state, kept.uri)[:2] == (0, 0)
    assert traces(kept.uri) == everything
    assert kept.journal.waiting() == 0


def test_a_new_store_in_the_place_of_a_lost_one_gets_everything(kept, empty_store):
    kept.store.unlink()
    kept.store.write_bytes(empty_store.read_bytes())
    kept.journal.add_draft("c", 4.0, "agents", 1, ROW)
    assert send(kept.journal, kept.uri) == 1
    assert traces(kept.uri) == [("c", 0)]
    assert resend(kept.state, kept.uri) == (2, 2, 4)
    assert traces(kept.uri) == [("a", 2), ("b", 0), ("c", 0)]


@pytest.mark.parametrize("instead", [None, "another"])
def test_what_goes_into_a_store_that_vanishes_meanwhile_is_not_noted_as_sent(kept, empty_store, monkeypatch, instead):
    """MLflow goes on writing to a file that was removed, and says nothing."""
    trace = mlflow_export._trace

    def vanish(*values):
        kept.store.unlink()
        if instead:
            kept.store.write_bytes(empty_store.read_bytes())
        return trace(*values)

    kept.journal.add_draft("c", 4.0, "agents", 1, ROW)
    with monkeypatch.context() as patch:
        patch.setattr(mlflow_export, "_trace", vanish)
        with pytest.raises((PlumeError, mlflow.MlflowException)):
            send(kept.journal, kept.uri)
    assert kept.journal.waiting() == 1
    kept.store.write_bytes(empty_store.read_bytes())
    assert send(kept.journal, kept.uri) == 1
    assert traces(kept.uri) == [("c", 0)]


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
        asyncio.run(
            Lifecycle._keep_running(SimpleNamespace(state=State(tmp_path)), "serve.guard.mlflow_export", configured)
        )
    assert started["env"]["MLFLOW_TRACKING_URI"] == store
    assert not [word for word in started["words"] if "store" in word]


def test_what_is_new_is_sent_once_nothing_more_comes_or_after_a_minute():
    calm = Calm()
    assert not any(calm.is_due(0, now) for now in range(100))
    assert [calm.is_due(3, now) for now in (100, 104, 105, 106)] == [False, False, True, True]
    assert not calm.is_due(0, 107)
    steady = [calm.is_due(n + 1, 200 + n) for n in range(62)]  # one more each second
    assert (steady.index(True), all(steady[60:])) == (60, True)
    assert not calm.is_due(0, 300)
    assert not calm.is_due(1, 301)
