"""`benchmarks/gpu.sh` from end to end on a CPU, with a tiny model: what a GPU machine is given fifteen minutes for."""

import argparse
import importlib
import json
import os
import subprocess
import sys

import pytest

from plume.paths import ROOT

LACKING = ("datasets", "mlflow", "spacy", "vllm", "trl", "statsmodels", "lifelines")  # on a machine lent for an hour


@pytest.fixture
def run(tmp_path):
    """Call the script where the packages of plume's extras cannot be imported."""
    hidden = tmp_path / "hidden"
    for name in LACKING:
        (hidden / name).mkdir(parents=True)
        (hidden / name / "__init__.py").write_text(f"raise ImportError('{name} is not on this machine')")
    environment = os.environ | {"PYTHONPATH": str(hidden), "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}

    def call(*words):
        command = ["sh", ROOT / "benchmarks/gpu.sh", tmp_path / "out", "--device", "cpu", "--shape", "tiny", *words]
        return subprocess.run(map(str, command), env=environment, capture_output=True, text=True)

    return call


def test_a_part_that_fails_spoils_no_other_and_is_tried_once_more_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])  # as of a script
    gpu = importlib.import_module("benchmarks.gpu")
    begun = []

    def process(command, **_):
        begun.append(command[-1].split(","))
        for name in begun[-1]:
            if name == "first":
                break
            (tmp_path / f"{name}.json").write_text("{}")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", process)
    args = argparse.Namespace(seconds=60, out=tmp_path, shape="tiny", device="cpu", parts="fit")
    assert gpu.drive({"first": None, "second": None, "third": None}, args) == ["first"]
    assert begun == [["first", "second", "third"], ["second", "third", "first"]]


@pytest.mark.long
def test_each_part_is_measured_once_and_all_rungs_compute_the_same(run, tmp_path):
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "qlora: left out" in done.stdout
    assert done.stdout.count("): DIFFER") + done.stdout.count(": agree") == 2
    assert "DIFFER" not in done.stdout
    files = sorted((tmp_path / "out").glob("*.json"))
    found = {path.stem: json.loads(path.read_text()) for path in files}
    ladder = [run for name, run in found.items() if name.startswith("ladder")]
    assert len(ladder) == 9  # five rungs and five settings; flex needs a GPU
    assert all(run["gradient_norms"][0] > 0 for run in ladder)
    fits = [run for name, run in found.items() if name.startswith("fit")]
    assert len(fits) == 8
    assert all(0.9 < run["measured_over_estimated"] < 1.1 for run in fits)
    assert "aten::" in (tmp_path / "out" / "profile.txt").read_text()

    before = {path: path.stat().st_mtime_ns for path in files}
    files[0].unlink()  # as of a part that found no time
    again = run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count(": done in") == 1
    assert all(path.stat().st_mtime_ns == before[path] for path in files[1:])


@pytest.mark.long
def test_what_finds_no_time_is_told_and_left_for_the_next_call(run, tmp_path):
    done = run("--parts", "fit", "--seconds", "0.5")
    assert done.returncode == 1
    assert "stopped: the 0 s are over" in done.stdout
    assert not list((tmp_path / "out").glob("*.json"))
