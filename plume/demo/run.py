"""Runs the commands of the demo one after the other, and ends with a page on what they did.

Everything goes to `var/demo`, with a MLflow store of its own; a second run starts over.
"""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from plume.command import say, stderr
from plume.demo import page
from plume.files import read_object
from plume.paths import ROOT, home
from plume.store import sqlite_uri

VERDICTS = {0: "PASS", 10: "FAIL", 20: "INCONCLUSIVE"}
MADE = ("train", "eval", "verdict", "simulated", "time", "own-time", "mlartifacts")  # folders, beside the dataset's
# Of the model's 135 million parameters: written freely, its drafts run in circles. Large models need no penalty.
DECODING = {"max_new_tokens": 192, "repetition_penalty": 1.15}
LEAST = 1000  # experiences of an export for a time analysis of its own: of fewer it says that they are too few


def demo(export: Path) -> None:
    """Go from an export to dataset, adapter, drafts, verdict, champion and a served draft; then to the time saved."""
    out, run = home() / "demo", Commands(home() / "demo" / "mlflow.db")
    dataset, adapter, simulated = out / "dataset", out / "train" / "adapter", out / "simulated" / "export.json"
    base, tuned = out / "eval" / "base.jsonl", out / "eval" / "tuned.jsonl"
    run.plume("data", "build", export, "split.test=0.15", "--out", dataset, "--force")  # refused, it removes nothing
    for old in MADE:
        shutil.rmtree(out / old, ignore_errors=True)
    for file in (run.store, out / page.FILE, out / page.DRAFT):
        file.unlink(missing_ok=True)

    run.plume("train", "configs/train/demo.yaml", f"data={dataset}", f"out={out / 'train'}")
    prompt = json.loads((adapter / "training.json").read_text(encoding="utf-8"))["prompt"]["version"]
    alike = ("--data", dataset, "--gate", "configs/eval/gate.yaml", "--dtype", "auto")
    alike += ("--batch-size", 32, *(word for k, v in DECODING.items() for word in (f"--{k.replace('_', '-')}", v)))
    run.plume("eval", "generate", "--system", "base", "--prompt", prompt, *alike, "--out", base)
    # Few probes: on two cores all 240 would take longer than the rest. The verdict says what lacks.
    run.plume("eval", "generate", "--system", "1", *alike, "--probe-sample", 12, "--out", tuned)
    compared = ("eval", "compare", base, tuned, "--data", dataset, "--out", out / "verdict")
    verdict = VERDICTS[run.plume(*compared, codes=tuple(VERDICTS))]
    say(f"\nThe verdict is {verdict}. There is no champion yet: version 1 is set as the first, and tagged so.")
    run.plume("eval", "promote", "1", "--initial", "--reason", "first version, set by the demo", "--by", "make demo")
    served = ["dtype=auto", *(f"{k}={v}" for k, v in DECODING.items())]
    run.plume("serve", "draft", "--data", dataset, f"port={_free_port()}", *served, "--report", out / page.DRAFT)

    # The pilot's effect is known of an invented export alone: what is estimated of it stands beside the truth.
    run.plume("eval", "simulate", simulated)
    run.plume("eval", "time", simulated, "--out", out / "time")
    if read_object(dataset / "manifest.json")["counts"]["experiences"] >= LEAST:
        run.plume("eval", "time", export, "--out", out / "own-time", codes=(0, 2))  # 2: it has no dates to go by
    written = page.write_page(out, export, run.steps, " ".join(served))
    say(
        f"""
Done in {run.seconds / 60:.1f} minutes. Look at {_short(str(written))} in a browser: what was done, the report, the
time saved, and what to type next.
  {read_object(out / "time" / "time.json")["simulated"]["line"]}
  verdict {verdict}; champion: version 1 (initial); the served draft is above
  for the commands of that page: export MLFLOW_TRACKING_URI={sqlite_uri(run.store)}"""
    )


class Commands:
    """Runs commands of plume from the clone, on one store, and keeps how long each took."""

    def __init__(self, store: Path) -> None:
        self.store, self.steps, self._began = store, [], time.monotonic()

    @property
    def seconds(self) -> float:
        """Give how long all took so far."""
        return time.monotonic() - self._began

    def plume(self, *arguments: object, codes: tuple[int, ...] = (0,)) -> int:
        """Show a command, then run it; an exit code that is not in `codes` ends the demo with it."""
        words, began = [str(a) for a in arguments], time.monotonic()
        shown = " ".join(["plume", *map(_short, words)])
        stderr.print(f"\n$ {shown}", style="bold", markup=False, soft_wrap=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "plume.cli", *words],
            cwd=ROOT,
            env={**os.environ, "MLFLOW_TRACKING_URI": sqlite_uri(self.store)},
        )
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the command got it too: it stops its engine and marks its run before it ends
            process.wait()
            raise
        if code not in codes:
            sys.exit(code if code > 0 else 128 - code)
        self.steps.append(page.Step(shown, time.monotonic() - began))
        return code


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _short(word: str) -> str:
    return shlex.quote(word.replace(f"{ROOT}/", ""))
