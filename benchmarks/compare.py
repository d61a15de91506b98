"""Seconds of `plume eval compare` without generation, by part: 700 items × 2 systems.

    .venv/bin/python benchmarks/compare.py [--items 700] [--train 10000] [--profile]

Reviews, replies and drafts are made of sentences drawn from the sample export, so that no two are alike; half of the
champion's drafts and a fifth of the challenger's lack their greeting. Nothing is kept between runs: both files of
drafts are scored anew. The MLflow store is a fresh one.
"""

import argparse
import cProfile
import json
import os
import platform
import pstats
import random
import tempfile
import time
from pathlib import Path

from eval.drafts import tie
from plume.command import say
from plume.files import sha256, to_jsonl
from plume.paths import ROOT

SAMPLE = ROOT / "datasets" / "sample" / "export.json"


def write_dataset(folder: Path, items: int, train: int) -> list[dict]:
    """A dataset folder with `items` test pairs and `train` training pairs; returns the test pairs."""
    rows = json.loads(SAMPLE.read_text(encoding="utf-8"))
    told, answered = (
        [s.strip() for row in rows for s in (row[name] or "").split(".") if len(s.split()) > 4]
        for name in ("description", "reponse_structure_1")
    )
    draw = random.Random(0)  # noqa: S311
    pairs = [
        {
            "id": f"{i:06d}-1",
            "network": draw.choice(("CAF", "Préfectures", "Impôts")),
            "structure": "Accueil",
            "sentiment": draw.choice(("Positif", "Neutre", "Négatif")),
            "title": "Mon expérience",
            "review": f"{'. '.join(draw.sample(told, 6))}, {i}.",
            "reply": f"Bonjour, {'. '.join(draw.sample(answered, 5))}.",
        }
        for i in range(items + train)
    ]
    parts = {"train": pairs[items:], "validation": [], "test": pairs[:items]}
    splits = {}
    for name, part in parts.items():
        (folder / f"{name}.jsonl").write_bytes(to_jsonl(part))
        splits[name] = {"sha256": sha256(to_jsonl(part)), "pairs": len(part)}
    (folder / "manifest.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")
    return pairs[:items]


def write_drafts(path: Path, pairs: list[dict], without_greeting: float, seed: int) -> None:
    """Drafts of one system: sentences of other replies, with a greeting or without."""
    draw = random.Random(seed)  # noqa: S311
    rows = []
    for pair in pairs:
        other = draw.choice(pairs)["reply"].removeprefix("Bonjour, ")
        text = f"{pair['reply']} {other}" if draw.random() > without_greeting else f"{other} {pair['reply'][9:]}"
        rows.append({"id": pair["id"], "system": path.stem, "draft": " ".join(text.split()[: draw.randint(70, 130)])})
    meta = {
        "system": {"name": path.stem, "base": {"model": "none"}, "adapter_sha256": None, "prompt": "v1"},
        "decoding": {"strategy": "greedy"},
        "fingerprint": "benchmark",
        "data": {"split": "test", "sha256": sha256(to_jsonl(pairs))},
    }
    rows, meta = tie(rows, meta)
    path.write_bytes(to_jsonl(rows))
    path.with_suffix(".meta.json").write_text(json.dumps(meta), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=700)
    parser.add_argument("--train", type=int, default=10_000)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    say(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {arguments.items} items × 2 systems")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PLUME_HOME"] = name
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        data = folder / "data"
        data.mkdir()
        pairs = write_dataset(data, arguments.items, arguments.train)
        drafts = {"champion": 0.5, "challenger": 0.2}
        for seed, (arm, share) in enumerate(drafts.items()):
            write_drafts(folder / f"{arm}.jsonl", pairs, share, seed)

        started = time.perf_counter()
        from eval.compare import compare
        from eval.mlflow_runs import log_comparison
        from plume import tracking

        tracking.connect()
        say(f"imports and a fresh MLflow store: {time.perf_counter() - started:.1f} s")
        profile = cProfile.Profile()
        started, cpu = time.perf_counter(), time.process_time()
        paths = folder / "champion.jsonl", folder / "challenger.jsonl"
        gate = ROOT / "configs" / "eval" / "gate.yaml"
        if arguments.profile:
            profile.enable()
        verdict = compare(*paths, data, gate, folder / "out")
        profile.disable()
        compared = time.perf_counter()
        say(f"scores, integrity, statistics, report: {compared - started:.1f} s ({verdict.outcome})")
        log_comparison(verdict, *paths, data, gate, folder / "out")
        say(f"ledger: {time.perf_counter() - compared:.1f} s")
        say(f"in all: {time.perf_counter() - started:.1f} s, of which {time.process_time() - cpu:.1f} s of one core")
        if arguments.profile:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(35)


if __name__ == "__main__":
    main()
