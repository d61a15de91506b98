"""PostgreSQL in the place of files: shared, locked, lost and found again; its password in no file and no message."""

import json
import threading
import time

import pytest

from plume.errors import InputError, PlumeError
from plume.models import Base
from serve import backup, postgres, vllm_command
from serve.config import ServeConfig
from serve.database import VARIABLE, DatabaseAway, StorageError, bare
from serve.guard.journal import Journal
from serve.guard.platform_queue import PlatformQueue
from serve.postgres import Postgres
from serve.state import Started, State, alone, read_json, write_json

ROW = {"network": None, "structure": None, "title": None, "review": "r", "draft": "d", "failed": [], "prompt": "v1"}
SECRET = "postgresql://ann:s3cr%40t@db.test,other.test:5433/plume?sslmode=verify-full&sslpassword=hidden"


def cut_off(database, uri):
    """End the connection of a database, as a server that is started again does."""
    (pid,) = database.run("SELECT pg_backend_pid()")[0]
    Postgres(uri).run("SELECT pg_terminate_backend(?, 5000)", (pid,))


def test_a_decision_on_a_draft_of_another_replica_is_taken(postgres_uri):
    one, two = Journal(Postgres(postgres_uri)), Journal(Postgres(postgres_uri))
    one.add_draft("a", 1.0, "agents", 3, ROW)
    assert two.find_draft("a") == ("agents", 3, ROW)
    two.add_decision("a", 2.0, {"outcome": "accepted", "final": None, "seconds": 1.0})
    assert [row["version"] for row in one.decisions()] == [3]


def test_replicas_that_begin_at_once_make_the_tables_once(postgres_uri):
    journals, waiting = [Journal(Postgres(postgres_uri)) for _ in range(6)], []
    threads = [threading.Thread(target=lambda j=journal: waiting.append(j.waiting())) for journal in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting == [0] * 6


def test_a_database_of_an_earlier_plume_gets_what_it_lacks(postgres_uri):
    Journal(Postgres(postgres_uri)).add_draft("a", 1.0, "agents", 3, ROW)
    Postgres(postgres_uri).run("DROP INDEX decision_of")
    database = Postgres(postgres_uri)
    assert database.run("SELECT to_regclass('decision_of')::text") == [("decision_of",)]
    assert Journal(database).find_draft("a") == ("agents", 3, ROW)


def test_each_review_of_the_platform_is_drafted_by_one_replica_and_by_another_if_that_ends(postgres_uri, monkeypatch):
    queues = [PlatformQueue(Journal(Postgres(postgres_uri)), lease=60) for _ in range(2)]
    for number in range(20):
        queues[0].add("site", str(number), f"Panne {number}.", {}, most=99)
    taken = []

    def take(queue):
        while job := queue.take():
            taken.append(job)

    threads = [threading.Thread(target=take, args=(queue,)) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(job.id) for job in taken) == list(range(20))
    for job in taken[1:]:
        queues[0].finish(job.seq, "draft", "Bonjour.", 1)
    queues[1].resume()  # another replica starts: what the others write is theirs
    assert queues[1].take() is None
    later = Postgres(postgres_uri).now() + 61
    monkeypatch.setattr(Postgres, "now", lambda _: later)
    again = queues[1].take()
    assert (again.id, again.tries) == (taken[0].id, 2)
    queues[1].finish(again.seq, "draft", "Bonjour.", 1)
    assert queues[0].waiting() == 0


def test_two_replicas_that_are_asked_the_same_at_once_keep_one_review(postgres_uri):
    one, two = (PlatformQueue(Journal(Postgres(postgres_uri))) for _ in range(2))
    there, look, added = Postgres(postgres_uri), Postgres(postgres_uri), []
    thread = threading.Thread(target=lambda: added.append(two.add("site", "7", "Panne.", {}, most=9)))
    with there.changing():  # as `add` does
        values = ("site", "7", "Panne.", "{}", time.time())
        there.run("INSERT INTO platform (client, id, text, masked, due) VALUES (?, ?, ?, ?, ?)", values)
        thread.start()
        while not look.run("SELECT 1 FROM pg_locks WHERE NOT granted"):
            assert thread.is_alive()
    thread.join()
    assert (added, one.waiting()) == ([True], 1)


def test_a_backup_goes_on_with_a_connection_that_idled(postgres_uri, tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, "_IDLE", 0.05)
    state = State.of(ServeConfig(state=tmp_path, database=postgres_uri))
    Journal.of(state).add_draft("a", 1.0, "agents", 3, ROW)
    time.sleep(0.1)
    assert "1 drafts" in backup.backup(state, tmp_path / "backup.tar")


def test_one_command_at_a_time_changes_what_is_shared(postgres_uri, tmp_path):
    config = ServeConfig(state=tmp_path, database=postgres_uri)
    inside, most = [], []

    def change():
        state = State.of(config)
        with alone(state, "keys"):
            inside.append(1)
            most.append(len(inside))
            write_json(state.keys, (read_json(state.keys) or 0) + 1)
            inside.pop()

    threads = [threading.Thread(target=change) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (max(most), read_json(State.of(config).keys)) == (1, 5)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_lost_with_its_connection_ends_what_it_was_held_for(postgres_uri, tmp_path):
    state = State.of(ServeConfig(state=tmp_path, database=postgres_uri))

    def change():
        with alone(state, "sync"):
            write_json(state.keys, "before")
            cut_off(state.database, postgres_uri)
            with pytest.raises(StorageError):
                write_json(state.keys, "in the middle")
            write_json(state.keys, "after")

    with pytest.raises(DatabaseAway, match="run the command again"):
        change()
    assert read_json(state.keys) == "before"
    with alone(state, "sync"):  # nobody holds it
        write_json(state.keys, "again")
    assert read_json(state.keys) == "again"


def test_a_change_that_is_cut_off_leaves_nothing_half_written(postgres_uri):
    database = Postgres(postgres_uri)
    journal = Journal(database)

    def change():
        with database.changing():
            journal.add_draft("a", 1.0, "agents", 1, ROW)
            cut_off(database, postgres_uri)
            journal.add_draft("b", 1.0, "agents", 1, ROW)

    with pytest.raises(DatabaseAway):
        change()
    assert journal.waiting() == 0


def test_a_connection_that_idled_away_is_made_anew_before_anything_is_sent(postgres_uri, monkeypatch):
    journal = Journal(Postgres(postgres_uri))
    journal.add_draft("a", 1.0, "agents", 1, ROW)
    cut_off(journal.database, postgres_uri)
    monkeypatch.setattr("serve.postgres._IDLE", -1)
    journal.add_draft("b", 1.0, "agents", 1, ROW)
    assert journal.waiting() == 2


def test_what_postgresql_refuses_is_told_without_what_was_sent(postgres_uri):
    journal = Journal(Postgres(postgres_uri))
    journal.add_draft("a", 1.0, "agents", 1, ROW)
    with pytest.raises(StorageError, match="UniqueViolation") as told:
        journal.add_draft("a", 1.0, "agents", 1, ROW | {"review": "zorglub"})
    assert "zorglub" not in str(told.value)
    assert journal.waiting() == 1


# --- its address


def test_the_password_is_in_no_file_no_argument_and_no_message(tmp_path, monkeypatch, make_served):
    config = ServeConfig(state=tmp_path, database=SECRET)
    Started(config=config, base=Base(), stop_token_id=2, dtype="float32", max_model_len=2048).write(State(tmp_path))
    written = State(tmp_path).serve.read_text()
    kept = "postgresql://ann@db.test,other.test:5433/plume?sslmode=verify-full"
    assert json.loads(written)["config"]["database"] == kept
    monkeypatch.setattr(vllm_command, "has_gpu", lambda: False)
    shown = vllm_command.shown(make_served, config)
    words, variables = vllm_command.here(make_served, config)
    assert variables[VARIABLE] == SECRET
    monkeypatch.setenv(VARIABLE, SECRET)
    assert State.of(Started.read(State(tmp_path)).config).database._uri == SECRET  # as the guard finds it
    for said in (written, shown, " ".join(words), str(Postgres(SECRET)), repr(config.model_dump())):
        assert "s3cr" not in said
        assert "hidden" not in said
    with pytest.raises(InputError) as told:
        ServeConfig.load(None, [f"database={SECRET}", "merged=/x"])
    assert "s3cr" not in str(told.value)


@pytest.fixture
def make_served():
    from serve.alias import Aliases, Deployed
    from serve.champion import Served

    aliases = Aliases(Deployed(1, "/adapter", "0" * 64))
    return Served(aliases, (aliases.champion,), Base(), "/model", 2)


@pytest.mark.parametrize(
    "odd", ["mysql://h/x", "postgresql://h", "postgresql://h/", "plume", "http://h/x", "5", "postgresql://[h/x"]
)
def test_what_is_no_address_is_refused_at_once(odd):
    with pytest.raises(InputError, match=r"database: .*postgresql://USER@HOST/NAME"):
        ServeConfig.load(None, [f"database={odd}"])


def test_an_address_that_is_refused_is_told_without_its_password():
    with pytest.raises(InputError, match="got 'http://h/x'") as told:
        ServeConfig.load(None, ["database=http://u:pa55@h/x"])
    assert "pa55" not in str(told.value)


def test_an_address_without_secrets_stays_as_it_is():
    for uri in ("postgresql:///plume?host=/run/postgresql", "postgresql://h:5433/p", "postgres://u@[::1]/p?a=b&c=d"):
        assert bare(uri) == uri


def test_a_server_that_is_not_there_is_one_line_and_is_not_asked_again_for_each_request(monkeypatch):
    database = Postgres("postgresql://ann:s3cret@127.0.0.1:9/plume")
    tried = []
    connect = database._psycopg.connect

    def count(*words, **options):
        tried.append(1)
        return connect(*words, **options)

    monkeypatch.setattr(database._psycopg, "connect", count)
    for _ in range(5):
        with pytest.raises(PlumeError, match=r"127\.0\.0\.1") as told:
            database.run("SELECT 1")
        assert "s3cret" not in str(told.value)
        assert "\n" not in str(told.value)
    assert len(tried) == 1
