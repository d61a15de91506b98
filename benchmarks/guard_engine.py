"""Drafts a second of guard and engine beside those of the bare engine, at 1, 8 and 32 in flight, in one run.

    .venv/bin/python benchmarks/guard_engine.py [--models smollm2 tiny] [--rounds 5] [--out FILE.json]

Two servers of one model and adapter stand at once: `plume serve` as shipped, and the same vLLM command without the
guard. They are asked in turns, the first one of a round changes. Both get the same reviews, of about 600 characters,
none twice: the guard as clients send them, the bare engine the prompt that the guard would make of them, as token ids.
All drafts have 160 tokens (`serve.bench.forced_length`). Beside the ratio of each round: CPU seconds a draft of each
part. Traces go into a sqlite store after a round, for the guard sends them once nobody asks: the next round waits for
it, and its cost is `export`. Speed is no test.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from plume import tracking
from plume.adapters import Adapter
from plume.command import say
from plume.contacts import Directory
from plume.files import folder_sha256
from plume.french.text import sentences
from plume.models import EMBEDDED, Base, load_model, load_tokenizer, resolve
from plume.paths import ROOT
from plume.prompt import CHATML, encode_within, load_prompt
from serve import keys, vllm_command
from serve.alias import Aliases, Deployed
from serve.bench import forced_length
from serve.champion import Served
from serve.config import ServeConfig
from serve.guard.journal import Journal
from serve.state import State
from serve.vllm_process import running

sys.path.remove(str(Path(__file__).resolve().parent))  # else `train` would be the benchmark beside this file
GOLD = ROOT / "datasets" / "gold" / "pseudonymisation.jsonl"
TOKENS = 160
IN_FLIGHT = (1, 8, 32)
STRUCTURE = {"network": "CAF", "structure": "CAF de l'Ain"}


def tiny_mistral(folder: Path) -> Path:
    """Write a random Mistral of two layers with OpenHermes' vocabulary: an engine that is faster than any real one."""
    import mistral_common
    import torch
    from transformers import LlamaTokenizer, MistralConfig, MistralForCausalLM

    (folder / "v1").mkdir(parents=True)
    shutil.copy(Path(mistral_common.__file__).parent / "data" / "tokenizer.model.v1", folder / "v1" / "tokenizer.model")
    tokenizer = LlamaTokenizer.from_pretrained(str(folder / "v1"))
    ends = {"eos_token": "<|im_end|>", "pad_token": "</s>", "additional_special_tokens": ["<|im_start|>"]}
    tokenizer.add_special_tokens(ends)
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    MistralForCausalLM(config).to(torch.bfloat16).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder / "model"


def make_adapter(folder: Path, base: Base) -> Adapter:
    """Write an untrained adapter of rank 16 on all linear layers, as `plume train` writes it."""
    from train import adapter
    from train.config import TrainConfig

    folder.mkdir()
    config = TrainConfig(data=folder, out=folder, prompt="v1", base=base.model_dump())
    model = adapter.attach(load_model(base, "bfloat16"), config)
    facts: dict[str, Any] = dict.fromkeys(("steps", "tokens", "trained_tokens", "train_loss"), 0)
    facts["samples"] = {"dropped": 0, "truncated": 0}
    facts["dataset"] = {"splits": {"train": {"pairs": 0, "sha256": "none"}}, "source": {"name": "none"}}
    adapter.write(folder, model, config, load_prompt("v1"), CHATML, facts | {"validation_loss": None})
    return Adapter.load(folder)


def make_reviews() -> Iterator[str]:
    """Invent reviews of about 600 characters, of the sentences of the gold set in another order, without end."""
    told = sentences(" ".join(json.loads(line)["text"] for line in GOLD.read_text("utf-8").splitlines()))
    chance = random.Random(0)  # noqa: S311 - no secret
    while True:
        review = ""
        while len(review) < 600:
            review += chance.choice(told) + " "
        yield review.strip()


class Arms:
    """The two ways to a draft, with the clients of both."""

    def __init__(self, config: ServeConfig, key: str, bare: str, name: str, base: Base) -> None:
        from plume.pseudonymise import Pseudonymiser
        from plume.pseudonymise.recogniser.ner import load_ner

        self._guard = httpx.AsyncClient(
            base_url=config.url,
            timeout=600,
            headers={"Authorization": f"Bearer {key}"},
            limits=httpx.Limits(keepalive_expiry=2),
        )
        self._bare = httpx.AsyncClient(base_url=bare, timeout=600, limits=httpx.Limits(keepalive_expiry=2))
        self._name, self._tokenizer, self._prompt = name, load_tokenizer(base), load_prompt("v1")
        self._mask = Pseudonymiser(load_ner(), Directory.load()).mask_many
        self.tokens: dict[str, list[int]] = {"guard": [], "bare": []}

    def ids(self, review: str) -> list[int]:
        """Make the prompt that the guard makes."""
        case = {**STRUCTURE, "title": None, "review": self._mask([review])[0][0]}
        return encode_within(self._tokenizer, self._prompt, case, [], 4096).ids

    async def guard(self, review: str, _: list[int]) -> None:
        answer = await self._guard.post("/v1/drafts", json={"review": review, **STRUCTURE})
        self._note("guard", answer)

    async def bare(self, _: str, ids: list[int]) -> None:
        asked = {"model": self._name, "prompt": ids, "max_tokens": TOKENS, "temperature": 0.0}
        self._note("bare", await self._bare.post("/v1/completions", json=asked))

    def _note(self, arm: str, answer: httpx.Response) -> None:
        answer.raise_for_status()
        usage = answer.json()["usage"]
        if usage["completion_tokens"] != TOKENS:
            raise SystemExit(f"{arm}: a draft has {usage['completion_tokens']} tokens, not {TOKENS}")
        self.tokens[arm].append(usage["prompt_tokens"])


async def ask_all(ask: Callable[..., Awaitable[None]], asked: list[tuple[str, list[int]]], in_flight: int) -> float:
    """Ask for all drafts with so many in flight; return the seconds that it took."""
    waiting = iter(asked)

    async def client() -> None:
        for review, ids in waiting:
            await ask(review, ids)

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(in_flight)))
    return time.perf_counter() - begun


def cpu(roots: dict[str, int]) -> dict[str, float]:
    """Sum the CPU seconds of each part: server, engine, maskers, export; told apart by their command lines."""
    spent: dict[str, float] = {"client": sum(psutil.Process().cpu_times()[:2])}
    for root in roots.values():
        for process in (psutil.Process(root), *psutil.Process(root).children(recursive=True)):
            words = " ".join(process.cmdline())
            part = next((p for p in ("masker_process", "mlflow_export", "EngineCore") if p in words), "server")
            if part == "server" and process.pid != root:
                part = "engine" if "resource_tracker" not in words else "server"
            part = {"masker_process": "maskers", "mlflow_export": "export", "EngineCore": "engine"}.get(part, part)
            spent[part] = spent.get(part, 0.0) + sum(process.cpu_times()[:2])
    return spent


async def compare(
    arms: Arms, journal: Journal, roots: dict[str, int], rounds: int, in_flight: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Ask both arms in turns, at each number in flight; return a row a round and arm."""
    reviews, rows = make_reviews(), []
    for level in in_flight:
        for n in range(-1, rounds):
            number = max(8, 6 * level) if n >= 0 else min(8, 2 * level)  # first a round to warm up
            asked = [(review, arms.ids(review)) for _, review in zip(range(number), reviews, strict=False)]
            for arm in ("guard", "bare") if n % 2 else ("bare", "guard"):
                before = cpu(roots)
                seconds = await ask_all(getattr(arms, arm), asked, level)
                after = cpu(roots)
                while journal.waiting():
                    await asyncio.sleep(0.5)
                after["export"] = cpu(roots).get("export", 0.0)
                spent = {part: (now - before.get(part, 0.0)) / number for part, now in after.items()}
                if n >= 0:
                    rows.append({"in_flight": level, "round": n, "arm": arm, "n": number, "seconds": seconds})
                    rows[-1]["cpu_seconds_a_draft"] = spent
        tell(level, [row for row in rows if row["in_flight"] == level])
    if sorted(arms.tokens["guard"]) != sorted(arms.tokens["bare"]):
        say("CAUTION: the two arms did not read the same prompts")
    return rows


def tell(level: int, rows: list[dict[str, Any]]) -> None:
    by_arm = {arm: [row for row in rows if row["arm"] == arm] for arm in ("bare", "guard")}
    ratios = [b["seconds"] / g["seconds"] for b, g in zip(by_arm["bare"], by_arm["guard"], strict=True)]
    speed = {arm: statistics.median(row["n"] / row["seconds"] for row in found) for arm, found in by_arm.items()}
    say(
        f"{level:3} in flight: bare {speed['bare']:.2f} drafts/s, guard {speed['guard']:.2f}; guard / bare "
        f"{statistics.median(ratios):.3f} (rounds {min(ratios):.3f}–{max(ratios):.3f}, n = {len(ratios)} of "
        f"{rows[0]['n']} drafts)"
    )
    for arm, found in by_arm.items():
        parts = {part for row in found for part in row["cpu_seconds_a_draft"]}
        mean = {p: statistics.mean(row["cpu_seconds_a_draft"].get(p, 0.0) for row in found) for p in sorted(parts)}
        say(f"    CPU ms a draft, {arm}: " + ", ".join(f"{p} {1000 * s:.0f}" for p, s in mean.items() if s > 1e-4))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def bare_engine(served: Served, config: ServeConfig, log: Path) -> Iterator[tuple[str, int]]:
    """Start the same vLLM without the guard, on a port of its own."""
    port = free_port()
    words, variables = vllm_command.here(served, config.model_copy(update={"port": port}), forced_length.WORDS)
    at = words.index("serve.guard.middleware.Guard")
    words = [*words[: at - 1], *words[at + 1 :]]
    run = "from vllm.entrypoints.launchers.api_server import entry; entry.main()"
    words = [sys.executable, "-c", run, *words[len(vllm_command.ENTRY) :]]
    with log.open("wb") as output:
        process = subprocess.Popen(words, env=variables, stdout=output, stderr=output, start_new_session=True)
        try:
            url = f"http://127.0.0.1:{port}"
            until = time.monotonic() + 600
            while True:
                try:
                    httpx.get(f"{url}/health").raise_for_status()
                    break
                except httpx.HTTPError:
                    if process.poll() is not None or time.monotonic() > until:
                        raise SystemExit(log.read_text()[-3000:]) from None
                    time.sleep(0.5)
            yield url, process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)


def measure(model: str, base: Base, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one model with both servers up."""
    adapter = make_adapter(folder / "adapter", base)
    deployed = Deployed(1, str(adapter.folder), folder_sha256(adapter.folder))
    aliases = Aliases(deployed)
    stop = CHATML.end_id(load_tokenizer(base))
    served = Served(aliases, (deployed,), base, resolve(base), stop)
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    tracking.connect(uri)
    settings = {"port": free_port(), "max_new_tokens": TOKENS, "state": folder / "state", "tracking_uri": uri}
    config = ServeConfig.load(arguments.config, [f"{k}={v}" for k, v in settings.items()] + arguments.overrides)
    state = State(config.folder)
    key = keys.add(state, "benchmark")
    with running(served, config, forced_length.WORDS), bare_engine(served, config, folder / "bare.log") as (url, pid):
        guard_pid = next(c.pid for c in psutil.Process().children() if c.pid != pid)
        arms = Arms(config, key, url, deployed.name, base)
        say(f"{model}, {vllm_command.dtype(config, gpu=vllm_command.has_gpu())}, {TOKENS} tokens a draft:")
        roots, journal = {"guard": guard_pid, "bare": pid}, Journal(state.journal)
        rows = asyncio.run(compare(arms, journal, roots, arguments.rounds, arguments.in_flight))
        journal.close()
    return {"model": model, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=("smollm2", "tiny"), default=["smollm2", "tiny"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, nargs="+", default=IN_FLIGHT)
    parser.add_argument("--config", type=Path, help="the server's YAML")
    parser.add_argument("--out", type=Path, help="JSON of every round")
    parser.add_argument("overrides", nargs="*", default=[], metavar="KEY=VALUE", help="of plume serve")
    arguments = parser.parse_args()
    arguments.in_flight = tuple(arguments.in_flight)
    say(f"{platform.machine()}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.2f}")
    models = Path(resolve(Base())).parent
    told = []
    for model in arguments.models:
        with tempfile.TemporaryDirectory(prefix="plume-bench-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            os.environ["PLUME_HOME"] = str(folder / "home")
            (folder / "home").mkdir()
            (folder / "home" / "models").symlink_to(models)
            lengths = folder / "lengths.json"
            lengths.write_text(json.dumps({"": TOKENS}))
            os.environ[forced_length.VARIABLE] = str(lengths)
            base = Base(model=EMBEDDED if model == "smollm2" else str(tiny_mistral(folder / "tiny")))
            told.append(measure(model, base, folder, arguments))
    if arguments.out:
        arguments.out.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
