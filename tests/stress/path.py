"""The full path as real processes, killed at random moments: what must stand after each kill, and at the end.

A round has two homes. In one the path runs undisturbed; in the other each stage is killed, then given again as a user
would give it. Paths in commands are relative to the home, so both write the same bytes.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plume.files import append, sha256, whole_lines
from plume.paths import ROOT
from tests.plume.corpus.mutated import SHAPES, mutated

ENDLESS = 600  # seconds after which a stage is taken to hang
GROWING = {"steps.jsonl", "drafts.jsonl", "base.jsonl", "tuned.jsonl"}  # files whose last line a kill may cut
VERDICTS = frozenset({0, 10, 20})


@dataclass(frozen=True)
class Stage:
    """A command; what a user adds to give it again; the refusal by which it says that it was done already."""

    name: str
    words: tuple[str, ...]
    codes: frozenset[int] = frozenset({0})
    again: Callable[[Path], tuple[str, ...]] = lambda _: ()
    done: str = "$^"


@dataclass
class Run:
    """A home, its environment, and what was done in it."""

    home: Path
    seconds: dict[str, float] = field(default_factory=dict)
    kills: Counter = field(default_factory=Counter)
    verdict: int | None = None

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PLUME_HOME": str(self.home),
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.home / 'mlflow.db'}",
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.home / "tmp"),
            "OMP_NUM_THREADS": "1",
        }

    def start(self, *words: str) -> subprocess.Popen:
        """Start `plume WORDS…` in the home, in a process group of its own."""
        (self.home / "tmp").mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "plume.cli", *words],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def undisturbed(self, stage: Stage) -> None:
        """Run a stage to its end and note how long it takes."""
        began = time.monotonic()
        self._end(stage, self.start(*stage.words))
        self.seconds[stage.name] = time.monotonic() - began

    def disturbed(self, stage: Stage, usual: float, draw: random.Random) -> None:
        """Kill a stage at up to three random moments, then let it end."""
        words = stage.words
        for _ in range(draw.randint(1, 3)):
            process = self.start(*words)
            try:
                process.communicate(timeout=draw.uniform(0, 1.1 * usual))
            except subprocess.TimeoutExpired:
                self._kill(process, alone=draw.random() < 0.3)
                self.kills[stage.name] += 1
                self.check_whole(stage)
                words = (*stage.words, *stage.again(self.home))
                continue
            break
        else:
            process = self.start(*words)
        self._end(stage, process, may_be_done=words is not stage.words or bool(self.kills[stage.name]))

    def _kill(self, process: subprocess.Popen, *, alone: bool) -> None:
        """Send SIGKILL to the whole group, or to its first process alone: the others must then end by themselves."""
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL) if alone else os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        until = time.monotonic() + 60
        while left := processes_of(self.home):
            assert time.monotonic() < until, (
                f"left running after SIGKILL ({'first alone' if alone else 'group'}): {left}"
            )
            time.sleep(0.2)
        for pipe in (process.stdout, process.stderr):
            assert "Traceback" not in (told := pipe.read()), told
            pipe.close()

    def _end(self, stage: Stage, process: subprocess.Popen, *, may_be_done: bool = False) -> None:
        try:
            out, err = process.communicate(timeout=ENDLESS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"{stage.name}: no end in {ENDLESS} s") from None
        except ValueError:  # it had ended before its kill: its pipes are read and closed
            out, err = "", ""
        assert "Traceback" not in out + err, err
        code = process.returncode
        if stage.codes == VERDICTS and code in VERDICTS:
            self.verdict = code
        finished = may_be_done and code == 2 and re.search(stage.done, err)
        assert code in stage.codes or finished, f"{stage.name}: exit code {code}: {err[-1500:]}"
        assert not processes_of(self.home), f"{stage.name}: left running: {processes_of(self.home)}"

    def check_whole(self, stage: Stage) -> None:
        """Find no half of a file under its final name."""
        for path in self.home.rglob("*"):
            parts = path.relative_to(self.home).parts
            if not path.is_file() or parts[0] in ("tmp", "gold") or any(part.startswith(".") for part in parts):
                continue
            with suppress(FileNotFoundError):
                assert is_whole(path), f"half of {path.relative_to(self.home)} after a kill of {stage.name}"

    def files(self) -> set[str]:
        """Name what lies in the home, random parts of names made alike; not the store's own and what is scratch."""
        names = (path.relative_to(self.home).as_posix() for path in self.home.rglob("*") if path.is_file())
        kept = (name for name in names if not name.startswith(("tmp/", "gold/", "mlartifacts/", "serve/", "mlflow.db")))
        return {re.sub(r"[0-9a-f]{12,}", "*", name) for name in kept}

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.home.rglob("*") if path.is_file())

    def results(self) -> dict[str, Any]:
        """What is promised to be the same however often the path was killed."""
        home, verdict = self.home, json.loads((self.home / "verdict/verdict.json").read_text())
        (steps,) = [rows(home / "run/steps.jsonl")]
        return {
            "dataset": {p.name: sha256(p.read_bytes()) for p in (home / "data").glob("*") if p.is_file()},
            "steps": [{k: row.get(k) for k in ("step", "loss", "validation_loss", "trained_tokens")} for row in steps],
            "weights": sha256((home / "run/adapter/adapter_model.safetensors").read_bytes()),
            "drafts": {
                name: sorted((r["id"], r.get("draft"), r.get("draft_tokens")) for r in rows(home / f"{name}.jsonl"))
                for name in ("base", "tuned")
            },
            "scores": {
                name: sorted(json.dumps(row, sort_keys=True) for row in rows(home / f"{name}.scores.jsonl"))
                for name in ("base", "tuned")
            },
            "verdict": (self.verdict, *(verdict[key] for key in ("outcome", "reasons", "needs_items", "estimates"))),
            "registry": self.query("SELECT name, version FROM model_versions"),
            "champion": self.query("SELECT name, alias, version FROM registered_model_aliases"),
            "adapter": folder_names(home / "run/adapter"),
        }

    def query(self, sql: str) -> list[tuple]:
        with closing(sqlite3.connect(self.home / "mlflow.db")) as store:
            return sorted(store.execute(sql).fetchall())


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def folder_names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def is_whole(path: Path) -> bool:
    """Tell whether a file can be read to its end, as far as its kind shows it."""
    try:
        match path.suffix:
            case ".json":
                json.loads(path.read_bytes())
            case ".jsonl":
                lines, torn = whole_lines(path)
                for line in lines:
                    json.loads(line)
                return not torn or path.name in GROWING
            case ".safetensors":
                from safetensors import safe_open

                with safe_open(path, "pt") as opened:
                    opened.keys()
            case ".pt":
                return zipfile.is_zipfile(path)
            case ".db":
                with closing(sqlite3.connect(path)) as store:
                    return store.execute("PRAGMA quick_check").fetchone() == ("ok",)
            case ".html":
                return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    except FileNotFoundError:
        raise
    except Exception:
        return False
    return True


def processes_of(home: Path) -> list[str]:
    """List the processes that were started for a home, and have not ended."""
    mark, found = f"PLUME_HOME={home}\0".encode(), []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (each / "environ").read_bytes() + b"\0":
                found.append((each / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:150])
    return found


def write_export(folder: Path, sample: Path, draw: random.Random) -> Path:
    """Write a random export: changed records of the sample, texts cut short for speed, in a random shape."""
    records = json.loads(sample.read_text(encoding="utf-8"))
    records = [{name: v[:600] if isinstance(v, str) else v for name, v in row.items()} for row in records]
    typed, write = SHAPES[draw.choice(list(SHAPES))]
    odd = draw.random()  # share of the records that are changed
    made = [
        mutated(draw, records, n, typed=typed) if draw.random() < odd else {**draw.choice(records), "id_experience": n}
        for n in range(10**6, 10**6 + draw.randint(90, 160))
    ]
    export = folder / "export"
    export.write_bytes(write(made).encode(errors="replace"))
    return export


def stages(model: Path, home: Path, draw: random.Random, *, engine: bool) -> list[Stage]:
    """The path's commands; paths relative to the home."""
    (home / "base.yaml").write_text(json.dumps({"base": {"model": str(model)}, "prompt": "short-1"}))
    recipe = str(ROOT / "configs/train/openhermes2-lora.yaml")
    training = ("data=data", "out=run", f"base.model={model}", "dtype=float32", "prompt=short-1", "batch_size=4")
    short = ("max_steps=6", "checkpoint_every=2", "validation.every=3", "validation.draft_tokens=8", "recompute=false")
    generate = ("eval", "generate", "--data", "data", "--max-new-tokens", "12", "--batch-size", "4")
    score = ("eval", "score", "--data", "data")
    path = [
        Stage(
            "build",
            ("data", "build", "export", "split.test=0.2", "ner=false", "--out", "data", "--force"),
        ),
        Stage("train", ("train", recipe, *training, *short), again=_train_again, done="is finished"),
        Stage("generate base", (*generate, "--system", "base.yaml", "--out", "base.jsonl")),
        Stage("generate tuned", (*generate, "--system", "1", "--out", "tuned.jsonl")),
        *(
            Stage(f"score {name}", (*score, f"{name}.jsonl", "--out", f"{name}.scores.jsonl"), done="exists")
            for name in ("base", "tuned")
        ),
        Stage(
            "compare",
            ("eval", "compare", "base.jsonl", "tuned.jsonl", "--data", "data", "--out", "verdict", "--force"),
            codes=VERDICTS,
        ),
        Stage(
            "promote",
            ("eval", "promote", "1", "--initial", "--reason", "stress", "--by", "stress"),
            done="champion",
        ),
    ]
    if engine:
        serving = (f"port={free_port()}", "dtype=float32", "max_model_len=2048", "max_new_tokens=16", "maskers=1")
        path.append(Stage("serve", ("serve", "draft", "--data", "data", *serving)))
    return path


def _train_again(home: Path) -> tuple[str, ...]:
    return ("--resume",) if (home / "run/config.yaml").is_file() else ("--force",)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def play(seed: int, folder: Path, sample: Path, model: Path, *, engine: bool, log: Path) -> Run:
    """Play one round, and return the run that was killed; each stage is a line of `log`. Raises AssertionError."""
    draw = random.Random(seed)
    calm, killed = (Run(folder / name) for name in ("calm", "killed"))
    for run in (calm, killed):
        run.home.mkdir(parents=True)
        (run.home / "gold").symlink_to(ROOT / "var" / "gold", target_is_directory=True)
    write_export(calm.home, sample, draw)
    shutil.copy(calm.home / "export", killed.home / "export")
    for one, other in zip(*(stages(model, run.home, draw, engine=engine) for run in (calm, killed)), strict=True):
        calm.undisturbed(one)
        usual = calm.seconds[one.name]
        killed.disturbed(other, usual, draw)
        append(log, {"round": seed, "stage": one.name, "seconds": round(usual, 1), "kills": killed.kills[one.name]})
    expected, got = calm.results(), killed.results()
    differ = [name for name in expected if expected[name] != got[name]]
    assert not differ, {name: (str(expected[name])[:700], str(got[name])[:700]) for name in differ}
    left = killed.files() - calm.files() - {"traceback.txt"}
    assert not left, f"left behind: {sorted(left)}"
    assert killed.size() < 3 * calm.size(), (killed.size(), calm.size())
    running = killed.query("SELECT name FROM runs WHERE status = 'RUNNING'")
    assert not running, f"runs that MLflow takes to go on: {running}"
    return killed
