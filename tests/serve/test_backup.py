"""A backup while a server writes, put back where nothing is; what is older than wanted, deleted."""

import io
import json
import os
import sqlite3
import stat
import tarfile
import threading
import time
from contextlib import closing, suppress

import pytest

from plume import tracking
from plume.errors import InputError, PlumeError
from plume.files import sha256
from serve import alias, cli_state, keys, retention, vllm_process
from serve import backup as backup_module
from serve.alias import Aliases, Deployed
from serve.backup import backup, restore
from serve.config import ServeConfig
from serve.database import StorageError
from serve.fleet import Replica, beat
from serve.guard.journal import Journal
from serve.guard.mlflow_export import resend, send
from serve.guard.platform_queue import PlatformQueue
from serve.retention import prune_audit, prune_journal
from serve.state import State, write_json

ROW = {"network": None, "structure": None, "title": None, "review": "r", "draft": "d", "failed": [], "prompt": "v1"}
DECISION = {"outcome": "accepted", "final": None, "seconds": 1.0}
DAY = 86_400


@pytest.fixture
def state(tmp_path, shared):
    return State.of(ServeConfig(state=tmp_path / "state", database=shared))


@pytest.fixture
def filled(state):
    """Two versions, a key, two drafts with a decision, a review of the platform's."""
    state.folder.mkdir()
    for number in (1, 2):
        alias.write(state, Aliases(Deployed(number, f"/adapters/{number}", str(number) * 64)))
    keys.add(state, "agents")
    state.agents_key()
    journal = Journal.of(state)
    for identity in ("a", "b"):
        journal.add_draft(identity, time.time(), "agents", 2, ROW | {"review": f"Été {identity}"})
    journal.add_decision("b", time.time(), DECISION)
    PlatformQueue(journal).add("site", "7", "Panne.", {"NOM": 1}, most=9)
    return state


def held(state):
    journal = Journal.of(state).database
    return [journal.run(f"SELECT * FROM {table} ORDER BY 1") for table in ("draft", "decision", "platform")]


@pytest.mark.parametrize("target", ["files", "postgresql"])
def test_a_backup_is_put_back_whole_in_files_or_in_postgresql(filled, tmp_path, target, request):
    out = tmp_path / "kept" / "backup.tar"
    assert backup(filled, out).endswith("2 drafts and 1 decisions")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    uri = request.getfixturevalue("make_postgres_uri")() if target == "postgresql" else None
    fresh = State.of(ServeConfig(state=tmp_path / "fresh", database=uri))
    assert "2 drafts and 1 decisions" in restore(fresh, out)
    assert held(fresh) == held(filled)
    assert alias.read(fresh) == alias.read(filled)
    assert alias.previous(fresh) == alias.previous(filled)
    assert keys.known(fresh) == keys.known(filled)
    assert fresh.agents.exists()
    assert fresh.agents_key() == filled.agents_key()  # else an agent has two hashes
    Journal.of(fresh).add_decision("a", 3.0, DECISION)  # under a number of its own
    assert len(list(Journal.of(fresh).decisions())) == 2
    assert PlatformQueue(Journal.of(fresh)).take().text == "Panne."
    with pytest.raises(InputError, match="already"):
        restore(fresh, out)
    with pytest.raises(InputError, match="already"):
        backup(fresh, out)


def test_a_backup_is_of_one_moment_while_the_server_writes(tmp_path):
    state, over = State(tmp_path / "state"), threading.Event()
    state.folder.mkdir()
    Journal.of(state).add_draft("0", 1.0, "agents", 1, ROW)

    def write():
        journal, number = Journal.of(state), 0
        while not over.is_set():
            number += 1
            journal.add_draft(f"d{number}", 1.0, "agents", 1, ROW)
            journal.add_decision(f"d{number}", 1.0, DECISION)
        journal.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        backup(state, tmp_path / "backup.tar")
    finally:
        over.set()
        thread.join()
    fresh = State(tmp_path / "fresh")
    restore(fresh, tmp_path / "backup.tar")
    drafts, decisions, _ = held(fresh)
    assert len(decisions) <= len(drafts) - 1 <= len(decisions) + 1
    assert fresh.journal.stat().st_mode & 0o077 == 0


def test_after_a_restore_resend_gives_mlflow_nothing_twice(empty_store, filled, tmp_path):
    import mlflow

    store = tmp_path / "mlflow.db"
    store.write_bytes(empty_store.read_bytes())
    uri = f"sqlite:///{store}"
    backup(filled, tmp_path / "backup.tar")
    assert send(Journal.of(filled), uri) == 3
    fresh = State(tmp_path / "fresh")
    restore(fresh, tmp_path / "backup.tar")
    Journal.of(fresh).add_draft("c", 3.0, "agents", 1, ROW)
    assert resend(fresh, uri) == (0, 0, 1)
    experiment = mlflow.get_experiment_by_name(tracking.EXPERIMENT).experiment_id
    found = mlflow.MlflowClient().search_traces(locations=[experiment], include_spans=False)
    assert sorted(trace.info.tags["plume.draft"] for trace in found) == ["a", "b", "c"]
    assert sorted(len(trace.info.assessments) for trace in found) == [0, 0, 1]


def test_a_restore_that_fails_half_way_leaves_nothing(filled, tmp_path, monkeypatch):
    backup(filled, tmp_path / "backup.tar")
    empty, written = State(tmp_path / "empty"), []

    def full(path, value):
        written.append(path)
        if len(written) == 3:
            raise InputError(f"{path}: no room")
        write_json(path, value)

    monkeypatch.setattr(backup_module, "write_json", full)
    with pytest.raises(InputError, match="no room"):
        restore(empty, tmp_path / "backup.tar")
    assert list(empty.folder.iterdir()) == []
    monkeypatch.undo()
    assert "restored" in restore(empty, tmp_path / "backup.tar")
    assert empty.journal.exists()
    assert empty.alias.exists()


def test_nothing_is_put_back_below_a_server_that_runs(filled, tmp_path):
    backup(filled, tmp_path / "backup.tar")
    if filled.database:
        beat(filled.database, Replica("one:/state"))
        running = pytest.raises(InputError, match=r"replicas run with it \(one:/state\)")
        with running:
            restore(filled, tmp_path / "backup.tar")
        return
    fresh = State(tmp_path / "fresh")
    with vllm_process.hold(fresh), pytest.raises(InputError, match="a server runs with this state folder"):
        restore(fresh, tmp_path / "backup.tar")
    assert list(fresh.folder.iterdir()) == []


def packed(path, members, **manifest):
    """A tar of `members`, with the manifest that goes with them unless another is given."""
    digests = {name: sha256(content) for name, content in members.items()}
    told = {"format": "plume serve backup 1", "files": digests} | manifest
    with tarfile.open(path, "w") as archive:
        for name, content in {"manifest.json": json.dumps(told).encode(), **members}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_what_is_no_whole_backup_is_refused_in_one_line_and_nothing_is_made(filled, tmp_path):
    good = tmp_path / "good.tar"
    backup(filled, good)
    content = good.read_bytes()
    odd = tmp_path / "odd.tar"
    fresh = State(tmp_path / "fresh")

    def refused(why):
        with pytest.raises(InputError, match=why) as told:
            restore(fresh, odd)
        assert "\n" not in str(told.value)
        assert str(odd) in str(told.value)
        assert not fresh.folder.exists()

    refused("no such file")
    for cut in (0, 1, 600, 2000, len(content) // 2):
        odd.write_bytes(content[:cut])
        refused("damaged|no backup")
    for at in range(700, len(content), len(content) // 40):
        changed = bytearray(content)
        changed[at] ^= 0x55
        odd.write_bytes(changed)
        there = State(tmp_path / f"at-{at}")
        with suppress(InputError):
            restore(there, odd)
        # Else the byte was between two files.
        assert not there.folder.exists() or held(there) == held(filled)
    for members, manifest, why in [
        ({"alias.json": b"{}"}, {}, "alias.json is not understood"),
        ({"keys.json": b"null"}, {}, "keys.json is not understood"),
        ({"history.json": b"[]"}, {}, "history.json is not understood"),
        ({"agents.key": b'""'}, {}, "agents.key is not understood"),
        ({"keys.json": b"{}"}, {"format": "plume serve backup 9"}, "no backup"),
        ({"keys.json": b"{}"}, {"files": {"keys.json": "0"}}, "damaged, keys.json"),
        ({"keys.json": b"{}"}, {"files": {"../keys.json": "0"}}, "no backup"),
        ({"keys.json": b"{}"}, {"files": ["keys.json"]}, "no backup"),
        ({"journal.db": b"no database"}, {}, "its journal is damaged"),
        ({}, {}, "no backup"),
    ]:
        packed(odd, members, **manifest)
        refused(why)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE x (y)")
    packed(odd, {"journal.db": (tmp_path / "other.db").read_bytes()})
    refused("its journal is damaged")
    with closing(sqlite3.connect(tmp_path / "later.db")) as later:  # of another plume: a column is lacking
        later.executescript("CREATE TABLE draft (id); CREATE TABLE decision (seq); CREATE TABLE platform (seq);")
    packed(odd, {"journal.db": (tmp_path / "later.db").read_bytes()})
    refused("its journal is damaged")


def test_a_damaged_journal_is_no_backup(tmp_path):
    state = State(tmp_path / "state")
    state.folder.mkdir()
    journal = Journal.of(state)
    for number in range(50):
        journal.add_draft(f"d{number}", 1.0, "agents", 1, ROW | {"review": "r" * 2000})
    journal.database.empty_log()
    journal.close()
    content = bytearray(state.journal.read_bytes())
    content[-8192:] = b"\x55" * 8192
    state.journal.write_bytes(content)
    with pytest.raises(InputError, match=r"journal\.db: is damaged"):
        backup(state, tmp_path / "backup.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_where_nothing_was_kept_there_is_no_backup(tmp_path):
    with pytest.raises(InputError, match="nothing to back up"):
        cli_state.backup(tmp_path / "backup.tar", [f"state={tmp_path / 'typo'}"])
    assert list(tmp_path.iterdir()) == []


# --- what is older than wanted


@pytest.fixture
def aged(state):
    """Drafts of 40 days ago and of today, each with what became of it."""
    state.folder.mkdir()
    journal, old, new = Journal.of(state), time.time() - 40 * DAY, time.time()
    for identity, made in {"sent": old, "unsent": old, "undecided": old, "decided-now": old, "today": new}.items():
        journal.add_draft(identity, made, "agents", 1, ROW | {"review": f"texte de {identity}"})
        if identity != "unsent":
            journal.draft_sent(identity, "trace")
    for identity, made in {"sent": old, "undecided": old, "decided-now": new, "today": new}.items():
        journal.add_decision(identity, made, DECISION)
    for seq, identity, *_ in journal.unsent_decisions():
        if identity and seq != 2:  # that of `undecided` waits
            journal.decision_sent(seq)
    return state


def kept(state):
    return [
        sorted(row[0] for row in Journal.of(state).database.run(f"SELECT id FROM {t}")) for t in ("draft", "decision")
    ]


def test_only_what_is_old_and_sent_whole_is_deleted_unless_asked_for(aged):
    pruned = prune_journal(aged, 30)
    assert (pruned.drafts, pruned.decisions, pruned.unsent) == (1, 1, 2)
    assert kept(aged) == [["decided-now", "today", "undecided", "unsent"], ["decided-now", "today", "undecided"]]
    assert prune_journal(aged, 30).drafts == 0
    pruned = prune_journal(aged, 30, unsent=True)
    assert (pruned.drafts, pruned.decisions, pruned.unsent) == (2, 1, 0)
    assert kept(aged) == [["decided-now", "today"], ["decided-now", "today"]]


def test_prune_reads_each_decision_once(tmp_path):
    """Else the time grows with drafts times decisions, and the server, which writes, waits."""
    statement = f"EXPLAIN QUERY PLAN DELETE FROM draft WHERE {retention._OLD.format(unsent='')}"
    plan = [row[3] for row in Journal.of(State(tmp_path)).database.run(statement, (1.0, 1.0))]
    assert [step for step in plan if "decision" in step] == ["SEARCH decision USING INDEX decision_of (id=?)"]


def test_what_was_deleted_is_in_no_file_any_more(tmp_path):
    state = State(tmp_path / "state")
    state.folder.mkdir()
    journal = Journal.of(state)
    journal.add_draft("a", 1.0, "agents", 1, ROW | {"review": "marque-zorglub " * 2000})
    journal.draft_sent("a", "trace")
    prune_journal(state, 1)
    assert not [path for path in state.folder.iterdir() if b"zorglub" in path.read_bytes()]


def test_the_audit_begins_anew_each_day_and_goes_with_its_last_line(tmp_path):
    audit = tmp_path / "audit.jsonl"
    assert prune_audit(audit, 30) == 0
    audit.write_text(json.dumps({"time": time.time()}) + "\n")
    prune_audit(audit, 30)
    assert audit.exists()  # a day is not over
    audit.write_text(json.dumps({"time": time.time() - 2 * DAY}) + "\n")
    prune_audit(audit, 30)
    assert not audit.exists()
    (rotated,) = tmp_path.glob("audit-*.jsonl")
    assert prune_audit(audit, 30) == 0
    os.utime(rotated, (0, time.time() - 31 * DAY))
    assert prune_audit(audit, 30) == 1
    assert list(tmp_path.iterdir()) == []


def test_prune_says_what_it_did_and_refuses_to_guess_how_long(aged, capsys, shared):
    where = [f"state={aged.folder}", *([f"database={shared}"] if shared else [])]
    with pytest.raises(InputError, match="journal_days=N"):
        cli_state.prune(where)
    with pytest.raises(InputError, match="journal_days: "):
        cli_state.prune([*where, "journal_days=0"])
    cli_state.prune([*where, "journal_days=30", "audit_days=30"])
    told = capsys.readouterr().out
    assert "journal: 1 drafts and 1 decisions deleted; 2 older drafts stay" in told
    assert "audit: 0 files deleted" in told


def test_a_journal_that_cannot_be_opened_loses_nothing(tmp_path):
    state = State(tmp_path / "state")
    state.journal.mkdir(parents=True)
    with pytest.raises((StorageError, PlumeError)):
        prune_journal(state, 1)


def test_where_mlflow_gets_nothing_nothing_waits_for_it(aged, capsys, shared):
    where = [f"state={aged.folder}", *([f"database={shared}"] if shared else [])]
    cli_state.prune([*where, "journal_days=30", "traces=false"])
    told = capsys.readouterr().out
    assert "journal: 3 drafts and 2 decisions deleted" in told
    assert "stay" not in told
