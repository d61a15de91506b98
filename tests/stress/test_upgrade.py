"""Folders that an earlier plume made are read by the code as it stands: dataset, run, drafts, verdict, store, keys.

`today.tar.gz` is such a home, made on 2026-12-01. Its base model is not in it: the tests' tiny one, at `model`.

    python -m tests.stress.test_upgrade MODEL    make it anew, with the tests' tiny model
"""

import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from plume.paths import ROOT
from tests.stress.path import VERDICTS, Run, Stage, rows

PLACE = Path("/tmp/plume-2026-12-01")
TODAY = Path(__file__).with_name("today.tar.gz")
RECIPE = str(ROOT / "configs/train/openhermes2-lora.yaml")
TRAIN = ("train", RECIPE, "data=data", "out=run", "base.model=model", "dtype=float32", "prompt=short-1", "lora.rank=1")
GENERATE = ("eval", "generate", "--data", "data", "--max-new-tokens", "8", "--system", "1", "--out", "tuned.jsonl")
COMPARE = ("eval", "compare", "base.jsonl", "tuned.jsonl", "--data", "data", "--out")
SCORE = ("eval", "score", "tuned.jsonl", "--data", "data", "--out")
PROMOTE = ("eval", "promote", "1", "--initial", "--reason", "first", "--by", "a test")
SAMPLE = str(ROOT / "datasets/sample/export.json")
PATH = [
    Stage("build", ("data", "build", SAMPLE, "split.test=0.15", "ner=false", "--out", "data")),
    Stage("train", (*TRAIN, "max_steps=2", "batch_size=4", "recompute=false", "validation.draft_tokens=8")),
    Stage("base", tuple({"1": "base.yaml", "tuned.jsonl": "base.jsonl"}.get(word, word) for word in GENERATE)),
    Stage("tuned", GENERATE),
    Stage("score", (*SCORE, "tuned.scores.jsonl")),
    Stage("compare", (*COMPARE, "verdict"), VERDICTS),
    Stage("promote", PROMOTE),
    Stage("key", ("serve", "key", "add", "agents")),
]


@pytest.fixture
def today(tiny_mistral):
    shutil.rmtree(PLACE, ignore_errors=True)
    with tarfile.open(TODAY) as archive:
        archive.extractall(PLACE, filter="data")
    shutil.copytree(tiny_mistral, PLACE / "model")
    yield Run(PLACE)
    shutil.rmtree(PLACE)


def told(run: Run, *words: str) -> tuple[int, str]:
    out, err = (process := run.start(*words)).communicate(timeout=300)
    assert "Traceback" not in out + err, err
    return process.returncode, out + err


@pytest.mark.long
def test_the_folders_of_2026_12_01_are_read(today):
    home = today.home
    before = {name: (home / name).read_bytes() for name in ("base.jsonl", "tuned.jsonl")}
    code, line = told(today, *PATH[1].words, "--resume")
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


def make(model: Path) -> None:
    """Make such a home with the code as it stands, and pack it."""
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.copytree(model, PLACE / "model")
    (PLACE / "base.yaml").write_text(json.dumps({"base": {"model": "model"}, "prompt": "short-1"}))
    for stage in PATH:
        Run(PLACE).undisturbed(stage)
    # Caches, pages, checkpoints, and copies of the adapter but for the store's.
    left_out = {"report.html", "model", "tmp", "gold", "models", "adapters", "evaluate", ".tokens"}
    left_out |= {"checkpoint.pt", "checkpoint.previous.pt", "run/adapter/adapter_model.safetensors"}
    kept = lambda each: None if {each.name[2:], Path(each.name).name} & left_out else each  # noqa: E731
    with tarfile.open(TODAY, "w:gz") as archive:
        archive.add(PLACE, ".", filter=kept)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
