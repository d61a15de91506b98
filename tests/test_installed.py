"""An installed plume, outside of any clone: its wheel holds what the packages read, and its commands find it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plume.paths import ROOT
from plume.pseudonymise.version import version

SAMPLE = "datasets/sample/export.json"  # no such file where these tests run: it is plume's own


def plume(python: str, where: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run plume in an empty folder, as the user whose home folder is `where`/home."""
    folder = where / "empty"
    folder.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PLUME_HOME")}
    kept |= {"HOME": str(where / "home"), **variables}
    command = [python, "-m", "plume.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Copy the packages as a wheel holds them: setup.py's own command."""
    lib = tmp_path_factory.mktemp("wheel") / "lib"
    command = [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", lib.parent, "build_py", "--build-lib", lib]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return lib


def test_a_wheel_holds_the_configs_and_the_data_of_the_clone(packages):
    listed = subprocess.run(["git", "ls-files", "configs", "datasets"], cwd=ROOT, capture_output=True, text=True)
    shipped = packages / "plume" / "shipped"
    assert listed.stdout
    assert {path.as_posix() for path in shipped.rglob("*.*")} >= {f"{shipped}/{name}" for name in listed.stdout.split()}
    assert not (packages / "datasets").exists()  # there it would be Hugging Face's


def test_the_same_texts_are_masked_alike(packages, tmp_path):
    code = "from plume.pseudonymise.version import version; from plume.paths import ROOT; print(version(), ROOT)"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == [version(), str(packages / "plume" / "shipped")]


@pytest.fixture
def installed(packages, tmp_path):
    return lambda *arguments: plume(sys.executable, tmp_path, *arguments, PYTHONPATH=str(packages))


def test_the_path_works_from_an_empty_folder(installed, tmp_path):
    built = installed("data", "build", SAMPLE, "--out", "DATA")
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "empty" / "DATA" / "manifest.json").is_file()
    looked = installed("train", "configs/train/demo.yaml", "data=DATA", "--estimate")
    assert looked.returncode == 0, looked.stderr
    planned = installed("eval", "plan", "--gain", "0.05", "--data", "DATA")  # by configs/eval/gate.yaml
    assert planned.returncode == 0, planned.stderr
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["DATA"]
    assert not (tmp_path / "home" / "var").exists()


def test_what_is_nowhere_is_named_as_it_was_typed(installed):
    refused = installed("train", "configs/train/dem.yaml")
    assert refused.returncode == 2
    assert refused.stderr.startswith("plume: configs/train/dem.yaml: no such config")
    assert installed("data", "build", "no.json", "--out", "D").stderr.count("\n") <= 2


def test_what_runs_leave_is_in_the_users_data_folder(installed, tmp_path):
    told = installed("doctor").stdout
    assert f"{tmp_path}/home/.local/share/plume" in told


@pytest.mark.long
def test_a_wheel_without_extras_builds_the_sample(tmp_path):
    """Of a wheel in an environment of its own: no torch, no vLLM, no clone."""
    uv = [str(Path(sys.executable).parent / "uv")]
    subprocess.run([*uv, "build", "--wheel", "--quiet", "--out-dir", tmp_path / "dist", "."], cwd=ROOT, check=True)
    (wheel,) = (tmp_path / "dist").glob("plume-*.whl")
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "env"], check=True)
    limits = ("--constraint", "requirements/constraints.txt", "--override", "requirements/overrides.txt")
    into = {**os.environ, "VIRTUAL_ENV": str(tmp_path / "env")}
    subprocess.run([*uv, "pip", "install", "--quiet", *limits, wheel], cwd=ROOT, env=into, check=True)
    python = str(tmp_path / "env" / "bin" / "python")

    built = plume(python, tmp_path, "data", "build", SAMPLE, "--out", "DATA")
    assert built.returncode == 0, built.stderr
    doctor = plume(python, tmp_path, "doctor")
    assert doctor.returncode == 3
    assert "uv tool install 'CLONE[" in doctor.stdout
    lacking = plume(python, tmp_path, "train", "configs/train/demo.yaml", "data=DATA")
    assert (lacking.returncode, lacking.stderr.count("\n")) == (3, 1)
    assert "is not installed; mend it with: uv tool install" in lacking.stderr
