"""Output folders: refused when they hold something; nothing that plume does not know is ever removed."""

from pathlib import Path

import pytest

from plume.errors import InputError
from plume.paths import ROOT, check_output, claim_output, home, in_clone

HOLDS = ("a.jsonl", "manifest.json")


@pytest.fixture
def used(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    for name in (*HOLDS, "notes.txt"):
        (folder / name).write_text(name)
    return folder


def test_a_folder_that_holds_something_is_refused_untouched(used):
    with pytest.raises(InputError, match=r"is not empty.*--force"):
        claim_output(used, force=False, holds=HOLDS)
    assert sorted(p.name for p in used.iterdir()) == ["a.jsonl", "manifest.json", "notes.txt"]


def test_force_removes_only_what_plume_wrote(used):
    claim_output(used, force=True, holds=HOLDS)
    assert [p.name for p in used.iterdir()] == ["notes.txt"]


def test_checking_removes_and_makes_nothing(used, tmp_path):
    check_output(used, force=True)
    check_output(tmp_path / "new", force=False)
    assert (used / "manifest.json").is_file()
    assert not (tmp_path / "new").exists()


def test_new_nested_and_empty_folders_are_made_ready(tmp_path):
    assert claim_output(tmp_path / "a" / "b", force=False, holds=HOLDS).is_dir()
    assert claim_output(tmp_path / "a" / "b", force=False, holds=HOLDS).is_dir()


def test_a_file_or_a_path_through_a_file_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("kept")
    for path in (file, file / "below"):
        with pytest.raises(InputError, match=r"name a(nother)? folder with --out"):
            claim_output(path, force=True, holds=HOLDS)
    assert file.read_text() == "kept"


def test_home_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.setenv("PLUME_HOME", "")
    assert home() == ROOT / "var"


def test_a_path_of_a_config_is_sought_here_then_in_the_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert in_clone("configs/data") == ROOT / "configs/data"
    (tmp_path / "configs" / "data").mkdir(parents=True)
    assert in_clone("configs/data") == tmp_path / "configs" / "data"
