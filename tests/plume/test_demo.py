"""`make demo`: the order of its commands, and that it stops when one of them does."""

import os
import signal
import subprocess
import sys
import time

import pytest

from plume import demo
from plume.paths import ROOT


def test_a_command_that_fails_stops_the_demo_with_its_exit_code(tmp_path, capfd):
    with pytest.raises(SystemExit) as stopped:
        demo.plume("data", "build", tmp_path / "none.json", "--out", tmp_path / "out")
    assert stopped.value.code == 2
    assert "$ plume data build" in capfd.readouterr().err


def test_codes_that_are_answers_do_not_stop_it(tmp_path):
    assert demo.plume("data", "build", tmp_path / "none.json", "--out", tmp_path / "out", codes=(0, 2)) == 2


def test_an_unusable_export_leaves_what_an_earlier_demo_made(tmp_path):
    adapter = tmp_path / "demo" / "train" / "adapter"
    adapter.mkdir(parents=True)
    done = _demo(tmp_path, tmp_path / "none.json")
    _, err = done.communicate(timeout=120)
    assert done.returncode == 2
    assert "no such export" in err
    assert adapter.is_dir()


def test_ctrl_c_exits_130_and_leaves_no_process(tmp_path, sample_export):
    process = _demo(tmp_path, sample_export)
    assert "$ plume data build" in "".join(iter(process.stderr.readline, "\n")) + process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "make demo starts over" in err
    assert _is_gone(process.pid)


def _is_gone(group, seconds=20):
    """Whether every process of the group ends; one that has just been killed is still there for a moment."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def _demo(home, export):
    return subprocess.Popen(
        [sys.executable, "-m", "plume.demo", str(export)],
        cwd=ROOT,
        env=os.environ | {"PLUME_HOME": str(home)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
