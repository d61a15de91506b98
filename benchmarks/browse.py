"""Speed and memory of `plume eval browse` on many items.

    .venv/bin/python benchmarks/browse.py [--items 50000] [--systems 3] [--draws 20]

Reviews, replies and drafts are made of sentences of the sample export. Scores are made by chance: to score is another
benchmark (`checks.py`). What is timed is the whole request: choosing, ordering, rendering; each view a first time and,
from the views that are kept, again. Spread: the least and the most of the draws.
"""

import argparse
import json
import random
import resource
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from fastapi.testclient import TestClient

from eval.browse.app import make
from eval.browse.inputs import Browsed, Failure, System
from eval.browse.items import Items, index
from eval.browse.notes import Notes
from eval.drafts import Drafts
from plume.checks.registry import CHECKS, GATING
from plume.command import say
from plume.paths import ROOT

SAMPLE = ROOT / "datasets" / "sample" / "export.json"
NETWORKS = ("CAF", "Préfectures", "France Travail", "CPAM", "Impôts", "Carsat")
VIEWS = {
    "the first page": "/",
    "a page in the middle": "/?page={page}",
    "one network, one feeling": "/?network=CAF&sentiment=N%C3%A9gatif&length=long",
    "a check lost": "/?check=check:promises&change=lost",
    "sorted by checks lost": "/?sort=lost",
    "a word": "/?text=guichet+{draw}",
    "a word that is nowhere": "/?text=introuvable{draw}",
    "one item": "/items/{item}-1",
    "one item of a view": "/items/{item}-1?check=check:promises",
}


def browsed(items: int, systems: int, folder: Path) -> Browsed:
    """Invent the items."""
    rows = json.loads(SAMPLE.read_text(encoding="utf-8"))
    said, told = (
        [s.strip() for row in rows for s in (row[name] or "").split(".") if len(s.split()) > 4]
        for name in ("description", "reponse_structure_1")
    )
    dice = random.Random(0)  # noqa: S311
    pairs = [
        {
            "id": f"{i}-1",
            "network": dice.choice(NETWORKS),
            "structure": "Accueil",
            "sentiment": dice.choice(("Négatif", "Positif", "Neutre")),
            "title": "Attente",
            "review": ". ".join(dice.choices(said, k=5)),
            "reply": ". ".join(dice.choices(told, k=5)),
        }
        for i in range(items)
    ]
    checks = [CHECKS[name].measure for name in GATING]

    def system(n: int) -> System:
        drafts = {p["id"]: {"id": p["id"], "draft": "Bonjour, " + ". ".join(dice.choices(told, k=6))} for p in pairs}
        failed = {
            p["id"]: {m: Failure("promesse : « Bonjour »", ("promise.we-shall",)) for m in dice.sample(checks, k=2)}
            for p in pairs
            if dice.random() < 0.3
        }
        return System(f"système {n}", Drafts(folder / "drafts.jsonl", drafts, {}, str(n)), failed)

    return Browsed("Mesure", [system(n) for n in range(systems)], pairs, folder / "notes.jsonl")


def main() -> None:
    """Print a line a view."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--systems", type=int, default=3)
    parser.add_argument("--draws", type=int, default=20)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        made = browsed(asked.items, asked.systems, Path(folder))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        indexed = index(made)
        say(f"{asked.items} items x {asked.systems} systems; index: {time.perf_counter() - start:.1f} s")
        items = Items(made, indexed, Notes(made.notes))
        client = TestClient(make(items), base_url="http://127.0.0.1")
        for name, view in VIEWS.items():
            times: list[list[float]] = [[], []]
            for draw in range(asked.draws):
                items._ordered.cache_clear()
                address = view.format(page=asked.items // 40, draw=draw, item=asked.items // 2 + draw)
                for again in times:
                    start = time.perf_counter()
                    assert client.get(address).status_code == 200
                    again.append(1000 * (time.perf_counter() - start))
            say(f"{name:<26}" + "   ".join(f"{median(t):6.0f} ms ({min(t):.0f}-{max(t):.0f})" for t in times))
        start = time.perf_counter()
        size = sum(map(len, client.get("/download.csv").iter_bytes()))
        say(f"all as CSV: {size / 1e6:.0f} MB in {time.perf_counter() - start:.1f} s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        say(f"memory: {before / 1024:.0f} MiB with the texts, {peak / 1024:.0f} MiB at most")


if __name__ == "__main__":
    main()
