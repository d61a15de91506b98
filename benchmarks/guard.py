"""What the guard adds to a draft, at p50 and p99, masking and checks apart.

    .venv/bin/python benchmarks/guard.py [--requests 1000] [--sources 10000]

The guard around a stub engine that answers at once, asked one request after the other over ASGI, without a socket;
timed from the guard's call to its return, so that the client's own work is left out. With maskers that answer at
once: routing, key, size, schema, rendering and tokenising, alias, journal, audit. With real ones at 200 and 650
characters: that, and the two requests to a masker (the recogniser; the checks). With `--sources`: what finding passages
among so many adds, the step alone, and the guard without and with them, with prompt v3. Speed is no test.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from plume.adapters import CONFIG, TEMPLATE, TRAINING, WEIGHTS, Adapter
from plume.command import say
from plume.french.text import sentences
from plume.models import Base, load_tokenizer
from plume.passages import Passage
from plume.paths import ROOT
from plume.prompt import CHATML, load_prompt
from plume.sources import folder as sources_folder
from serve import alias, keys
from serve.alias import Aliases, Deployed
from serve.config import ServeConfig
from serve.state import VARIABLE, Started, State

GOLD = ROOT / "datasets" / "gold" / "pseudonymisation.jsonl"
DRAFT = "Bonjour [USAGER],\n\nNous vous remercions de votre témoignage. " + "Le service examine chaque demande. " * 15


async def engine(_scope: Any, receive: Any, send: Any) -> None:
    """Answers at once."""
    body = json.loads((await receive())["body"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": 150}
    for event in ({"choices": [{"text": DRAFT, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}):
        await send(
            {"type": "http.response.body", "body": b"data: " + json.dumps(event).encode() + b"\n\n", "more_body": True}
        )
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


class AtOnce:
    """A pool whose answers cost nothing: what is left is the guard's own."""

    restarts = 0

    async def ask(self, op: str, **request: Any) -> dict[str, Any]:
        if op == "mask":
            return {"texts": request["texts"], "spans": [[] for _ in request["texts"]], "names": request["names"]}
        return {"draft": request["draft"], "withheld": [], "findings": []}

    async def stop(self) -> None:
        pass


def prepare(folder: Path, version: str = "v1") -> tuple[State, str]:
    """A state folder with an adapter that nobody loads, and a client's key."""
    adapter = folder / "adapter"
    adapter.mkdir()
    prompt = load_prompt(version)
    training = {
        "base": Base().model_dump(),
        "prompt": {"version": prompt.version, "sha256": prompt.sha256},
        "chat_template_sha256": CHATML.sha256,
    }
    for name, text in (
        (TRAINING, json.dumps(training)),
        (CONFIG, '{"r": 8}'),
        (TEMPLATE, CHATML.template),
        (WEIGHTS, ""),
    ):
        (adapter / name).write_text(text, encoding="utf-8")
    state = State(folder / "state")
    alias.write(state, Aliases(Deployed(1, str(adapter), Adapter.load(adapter).sha256)))
    config = ServeConfig(state=state.folder, maskers=1, traces=False)
    stop = CHATML.end_id(load_tokenizer(Base()))
    Started(config=config, base=Base(), stop_token_id=stop, dtype="float32", max_model_len=4096).write(state)
    return state, keys.add(state, "benchmark")


def passages(number: int) -> list[Passage]:
    """Invent passages of about 80 words, five a sheet, of the sentences of the gold set in another order."""
    chance = random.Random(0)  # noqa: S311 - no secret
    told = sentences(" ".join(json.loads(line)["text"] for line in GOLD.read_text("utf-8").splitlines()))
    made = []
    for i in range(number):
        text = " ".join(" ".join(chance.sample(told, 12)).split()[:80])
        title, where = " ".join(chance.choice(told).split()[:8]), [" ".join(chance.choice(told).split()[:5])]
        sheet = f"F{i // 5}"
        made.append(Passage(id=f"{sheet}#{i % 5 + 1}", sheet=sheet, kind="sheet", title=title, where=where, text=text))
    return made


def reviews(characters: int) -> list[str]:
    text = " ".join(json.loads(line)["text"] for line in GOLD.read_text("utf-8").splitlines())
    return [text[i : i + characters] for i in range(0, len(text) - characters, characters)]


async def measure(guard: Any, key: str, texts: list[str], requests: int) -> list[float]:
    """Milliseconds that each request spends in the guard; a tenth as many before are not counted."""
    found = []

    async def timed(scope: Any, receive: Any, send: Any) -> None:
        begun = time.perf_counter()
        await guard(scope, receive, send)
        found.append((time.perf_counter() - begun) * 1000)

    transport, headers = httpx.ASGITransport(timed), {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://plume", headers=headers) as client:
        for i in range(-requests // 10, requests):
            body = {"review": texts[i % len(texts)], "structure": "CAF de l'Ain", "network": "CAF", "pseudonym": "Zaza"}
            (await client.post("/v1/drafts", json=body)).raise_for_status()
    return found[-requests:]


async def run_sources(requests: int, number: int) -> None:
    """Time what passages add: the step alone, and the guard without and with them, in turns."""
    with tempfile.TemporaryDirectory() as name:
        state, key = prepare(Path(name), "v3")
        os.environ[VARIABLE] = str(state.folder)
        from serve.guard.middleware import Guard
        from serve.guard.passages import Passages

        sources_folder.write(Path(name) / "sources", passages(number), [], {"sources": []})
        begun = time.perf_counter()
        found = Passages.load(Path(name) / "sources")
        say(f"{number} passages read and indexed in {time.perf_counter() - begun:.1f} s")
        for characters in (200, 650):
            step = []
            for text in itertools.islice(itertools.cycle(reviews(characters)), requests):
                begun = time.perf_counter()
                await found.find({"review": text, "network": "CAF"}, 3, keep=(), drop=())
                step.append((time.perf_counter() - begun) * 1000)
            tell(f"finding alone, {characters} characters", step)
        guard = Guard(engine)
        await guard.lifecycle.start()
        maskers, guard.lifecycle.drafts.maskers = guard.lifecycle.drafts.maskers, AtOnce()
        for there in (None, found) * 2:
            guard.lifecycle.drafts.passages = there
            what = f"guard without masking and checks, 650 characters, {'with' if there else 'without'} sources"
            tell(what, await measure(guard, key, reviews(650), requests // 2))
        guard.lifecycle.drafts.maskers = maskers
        await guard.lifecycle.stop()


async def run(requests: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        state, key = prepare(Path(name))
        os.environ[VARIABLE] = str(state.folder)
        from serve.guard.middleware import Guard

        guard = Guard(engine)
        await guard.lifecycle.start()
        real = guard.lifecycle.drafts.maskers
        guard.lifecycle.drafts.maskers = AtOnce()
        for characters in (200, 650):
            tell(
                f"guard without masking and checks, {characters} characters",
                await measure(guard, key, reviews(characters), requests),
            )
        guard.lifecycle.drafts.maskers = real
        for characters in (200, 650):
            tell(
                f"guard with both, {characters} characters",
                await measure(guard, key, reviews(characters), requests // 3),
            )
        await guard.lifecycle.stop()


def tell(what: str, milliseconds: list[float]) -> None:
    percentiles = statistics.quantiles(milliseconds, n=100)
    p50, p90, p99 = (percentiles[i] for i in (49, 89, 98))
    spread = f"p50 {p50:.2f} ms, p90 {p90:.2f}, p99 {p99:.2f}, max {max(milliseconds):.2f}"
    say(f"{what}: {spread} (n = {len(milliseconds)})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--sources", type=int, help="so many passages, and nothing else")
    arguments = parser.parse_args()
    say(f"{platform.machine()}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.2f}")
    asyncio.run(run_sources(arguments.requests, arguments.sources) if arguments.sources else run(arguments.requests))


if __name__ == "__main__":
    main()
