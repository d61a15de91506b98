"""Precision and recall of the gating checks on hand-written drafts (`datasets/gold/README.md`), and their speed.

    .venv/bin/python benchmarks/checks.py [--gold FILE] [--half tune|test] [--show-test] [--speed 1400]
    .venv/bin/python benchmarks/checks.py --write

Each pair of a draft and a gating check is one decision: the check stops the draft, or lets it pass. Pooled figures
count all of them; intervals are Clopper-Pearson, 95 %. Rules are tuned on `tune`; the errors of `test` are told only
with `--show-test`, after which no rule may be changed and the half be called unseen. `--write` counts every set anew
into datasets/gold/checks.json, which the annex of report.html shows.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plume.checks import GATING, check
from plume.command import say
from plume.contacts import Directory
from plume.paths import ROOT
from plume.shares import clopper_pearson

GOLD = ROOT / "datasets" / "gold" / "drafts.jsonl"
TABLE = GOLD.with_name("checks.json")
# Checks that most sets were written before: their labels count where a set names them; elsewhere its sound drafts do.
SINCE = ("injection", "relevance", "tone")


@dataclass(frozen=True)
class GoldSet:
    """A set of gold drafts by one author, and what was counted when the checks first met it.

    `first` is (rightly stopped, wrongly stopped, missed); None where the author had seen the rules. `unlabelled` are
    checks that the set was not written for: its drafts may fail them, and do not say so.
    """

    name: str
    file: str
    halves: tuple[str, ...] = ("tune", "test")
    first: tuple[int, int, int] | None = None
    unlabelled: tuple[str, ...] = ()


SETS = (
    GoldSet("tune", "drafts.jsonl", ("tune",), (96, 11, 10)),
    GoldSet("test", "drafts.jsonl", ("test",), (88, 12, 16)),
    GoldSet("second", "drafts-second.jsonl", first=(100, 13, 9)),
    GoldSet("third", "drafts-third.jsonl", first=(61, 8, 3)),
    GoldSet("fourth", "drafts-fourth.jsonl", first=(96, 7, 3)),
    GoldSet("fifth", "drafts-fifth.jsonl", first=(84, 5, 6)),
    GoldSet("sixth", "drafts-sixth.jsonl", first=(84, 5, 7)),
    GoldSet("seventh", "drafts-seventh.jsonl", first=(83, 3, 2)),
    GoldSet("eighth", "drafts-eighth.jsonl", first=(96, 1, 4)),
    GoldSet("tone", "drafts-tone.jsonl"),
    GoldSet("endings", "drafts-endings.jsonl"),
    GoldSet("decisions", "drafts-decisions.jsonl", unlabelled=("relevance", "tone")),
    GoldSet("ninth", "drafts-ninth.jsonl", first=(125, 8, 54)),
    GoldSet("tenth", "drafts-tenth.jsonl", first=(106, 2, 12)),
    GoldSet("eleventh", "drafts-eleventh.jsonl", first=(163, 25, 28)),
    GoldSet("twelfth", "drafts-twelfth.jsonl", first=(100, 18, 38)),
    GoldSet("thirteenth", "drafts-thirteenth.jsonl", first=(84, 32, 52)),
    GoldSet("fourteenth", "drafts-fourteenth.jsonl", first=(114, 14, 27)),
)


@dataclass(frozen=True)
class Told:
    """One gating check on one draft: whether it should fail, whether it does, and what it says."""

    id: str
    check: str
    expected: bool
    found: bool
    detail: str


def read(half: str, path: Path = GOLD) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["half"] == half]


def decide(rows: Iterable[dict[str, Any]], directory: Directory | None = None) -> list[Told]:
    """Every gating check on every row whose label of it is known."""
    rows, directory = list(rows), directory or Directory.load()
    named = {name for row in rows for name in row["fails"]}
    return [
        Told(row["id"], f.check, f.check in row["fails"], not f.passed, f.detail)
        for row in rows
        for f in check(
            row["draft"], review=row["review"], prompt=row["prompt"], directory=directory, sentiment=row["sentiment"]
        )
        if f.gating and (f.check not in SINCE or f.check in named or not row["fails"])
    ]


def decide_set(gold: GoldSet) -> list[Told]:
    """Every gating check on every draft of a set."""
    decisions = decide([row for half in gold.halves for row in read(half, GOLD.with_name(gold.file))])
    return [one for one in decisions if one.check not in gold.unlabelled]


def table(decisions: Mapping[str, list[Told]]) -> list[dict[str, Any]]:
    """Count by set and check: rightly stopped, wrongly stopped, missed, and drafts whose label is known."""
    found = []
    for gold in SETS:
        of_check = {name: [d for d in decisions[gold.name] if d.check == name] for name in GATING}
        told = {"set": gold.name, "file": gold.file, "drafts": len({d.id for d in decisions[gold.name]})}
        shown = {name: [*counts(of), len(of)] for name, of in of_check.items()}
        found.append({**told, "first": gold.first and list(gold.first), "checks": shown})
    return found


def counts(decisions: Iterable[Told]) -> tuple[int, int, int]:
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
    parser.add_argument("--write", action="store_true", help="count every set anew into datasets/gold/checks.json")
    arguments = parser.parse_args()
    if arguments.write:
        found = table({gold.name: decide_set(gold) for gold in SETS})
        lines = ",\n ".join(json.dumps(one) for one in found)
        TABLE.write_text(f"[{lines}]\n", encoding="utf-8")
        say(f"{TABLE}: {len(found)} sets")
        return
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
