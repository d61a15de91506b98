"""A small SQLite file that one process holds: a change is whole or not there, what is deleted leaves no trace."""

import stat
from contextlib import closing

import pytest

from plume.database import Database, NotSaved
from plume.errors import InputError


def make(db):
    db.make_tables("CREATE TABLE note (text TEXT NOT NULL)", version="1")


def change(db, *texts):
    """Write several texts in one change; an error among them is raised in the middle."""
    with db.changing():
        for text in texts:
            if text is KeyError:
                raise text
            db.run("INSERT INTO note VALUES (?)", text)


@pytest.fixture
def opened(tmp_path):
    return lambda: Database(tmp_path / "notes.sqlite", "is held", make, "is damaged")


def test_a_change_is_whole_or_not_there(opened):
    with closing(opened()) as db:
        with db.changing():
            db.run("INSERT INTO note VALUES (?)", "one")
        with pytest.raises(NotSaved):
            change(db, "two", None)
        with pytest.raises(KeyError):
            change(db, "three", KeyError)
        assert [row["text"] for row in db.all("SELECT text FROM note")] == ["one"]
    with closing(opened()) as db:  # made once
        assert db.one("SELECT text FROM note")["text"] == "one"
        assert db.meta() == {"version": "1"}


def test_what_is_deleted_leaves_no_trace_and_nobody_else_reads_the_rest(opened, tmp_path):
    with closing(opened()) as db:
        with db.changing():
            db.run("INSERT INTO note VALUES (?)", "zorglub")
        with db.changing():
            db.run("DELETE FROM note")
        db.empty_log()
        assert not any(b"zorglub" in file.read_bytes() for file in tmp_path.iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) & 0o077 for file in tmp_path.glob("notes*")} == {0}


def test_one_process_holds_it_and_a_damaged_file_is_told(opened, tmp_path):
    with closing(opened()), pytest.raises(InputError, match="is held"):
        opened()
    (tmp_path / "notes.sqlite").write_bytes(b"none" * 5000)
    with pytest.raises(InputError, match="is damaged"):
        opened()
