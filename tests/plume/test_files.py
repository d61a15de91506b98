"""Files that survive a kill, a full disk and a second writer; who may read them."""

import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from plume import files
from plume.errors import InputError


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def group(monkeypatch):
    """A group of this user's that is not its first one where there is one, as $PLUME_GROUP names it."""
    number = next((g for g in os.getgroups() if g != os.getgid()), 4242 if os.getuid() == 0 else os.getgid())
    monkeypatch.setenv(files.GROUP, str(number))
    return number


@pytest.fixture
def nobody_else(monkeypatch):
    monkeypatch.delenv(files.GROUP, raising=False)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    files.write(path, "é")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as file:  # noqa: PT012 - raised in it
        file.write(b"half")
        raise ZeroDivisionError
    monkeypatch.setattr(os, "fsync", full)
    refused = pytest.raises(InputError, match=r"a\.json: cannot be written \(No space left on device\); make room")
    with refused, files.telling(path, "make room"):
        files.write(path, "other")
    assert path.read_text(encoding="utf-8") == "é"
    assert names(tmp_path) == ["a.json"]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "there").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    files.write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "new"


def test_a_planted_link_is_not_written_through(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / ".mine.partial").symlink_to(tmp_path / "theirs")
    with pytest.raises(OSError, match="symbolic links"):
        files.write(tmp_path / "mine", "x")
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_a_disk_without_locks_is_one_line(tmp_path, monkeypatch):
    def without(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    files.write(tmp_path / "file", "x")
    with pytest.raises(InputError, match="has no locks"), files.locked(tmp_path / "lock"):
        pass


def test_what_a_killed_writer_left_is_written_over_and_the_replaced_file_is_kept(tmp_path):
    path = tmp_path / "a"
    (tmp_path / ".a.partial").write_text("left by a process that was killed, and longer")
    files.write(path, "1")
    with files.replacing(path, keep=tmp_path / "before") as file:
        file.write(b"2")
    assert [(tmp_path / name).read_text() for name in ("a", "before")] == ["2", "1"]
    assert names(tmp_path) == ["a", "before"]


def test_writers_at_once_leave_the_whole_of_one(tmp_path):
    path, contents = tmp_path / "a", [str(i) * 20000 for i in range(8)]
    threads = [threading.Thread(target=files.write, args=(path, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in contents
    assert names(tmp_path) == ["a"]


def test_a_folder_made_aside_is_there_whole_or_not_at_all_and_the_first_one_stays(tmp_path):
    target = tmp_path / "new" / "target"
    with pytest.raises(ZeroDivisionError), files.folder_aside(target) as made:  # noqa: PT012 - raised in it
        (made / "half").touch()
        raise ZeroDivisionError
    assert names(target.parent) == []
    with files.folder_aside(target) as made, files.folder_aside(target) as faster:
        (made / "slow").touch()
        (faster / "fast").touch()
    assert names(target) == ["fast"]
    assert names(target.parent) == ["target"]


def test_others_read_nothing_and_the_group_only_where_it_is_configured(tmp_path, group, monkeypatch):
    folder = files.make_folder(tmp_path / "a" / "b")
    files.write(folder / "file", "")
    files.write(folder / "secret", "", private=True)
    with files.folder_aside(folder / "aside") as made:
        (made / "below").mkdir()
        (made / "below" / "weights").touch(mode=0o600)
    for path in (tmp_path / "a", folder, folder / "aside", folder / "aside" / "below"):
        assert (mode(path), path.stat().st_gid) == ("0o2750", group)
    for path in (folder / "file", folder / "aside" / "below" / "weights"):
        assert (mode(path), path.stat().st_gid) == ("0o640", group)
    assert mode(folder / "secret") == "0o600"

    monkeypatch.delenv(files.GROUP)
    files.write(files.make_folder(tmp_path / "mine") / "file", "")
    assert [mode(path) for path in (tmp_path / "mine", tmp_path / "mine" / "file")] == ["0o700", "0o600"]


def test_a_group_that_is_not_there_or_not_this_users_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv(files.GROUP, "no such group")
    with pytest.raises(InputError, match="PLUME_GROUP=no such group: no such group on this machine"):
        files.write(tmp_path / "a", "")
    monkeypatch.setenv(files.GROUP, "0")

    def refused(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refused)
    with pytest.raises(InputError, match="PLUME_GROUP=0: this user is not in that group"):
        files.make_folder(tmp_path / "folder")


@pytest.mark.parametrize(("named", "mask"), [("", 0o077), ("agents", 0o027)])
def test_what_a_library_makes_is_not_for_others_either(monkeypatch, named, mask):
    monkeypatch.setenv(files.GROUP, named)
    before = os.umask(0o022)
    try:
        files.keep_private()
        assert os.umask(before) == mask
    finally:
        os.umask(before)


def test_a_lock_is_held_by_one_and_let_go_at_the_end(tmp_path):
    for path in (tmp_path, tmp_path / "a.lock"):
        refused = pytest.raises(InputError, match="wait for it")
        with files.locked(path), refused, files.locked(path, "wait for it", wait=0.01):
            pass
        with files.locked(path):
            pass


def test_a_row_is_appended_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "rows.jsonl"
    files.append(path, {"text": "a\u2028b"})
    files.append(path, {"text": "\ud83d"}, on_disk=True)
    whole = path.read_bytes()
    assert whole == '{"text": "a\u2028b"}\n{"text": "\\ud83d"}\n'.encode()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.append(path, {"text": "c"}, on_disk=True)
    assert path.read_bytes() == whole


def test_a_line_that_a_kill_cut_off_stands_apart_even_within_a_character(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"id": 1}\n{"id": "é'.encode()[:-1])
    assert files.whole_lines(path) == ([b'{"id": 1}'], b'{"id": "\xc3')
    path.write_bytes(b"")
    assert files.whole_lines(path) == ([], b"")


def test_rows_are_read_as_they_were_written_and_a_bad_one_is_named(tmp_path):
    path, rows = tmp_path / "rows.jsonl", [{"id": "1", "text": "é\u2028\ud83d"}, {"id": "2"}]
    path.write_bytes(b"\xef\xbb\xbf" + files.to_jsonl(rows) + b"\n")
    assert files.read_jsonl(path, needs=("id",)) == rows
    with pytest.raises(InputError, match=r"rows\.jsonl, line 2: an object with the keys text is expected"):
        files.read_jsonl(path, needs=("text",))
    for bad in ("{", "9" * 5000, "[" * 100_000):
        path.write_text(bad)
        with pytest.raises(InputError, match=r"rows\.jsonl, line 1"):
            files.read_jsonl(path)


def test_a_folders_digest_is_of_names_and_contents(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "below").mkdir(parents=True)
        (folder / "below" / "a").write_text("a")
    assert files.folder_sha256(one) == files.folder_sha256(other)
    (other / "below" / "a").rename(other / "a")
    assert files.folder_sha256(one) != files.folder_sha256(other)
    (other / "a").write_text(json.dumps("a"))
    assert files.file_sha256(other / "a") == files.sha256(b'"a"')


def test_codes_digest_is_of_paths_and_contents_and_of_no_other_file(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CODE", tmp_path)
    for name in ("a.py", "b.tsv", "c.log"):
        (tmp_path / name).write_text(name)
    digest = files.code_sha256("*.*")
    (tmp_path / "c.log").write_text("other")
    assert files.code_sha256("*.*") == digest
    (tmp_path / "b.tsv").write_text("other")
    assert files.code_sha256("*.*") != digest


def test_what_a_killed_process_left_is_removed_by_the_next_and_nothing_else(tmp_path):
    """A folder that is held, another's, one of a longer name and a file stay."""
    script = f"""
from pathlib import Path
from plume.files import folder_aside
import os, sys
with folder_aside(Path({str(tmp_path / "target")!r})) as made:
    (made / "half").write_text("of it")
    print("begun", flush=True)
    sys.stdin.read()
"""
    start = lambda: subprocess.Popen(  # noqa: E731
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    killed = start()
    assert killed.stdout.readline() == "begun\n"
    killed.kill()
    killed.communicate()
    (left,) = tmp_path.iterdir()
    held = start()
    assert held.stdout.readline() == "begun\n"
    assert not left.exists()
    theirs = [tmp_path / ".target-personal", tmp_path / ".target-made-long"]
    for folder in theirs:
        (folder / "made").mkdir(parents=True)
    (theirs[0] / "notes").write_text("of the user")
    with files.folder_aside(tmp_path / "target") as made:
        (made / "whole").write_text("it")
    assert all(folder.is_dir() for folder in theirs)
    assert len(list(tmp_path.glob(".target-*"))) == 3
    held.communicate("")
    assert held.returncode == 0
    assert sorted(path.name for path in (tmp_path / "target").iterdir()) == ["whole"]  # the first one stays
