"""What is wrong with an argument is told before anything heavy is imported: a typo is not to cost ten seconds."""

import json
import os
import subprocess
import sys

import pytest

from plume.paths import ROOT

HEAVY = (
    "torch",
    "transformers",
    "mlflow",
    "datasets",
    "evaluate",
    "scipy",
    "spacy",
    "vllm",
    "peft",
    "openai",
    "lifelines",
)
OUT = ("--out", "OUT/new")
# What is typed, and a part of the line that refuses it. DATA is a dataset folder, DRAFTS drafts of another one.
REFUSED = {
    "data build NO.json --out OUT/new": "NO.json",
    "data anonymise NO.jsonl --out OUT/new": "NO.jsonl",
    "data build DATA/train.jsonl --out DATA --force": "would be overwritten",
    "data anonymise DATA/train.jsonl --out DATA/test.jsonl": "holds something else",
    "train configs/train/demo.yaml data=DATA out=DATA --force": "which is read",
    "train NO.yaml": "NO.yaml",
    "train configs/train/demo.yaml lora.rnak=4": "lora.rank",
    "train preferences NO.yaml": "NO.yaml",
    "train preferences configs/train/preferences.yaml data=DATA": "nothing to learn from",
    "train preferences configs/train/preferences.yaml data=DATA decisions=NO.jsonl": "NO.jsonl: no such file",
    "eval generate --system 7 --data DATA --out OUT/new.jsonl": "there is none",
    "eval generate --system nobody --data DATA --out OUT/new.jsonl": "there is none",
    "eval generate --system NO.yaml --data DATA --out OUT/new.jsonl": "NO.yaml",
    "eval generate --system base --data NO --out OUT/new.jsonl": "NO: not a dataset folder",
    "eval generate --system base --data DATA --split tset --out OUT/new.jsonl": "tset",
    "eval generate --system base --data DATA --split ../train --out OUT/new.jsonl": "known ones: train",
    "eval generate --system base --data DATA --out OUT": "is a folder",
    "eval generate --system base --data DATA --out DATA/new.jsonl": "which is read",
    "eval generate --system base --data DATA --out OUT/mine.md --force": "holds something else",
    "eval generate --system base --data DATA --gate NO.yaml --out OUT/new.jsonl": "NO.yaml",
    "eval generate --system base --prompt v99 --data DATA --out OUT/new.jsonl": "v99",
    "eval generate --system base --data DATA --out OUT/new.jsonl --model m": "--endpoint",
    "eval generate --system endpoint --model m --endpoint localhost --data DATA --out OUT/new.jsonl": "--endpoint",
    "eval score NO.jsonl --data DATA --out OUT/new.jsonl": "NO.jsonl",
    "eval score DRAFTS --data DATA --out OUT/new.jsonl": "another dataset",
    "eval score DRAFTS --data DATA --out OUT": "is a folder",
    "eval compare NO.jsonl DRAFTS --data DATA --out OUT/new": "NO.jsonl",
    "eval compare DRAFTS NO.jsonl --data DATA --out OUT/new": "NO.jsonl",
    "eval compare DRAFTS DRAFTS --data NO --out OUT/new": "NO: not a dataset folder",
    "eval compare DRAFTS DRAFTS --data DATA --gate NO.yaml --out OUT/new": "NO.yaml",
    "eval study plan NO.yaml": "NO.yaml",
    "eval study plan configs/eval/study.yaml data=DATA drafts=NO.jsonl out=OUT/new": "NO.jsonl",
    "eval study plan configs/eval/study.yaml data=DATA drafts=DRAFTS out=OUT/new": "another dataset",
    "eval study plan configs/eval/study.yaml data=DATA drafts=DRAFTS out=DATA": "which is read",
    "eval study plan configs/eval/study.yaml agents=11 items=13": "even numbers are wanted",
    "eval promote 1": "--verdict",
    "eval promote 1 --initial --by Ada": "--reason",
    "eval promote 1 --verdict NO.json": "NO.json",
    "eval promote 1 --initial --reason r --by Ada": "there is none",
}
_RUN = """
import json, shlex, sys
from plume.cli import app
from plume.errors import PlumeError
told = {}
for typed, line in json.load(sys.stdin).items():
    before = set(sys.modules)
    try:
        app(shlex.split(line), standalone_mode=False)
        refusal = None
    except PlumeError as error:
        refusal = [error.exit_code, str(error)]
    told[typed] = refusal, sorted({m.split(".")[0] for m in set(sys.modules) - before})
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory, small_dataset):
    """typed -> exit code and line, and the packages that were imported for it: one process for all."""
    folder = tmp_path_factory.mktemp("refusals")
    drafts = folder / "drafts.jsonl"
    drafts.write_text("", encoding="utf-8")
    meta = {"system": {"name": "a", "prompt": "v1"}, "decoding": {}, "fingerprint": "f"}
    drafts.with_suffix(".meta.json").write_text(json.dumps(meta | {"data": {"split": "test", "sha256": "0"}}))
    (folder / "out").mkdir()
    (folder / "out" / "mine.md").write_text("mine")
    places = {"DATA": small_dataset, "DRAFTS": drafts, "OUT": folder / "out", "NO": folder / "none"}

    def typed(line):
        for name, path in places.items():
            line = line.replace(name, str(path))
        return line

    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | {"PLUME_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        input=json.dumps({line: typed(line) for line in REFUSED}),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert not (folder / "mlflow.db").exists()  # a refusal leaves nothing behind
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["mine.md"]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("typed", REFUSED)
def test_a_refused_argument_costs_no_heavy_import(refusals, typed):
    refusal, imported = refusals[typed]
    assert refusal is not None, "it was not refused"
    assert refusal[0] == 2
    assert REFUSED[typed].removeprefix("NO") in refusal[1]
    assert "\n" not in refusal[1] or "=" in typed  # of a config, every error has its line
    assert set(imported).isdisjoint(HEAVY)
