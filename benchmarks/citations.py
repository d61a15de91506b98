"""Which drafts that misquote their sources the checks find, and which sound ones they stop.

    .venv/bin/python benchmarks/citations.py [FILE] [--show]

Counted by draft: one is found if a check of facts or sources fails, and a sound one stopped wrongly. What the other
checks stop (a closing formula, a promise) is counted apart: it tells nothing of a citation. FILE holds rows as
datasets/gold/cited.jsonl does; `note` may stand for `fault`.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from plume.checks import Finding, check
from plume.command import say
from plume.contacts import Directory
from plume.files import read_jsonl
from plume.paths import ROOT
from plume.prompt import load_prompt
from plume.shares import clopper_pearson

GOLD = ROOT / "datasets" / "gold" / "cited.jsonl"
OF_FACTS = ("amounts", "dates", "deadlines", "contacts", "articles", "sources", "placeholders")


class Counts(NamedTuple):
    """Planted drafts found, missed by checks of facts and by all; sound ones stopped, by facts, by others; by kind."""

    found: int
    missed: list[str]
    missed_by_all: list[str]
    stopped: list[str]
    by_others: list[str]
    kinds: dict[str, Counter[str]]


def failures(row: Mapping[str, Any], directory: Directory) -> list[Finding]:
    """List the gating checks that a row's draft fails under the prompt that shows its sources."""
    said = check(row["draft"], review=row["review"], prompt=load_prompt("v3").text(dict(row)), directory=directory)
    return [one for one in said if one.gating and not one.passed]


def count(rows: Iterable[Mapping[str, Any]]) -> Counts:
    """Ask all gating checks of every row."""
    directory, kinds = Directory.load(), defaultdict(Counter)
    found, missed, by_none, stopped, by_others = 0, [], [], [], []
    for row in rows:
        failed = failures(row, directory)
        of_facts = [one for one in failed if one.check in OF_FACTS]
        kinds[row["kind"]].update(drafts=1, found=bool(failed), of_facts=bool(of_facts))
        if row["wrong"]:
            found += bool(of_facts)
            missed += [] if of_facts else [row["id"]]
            by_none += [] if failed else [row["id"]]
        else:
            stopped += [row["id"]] if of_facts else []
            by_others += [row["id"]] if failed and not of_facts else []
    return Counts(found, missed, by_none, stopped, by_others, dict(kinds))


def _share(hits: int, n: int) -> str:
    low, high = clopper_pearson(hits, n) if n else (0.0, 1.0)
    return f"{hits}/{n} = {hits / max(n, 1):.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=GOLD)
    parser.add_argument("--show", action="store_true", help="print what was missed and what was stopped wrongly")
    asked = parser.parse_args()
    rows = list(read_jsonl(asked.file))
    counts = count(rows)
    wrong = sum(row["wrong"] for row in rows)
    say("by checks of facts and sources:")
    say(f"recall {_share(counts.found, wrong)}; precision {_share(counts.found, counts.found + len(counts.stopped))}")
    found = wrong - len(counts.missed_by_all)
    say(f"by any check: recall {_share(found, wrong)}; precision {_share(found, found + len(counts.stopped))}")
    stopped = f"{len(counts.stopped)} of {len(rows) - wrong}, by others only: {len(counts.by_others)}"
    say(f"sound drafts stopped by checks of facts: {stopped}")
    for kind, each in sorted(counts.kinds.items()):
        say(f"  {kind:12} drafts {each['drafts']:3} found {each['found']:3} by facts or sources {each['of_facts']:3}")
    directory = Directory.load()
    for row in rows if asked.show else ():
        if row["id"] in (*counts.missed, *counts.stopped):
            told = "; ".join(f"{one.check}: {one.detail}" for one in failures(row, directory))
            say(f"\n{row['id']} {row['kind']} | {row.get('fault') or row.get('note')} | {told}\n  {row['draft']}")
            for number, one in enumerate(row["sources"], 1):
                say(f"  [{number}] {one['title']} : {one['text']}")


if __name__ == "__main__":
    main()
