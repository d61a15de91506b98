"""Folders that an earlier plume made are read by the code as it stands: dataset, run, drafts, verdict, store, keys.

`today.tar.gz` is such a home, made on 2026-12-01. Its base model is not in it: the tests' tiny one, at `model`.

    python -m tests.stress.test_upgrade MODEL DATASET    make it anew, from a tiny model and the small dataset
"""

import json
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from plume.paths import ROOT
from tests.stress.path import VERDICTS, Run, Stage, rows

TODAY = Path(__file__).with_name("today.tar.gz")
RECIPE = str(ROOT / "configs/train/openhermes2-lora.yaml")
TRAIN = ("train", RECIPE, "data=data", "out=run", "base.model=model", "dtype=float32", "prompt=short-1", "lora.rank=8")
GENERATE = ("eval", "generate", "--data", "data", "--max-new-tokens", "8", "--system", "1", "--out", "tuned.jsonl")
COMPARE = ("eval", "compare", "base.jsonl", "tuned.jsonl", "--data", "data", "--out")
SCORE = ("eval", "score", "tuned.jsonl", "--data", "data", "--out")
PROMOTE = ("eval", "promote", "1", "--initial", "--reason", "first", "--by", "a test")
PATH = [
    Stage("train", (*TRAIN, "max_steps=2", "batch_size=4", "recompute=false", "validation.draft_tokens=8")),
    Stage("base", tuple({"1": "base.yaml", "tuned.jsonl": "base.jsonl"}.get(word, word) for word in GENERATE)),
    Stage("tuned", GENERATE),
    Stage("score", (*SCORE, "tuned.scores.jsonl")),
    Stage("compare", (*COMPARE, "verdict"), VERDICTS),
    Stage("promote", PROMOTE),
    Stage("key", ("serve", "key", "add", "agents")),
]


def moved(home: Path, former: str) -> None:
    """Let a store that was moved, with its artifacts, find them: MLflow keeps whole paths."""
    with closing(sqlite3.connect(home / "mlflow.db")) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for _, column, kind, *_ in store.execute(f"PRAGMA table_info({table})").fetchall():
                if "CHAR" in kind or "TEXT" in kind:
                    change = f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE instr({column}, ?)"
                    store.execute(change, (former, str(home), former))
        store.commit()


@pytest.fixture
def today(tmp_path, tiny_mistral):
    home = tmp_path / "home"
    with tarfile.open(TODAY) as archive:
        archive.extractall(home, filter="data")
    (home / "model").symlink_to(tiny_mistral)
    moved(home, (home / "made-at").read_text())
    return Run(home)


def told(run: Run, *words: str) -> tuple[int, str]:
    out, err = (process := run.start(*words)).communicate(timeout=300)
    assert "Traceback" not in out + err, err
    return process.returncode, out + err


@pytest.mark.long
def test_the_folders_of_2026_12_01_are_read(today):
    home = today.home
    before = {name: (home / name).read_bytes() for name in ("base.jsonl", "tuned.jsonl")}
    code, line = told(today, *PATH[0].words, "--resume")
    assert (code, "is finished" in line) == (2, True), line
    code, line = told(today, *GENERATE)
    assert code == 0, line
    assert {name: (home / name).read_bytes() for name in before} == before  # nothing was to be drafted anew
    code, line = told(today, *SCORE, "again.jsonl")
    assert code == 0, line
    known = {(row["id"], row["measure"]): row.get("value") for row in rows(home / "tuned.scores.jsonl")}
    again = {(row["id"], row["measure"]): row.get("value") for row in rows(home / "again.jsonl")}
    assert {name: again.get(name) for name in known} == known
    code, line = told(today, *COMPARE, "verdict-again")
    outcomes = [
        json.loads((home / name / "verdict.json").read_text())["outcome"] for name in ("verdict", "verdict-again")
    ]
    assert outcomes[0] == outcomes[1], line
    code, line = told(today, *PROMOTE)
    assert (code, "champion" in line) == (2, True), line
    code, line = told(today, "serve", "key", "list")
    assert code == 0, line
    assert "agents" in line


def make(model: Path, dataset: Path) -> None:
    """Make such a home with the code as it stands, and pack it."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "home")
        run.home.mkdir()
        shutil.copytree(dataset, run.home / "data")
        (run.home / "model").symlink_to(model.resolve())
        (run.home / "base.yaml").write_text(json.dumps({"base": {"model": "model"}, "prompt": "short-1"}))
        for stage in PATH:
            run.undisturbed(stage)
        (run.home / "made-at").write_text(str(run.home))
        # Caches, checkpoints, and copies of the adapter but for the store's.
        left_out = {"model", "tmp", "gold", "models", "adapters", "evaluate", ".tokens"}
        left_out |= {"checkpoint.pt", "checkpoint.previous.pt", "run/adapter/adapter_model.safetensors"}
        kept = lambda each: None if {each.name[2:], Path(each.name).name} & left_out else each  # noqa: E731
        with tarfile.open(TODAY, "w:gz") as archive:
            archive.add(run.home, ".", filter=kept)


if __name__ == "__main__":
    make(*map(Path, sys.argv[1:]))
