"""Where `plume data build` may write, and that nothing is lost when it may not or is stopped."""

import errno
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from plume.corpus.build import DataConfig, build
from plume.corpus.dataset import FILES
from plume.errors import InputError
from plume.output import TOKENS
from plume.paths import ROOT
from tests.plume.corpus.test_build import RULES_ONLY, contents


def test_a_folder_that_holds_something_is_refused_unless_forced(refused, cli, small, tmp_path):
    out = tmp_path / "out"
    build(small, out, RULES_ONLY)
    (out / "notes.txt").write_text("the evaluator's own")
    (out / "audit.jsonl").write_text("{}\n")  # of the dataset that is replaced
    before = contents(out)
    assert "is not empty" in refused("data", "build", small, "--out", out, "ner=false")
    assert contents(out) == before
    done = cli("data", "build", small, "--out", out, "ner=false", "split.test=0.5", "--force")
    assert done.returncode == 0, done.stderr
    after = contents(out)
    assert after.pop("notes.txt") == b"the evaluator's own"
    assert after["manifest.json"] != before["manifest.json"]
    assert set(after) == set(FILES) - {"audit.jsonl", "memory.json"}


def test_force_keeps_the_old_dataset_when_the_new_export_is_bad(refused, small, tmp_path):
    out = tmp_path / "out"
    build(small, out, RULES_ONLY)
    before = contents(out)
    small.write_text("[{", encoding="utf-8")
    assert "truncated" in refused("data", "build", small, "--out", out, "--force")
    assert contents(out) == before


def test_force_into_a_mount_point_works_on_its_own_disk_and_leaves_its_parent_alone(small, tmp_path, monkeypatch):
    """As a mounted volume: nothing can be made beside the folder, and nothing be moved into it from another disk."""
    out = tmp_path / "mounted"
    build(small, out, RULES_ONLY)
    made = tempfile.mkdtemp

    def mkdtemp(suffix=None, prefix=None, dir=None):  # noqa: A002 - as it is called
        assert Path(dir).resolve() == out, "not on the volume"
        return made(suffix, prefix, dir)

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    before = contents(out)
    build(small, out, DataConfig(ner=False, split={"test": 0.5}), force=True)
    assert contents(out)["manifest.json"] != before["manifest.json"]
    assert set(contents(out)) == set(before)


@pytest.mark.parametrize("failing", ["manifest.json", "test.jsonl"])
def test_a_move_that_fails_puts_the_old_dataset_back(small, tmp_path, monkeypatch, failing):
    out = tmp_path / "out"
    build(small, out, RULES_ONLY)
    (out / "audit.jsonl").write_text("{}\n")
    before, rename = contents(out), Path.rename

    def full(self, target):
        if self.parent.name == "made" and self.name == failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(InputError, match="No space left"):
        build(small, out, DataConfig(ner=False, split={"test": 0.5}), force=True)
    assert contents(out) == before


def test_force_does_not_write_over_what_is_not_plumes(refused, small, tmp_path):
    out = tmp_path / "project"
    out.mkdir()
    (out / "README.md").write_text("mine")
    (out / "manifest.json").write_text('{"name": "an extension"}')
    before = contents(out)
    line = refused("data", "build", small, "--out", out, "ner=false", "--force")
    assert "would overwrite its README.md, manifest.json" in line
    assert contents(out) == before


def test_force_mends_a_dataset_folder_whose_manifest_is_damaged(small, tmp_path):
    out = tmp_path / "out"
    build(small, out, RULES_ONLY)
    before = contents(out)
    (out / "manifest.json").write_text("{")
    (out / TOKENS).mkdir()  # of the pairs that stood there
    build(small, out, RULES_ONLY, force=True)
    assert contents(out) == before
    assert not (out / TOKENS).exists()


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
@pytest.mark.parametrize("force", [False, True])
def test_a_stop_leaves_nothing_that_looks_like_a_dataset_and_nothing_lost(small, tmp_path, force, stop, code):
    """While texts are being pseudonymised: what `--force` was to overwrite is still there."""
    out = tmp_path / "out"
    if force:
        build(small, out, RULES_ONLY)
    before = contents(out) if force else {}
    arguments = ["plume", "data", "build", str(small), "--out", str(out), "ner=false", *["--force"] * force]
    halting = (
        "import sys, time\n"
        "import plume.pseudonymise as p\n"
        "def pairs(*_, **__):\n    print('working', flush=True)\n    time.sleep(120)\n"
        "p.Pseudonymiser.pairs = pairs\n"
        "from plume.cli import main\n"
        f"sys.argv = {arguments!r}\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", halting], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "working\n"
    process.send_signal(stop)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    assert (contents(out) if out.exists() else {}) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["small.json", *["out"] * force])


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(small, tmp_path, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("plume.corpus.spool.Spool.add", full)  # a fault that cannot be provoked without a disk to fill
    with pytest.raises(InputError, match="database or disk is full"):
        build(small, tmp_path / "out", RULES_ONLY)
    assert not (tmp_path / "out").exists()


def test_the_working_directory_may_become_the_dataset(small, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    build(small, ".", RULES_ONLY)
    assert (tmp_path / "here" / "manifest.json").is_file()
