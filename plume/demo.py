"""Runs `make demo`: the main job on embedded defaults, through the same commands that a user types.

    python -m plume.demo [EXPORT]

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
from plume.paths import ROOT, home
from plume.store import sqlite_uri

OUT = home() / "demo"
STORE = OUT / "mlflow.db"
VERDICTS = {0: "PASS", 10: "FAIL", 20: "INCONCLUSIVE"}


def demo(export: Path) -> None:
    """Go from an export to dataset, adapter, drafts, scores, verdict, champion, a served draft, the time analysis."""
    started = time.monotonic()
    dataset, adapter = OUT / "dataset", OUT / "train" / "adapter"
    base, tuned = OUT / "eval" / "base.jsonl", OUT / "eval" / "tuned.jsonl"
    plume("data", "build", export, "split.test=0.15", "--out", dataset, "--force")  # an unusable export removes nothing
    for old in ("train", "eval", "verdict", "time", "mlartifacts"):
        shutil.rmtree(OUT / old, ignore_errors=True)
    STORE.unlink(missing_ok=True)

    plume("train", "configs/train/demo.yaml", f"data={dataset}", f"out={OUT / 'train'}")
    prompt = json.loads((adapter / "training.json").read_text(encoding="utf-8"))["prompt"]["version"]
    # A tenth of the probes: on two cores all of them would take longer than the rest. The verdict says what lacks.
    short = ("--data", dataset, "--max-new-tokens", 192, "--batch-size", 24, "--gate", "configs/eval/gate.yaml")
    short = (*short, "--probe-sample", 24, "--dtype", "auto")
    plume("eval", "generate", "--system", "base", "--prompt", prompt, *short, "--out", base)
    plume("eval", "generate", "--system", "1", *short, "--out", tuned)
    for drafts in (base, tuned):
        plume("eval", "score", drafts, "--data", dataset, "--out", drafts.with_suffix(".scores.jsonl"))
    verdict = VERDICTS[
        plume("eval", "compare", base, tuned, "--data", dataset, "--out", OUT / "verdict", codes=tuple(VERDICTS))
    ]
    plume("eval", "time", export, "--out", OUT / "time")
    say(f"\nThe verdict is {verdict}. There is no champion yet: version 1 is set as the first, and tagged so.")
    plume("eval", "promote", "1", "--initial", "--reason", "first version, set by the demo", "--by", "make demo")
    plume("serve", "draft", "--data", dataset, f"port={_free_port()}", "max_new_tokens=128", "dtype=auto")
    minutes = (time.monotonic() - started) / 60
    say(
        f"""
Done in {minutes:.1f} minutes.
  report        {OUT / "verdict" / "report.html"}
  time saved    {OUT / "time" / "time.html"}
  adapter       {adapter}
  MLflow store  {STORE}
                look at it: .venv/bin/mlflow ui --backend-store-uri {_short(sqlite_uri(STORE))}
  verdict       {verdict}; champion: version 1 (initial)
  the served model's draft is above; serve it yourself:
                export MLFLOW_TRACKING_URI=sqlite:///{STORE}
                .venv/bin/plume serve"""
    )


def plume(*arguments: object, codes: tuple[int, ...] = (0,)) -> int:
    """Show a plume command, then run it from the clone; an exit code that is not in `codes` ends the demo."""
    words = [str(a) for a in arguments]
    shown = " ".join(_short(w) for w in words)
    stderr.print(f"\n$ plume {shown}", style="bold", markup=False, soft_wrap=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "plume.cli", *words],
        cwd=ROOT,
        env={**os.environ, "MLFLOW_TRACKING_URI": sqlite_uri(STORE)},
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:  # the command got it too: it stops its engine and marks its run before it ends
        process.wait()
        raise
    if code not in codes:
        sys.exit(code if code > 0 else 128 - code)
    return code


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _short(word: str) -> str:
    return shlex.quote(word.replace(f"{ROOT}/", ""))


def main() -> None:
    try:
        demo(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "datasets/sample/export.json").resolve())
    except KeyboardInterrupt:
        stderr.print("\ninterrupted; make demo starts over")
        sys.exit(130)


if __name__ == "__main__":
    main()
