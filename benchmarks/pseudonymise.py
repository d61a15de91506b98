"""Recall and cost of the pseudonymiser on a gold set.

    .venv/bin/python benchmarks/pseudonymise.py GOLD.jsonl [--no-ner] [--show]

GOLD: lines {"text", "spans": [{"start", "end", "type", "ident"}], "keep": [{"start", "end"}]}. A span counts as found
when every character of it that is a letter or a digit is masked, whatever the label. `--show` prints what was missed.
"""

import argparse
import json
import os
import platform
import time
from collections import defaultdict
from pathlib import Path

from plume.command import say
from plume.corpus.pseudonymise import Pseudonymiser
from plume.corpus.pseudonymise.ner import load_ner


def measure(rows: list[dict], pseudonymiser: Pseudonymiser) -> dict[str, tuple[int, int]]:
    """(hits, n) by type, by "ident", of keep-spans touched, of clean sentences touched; misses under "missed"."""
    tally: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    missed = []
    for row, spans in zip(rows, pseudonymiser.find_many([r["text"] for r in rows]), strict=True):
        masked = {i for s in spans for i in range(s.start, s.end)}
        for wanted in row["spans"]:
            letters = [i for i in range(wanted["start"], wanted["end"]) if row["text"][i].isalnum()]
            found = all(i in masked for i in letters)
            for key in (wanted["type"], wanted["ident"], "all"):
                tally[key][0] += found
                tally[key][1] += 1
            if not found:
                missed.append((wanted["type"], row["text"], row["text"][wanted["start"] : wanted["end"]], spans))
        for kept in row.get("keep", []):
            touched = any(i in masked for i in range(kept["start"], kept["end"]))
            tally["keep-spans touched"][0] += touched
            tally["keep-spans touched"][1] += 1
            if touched:
                missed.append(("KEEP", row["text"], row["text"][kept["start"] : kept["end"]], spans))
        if not row["spans"]:
            tally["clean sentences touched"][0] += bool(spans)
            tally["clean sentences touched"][1] += 1
            if spans:
                missed.append(("CLEAN", row["text"], "", spans))
    return {**{k: (v[0], v[1]) for k, v in tally.items()}, "missed": missed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--no-ner", action="store_true")
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.gold.read_text(encoding="utf-8").splitlines() if line.strip()]
    pseudonymiser = Pseudonymiser(None if arguments.no_ner else load_ner())

    result = measure(rows, pseudonymiser)
    for kind, text, wanted, spans in result.pop("missed"):
        if arguments.show:
            say(f"{kind:16} {wanted!r} in {text!r} -> {[(text[s.start : s.end], s.type, s.source) for s in spans]}")
    for key, (hits, n) in sorted(result.items()):
        say(f"{key:26} {hits:4}/{n:<4} {hits / n:.3f}")

    # Speed: the sentences joined to texts of about 650 characters, the length of a long review.
    texts, current = [], ""
    for row in rows:
        current = f"{current} {row['text']}".strip()
        if len(current) >= 650:
            texts.append(current)
            current = ""
    texts = (texts or [current]) * 4
    rates = []
    for _ in range(3):
        start = time.perf_counter()
        pseudonymiser.find_many(texts)
        rates.append(len(texts) / (time.perf_counter() - start))
    mean = sum(map(len, texts)) / len(texts)
    say(
        f"speed: {min(rates):.0f}-{max(rates):.0f} texts/s of {mean:.0f} characters, n={len(texts)} x 3 runs, "
        "one process; "
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
