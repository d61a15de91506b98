"""Precision and recall of the gating checks on hand-written drafts (`datasets/gold/README.md`), and their speed.

    .venv/bin/python benchmarks/checks.py [--gold FILE] [--half tune|test] [--show-test] [--speed 1400]

Each pair of a draft and a gating check is one decision: the check stops the draft, or lets it pass. Pooled figures
count all of them; intervals are Clopper-Pearson, 95 %. Rules are tuned on `tune`; the errors of `test` are told only
with `--show-test`, after which no rule may be changed and the half be called unseen.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plume.checks import GATING, check
from plume.command import say
from plume.contacts import Directory
from plume.paths import ROOT
from plume.shares import clopper_pearson

GOLD = ROOT / "datasets" / "gold" / "drafts.jsonl"


@dataclass(frozen=True)
class Decision:
    """One gating check on one draft: whether it should fail, whether it does, and what it says."""

    id: str
    check: str
    expected: bool
    found: bool
    detail: str


def read(half: str, path: Path = GOLD) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["half"] == half]


def decide(rows: Iterable[dict[str, Any]], directory: Directory | None = None) -> list[Decision]:
    """Every gating check on every row."""
    directory = directory or Directory.load()
    return [
        Decision(row["id"], f.check, f.check in row["fails"], not f.passed, f.detail)
        for row in rows
        for f in check(
            row["draft"], review=row["review"], prompt=row["prompt"], directory=directory, sentiment=row["sentiment"]
        )
        if f.gating
    ]


def counts(decisions: Iterable[Decision]) -> tuple[int, int, int]:
    """(rightly stopped, wrongly stopped, missed)."""
    tally = Counter((d.expected, d.found) for d in decisions)
    return tally[True, True], tally[False, True], tally[True, False]


def _share(hits: int, n: int) -> str:
    if not n:
        return f"{'–':>22}"
    lower, upper = clopper_pearson(hits, n)
    return f"{hits:>4}/{n:<4} {hits / n:.3f} [{lower:.3f}, {upper:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, default=GOLD)
    parser.add_argument("--half", choices=("tune", "test"), default="tune")
    parser.add_argument("--show-test", action="store_true", help="tell the errors of the test half: once, at the end")
    parser.add_argument("--speed", type=int, metavar="N", help="time N drafts: those of the half, again and again")
    arguments = parser.parse_args()
    rows = read(arguments.half, arguments.gold)
    decisions = decide(rows)

    say(f"{arguments.half}: {len(rows)} drafts\n{'':14}{'precision':>25}{'recall':>30}")
    for name in ("all", *GATING):
        right, wrong, missed = counts(d for d in decisions if name in ("all", d.check))
        say(f"{name:14}  {_share(right, right + wrong)}  {_share(right, right + missed)}")

    if arguments.half == "tune" or arguments.show_test:
        for d in decisions:
            if d.expected != d.found:
                say(f"{d.id} {d.check}: {'missed' if d.expected else 'false alarm'}; {d.detail}")

    if arguments.speed:
        directory = Directory.load()
        # A word of its own in each copy: a cache that serves one draft may not serve the next.
        many = [{**rows[i % len(rows)], "draft": f"{rows[i % len(rows)]['draft']} {i}"} for i in range(arguments.speed)]
        start = time.process_time()
        decide(many, directory)
        seconds = time.process_time() - start
        say(f"speed: {len(many)} drafts in {seconds:.2f} s of processor time, {seconds / len(many) * 1e3:.2f} ms each")


if __name__ == "__main__":
    main()
