"""Notes outlive a kill, another process, and files that hold something else."""

import pytest

from eval.browse import notes as kept
from eval.browse.notes import Notes, StaleError
from plume.errors import InputError
from plume.files import whole_lines


def test_two_processes_write_one_file(tmp_path):
    one, two = Notes(tmp_path / "new" / "notes.jsonl"), Notes(tmp_path / "new" / "notes.jsonl")
    one.keep("1-1", "a", one.digest("1-1"))
    with pytest.raises(StaleError):
        two.keep("1-1", "b", two.digest("2-1"))
    two.keep("2-1", "c", two.digest("2-1"))
    assert (two.of("1-1"), one.of("2-1")) == ("a", "")
    version = one.version
    one.refresh()
    one.refresh()
    assert one.of("2-1") == "c"
    assert one.version == version + 1
    assert one.path.stat().st_mode & 0o077 == 0


def test_what_a_kill_cut_off_is_left_out_and_written_over(tmp_path):
    path = tmp_path / "notes.jsonl"
    Notes(path).keep("1-1", "été", Notes(path).digest("1-1"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    notes = Notes(path)
    assert notes.of("1-1") == "été"
    notes.keep("2-1", "b", notes.digest("2-1"))
    assert Notes(path).of("2-1") == "b"
    assert path.read_bytes().startswith(whole)
    assert path.read_bytes().count(b"\n") == 2


@pytest.mark.parametrize(
    "line", ['{"id": "1-1", "draft": "x"}', "not JSON", "[]", '{"id": 1, "note": "", "written_at": ""}']
)
def test_another_file_is_refused_and_left_alone(tmp_path, line):
    path = tmp_path / "drafts.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"drafts.jsonl, line 1: holds no note of plume's; name another file"):
        Notes(path)
    assert path.read_text(encoding="utf-8") == line + "\n"


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="Is a directory"):
        Notes(tmp_path)


def test_who_reads_while_the_file_is_read_again_sees_all_notes_of_before(tmp_path, monkeypatch):
    one, other = Notes(tmp_path / "notes.jsonl"), Notes(tmp_path / "notes.jsonl")
    one.keep("1-1", "a", one.digest("1-1"))
    other.keep("2-1", "b", other.digest("2-1"))
    version, seen = one.version, []

    def read(path):
        seen.append((one.of("1-1"), one.version))
        return whole_lines(path)

    monkeypatch.setattr(kept, "whole_lines", read)
    one.refresh()
    assert seen == [("a", version)]
    assert (one.of("2-1"), one.version) == ("b", version + 1)
