"""Write the tables of the check `relevance` (`plume/checks/vocabulary`), and say what it reaches.

    .venv/bin/python benchmarks/relevance.py [--write]

stems.tsv: in which share of the repository's invented reviews a stem or a topic stands. witnesses.tsv: how often a stem
or topic of a draft stands in its own review, and in another of the same sentiment. Same data and seed, same bytes.
Recall is of drafts given three other reviews each; precision of drafts with their own. Tables made on one half of the
reviews are tried on the other. Last, what the other reviews of the network add: on the sample export's replies, each
with its own review and with three others of its network.
"""

import argparse
import json
import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from plume.checks import relevance as check
from plume.checks import stems
from plume.checks.case import VOCABULARY
from plume.command import say
from plume.export.reader import read_experiences
from plume.french.text import plain, sentences
from plume.paths import ROOT

SEED, OTHERS, WEIGHT, FEWEST = 20, 3, 20, 8
SOURCE = "# Source: made by benchmarks/relevance.py from the invented texts of datasets/gold and datasets/sample"
WITNESSES = "kind\tplace\trarity\town\tother"
NO_REPLY = "encore en mesure de vous répondre"  # the platform's own words where a service does not reply
UNSOUND = {"length", "french", "repetition", "residue", "relevance"}

Pair = dict[str, Any]


def pairs() -> list[Pair]:
    """Give the invented reviews of the repository, each with a draft or a reply to it that is of it."""
    found = []
    for path in sorted((ROOT / "datasets" / "gold").glob("drafts*.jsonl")):
        found += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [row for row in found if UNSOUND.isdisjoint(row["fails"])]
    for row in read_experiences(ROOT / "datasets" / "sample" / "export.json"):
        for answer in getattr(row, "answers", ()):
            if answer.reply and NO_REPLY not in answer.reply:
                review = f"{row.title or ''}. {row.review or ''}"
                found.append({"review": review, "draft": answer.reply, "sentiment": row.sentiment})
    return [{**row, "review": plain(row["review"]), "said": sentences(row["draft"])} for row in found]


def strangers(rows: list[Pair]) -> Iterator[tuple[Pair, Pair]]:
    """Draw for each review the drafts of other reviews of the same sentiment."""
    draw = random.Random(SEED)  # noqa: S311 - nothing is secret
    for row in rows:
        same = [o for o in rows if o["sentiment"] == row["sentiment"] and o["review"] != row["review"]]
        for other in draw.sample(same, min(OTHERS, len(same))):
            yield row, other


def stem_rows(rows: Iterable[Pair]) -> list[str]:
    """Count in which share of the reviews each stem stands; those of three reviews or more."""
    reviews = sorted({row["review"] for row in rows})
    counts = Counter(stem for review in reviews for stem in stems.stems(review))
    return [f"{stem}\t{n / len(reviews):.4f}" for stem, n in sorted(counts.items()) if n >= 3]


def witness_rows(rows: list[Pair], others: list[tuple[Pair, Pair]]) -> list[str]:
    """Count by group how often a draft's stems stand in its own review, and in another; each topic for itself too."""
    own = _shared((row["review"], row["said"]) for row in rows)
    other = _shared((row["review"], stranger["said"]) for row, stranger in others)
    lines = []
    for group in sorted(own.keys() | other.keys(), key=str):
        of_all = own[group], other[group]
        if group[0][0] == "@" and own[group][1] < FEWEST:
            continue
        if group[0][0] == "@":  # few drafts hold it: weighed with all topics as rare
            whole = ("topic", *group[1:])
            of_all = [_with(found[group], found[whole]) for found in (own, other)]
        told = "\t".join(f"{(hits + 1) / (n + 10):.4f}" for hits, n in of_all)
        lines.append("\t".join(map(str, group)) + f"\t{told}")
    return lines


def _with(some: tuple[float, float], of: tuple[float, float]) -> tuple[float, float]:
    """Add as many cases as WEIGHT of a larger group to those of a small one."""
    return some[0] + WEIGHT * of[0] / of[1], some[1] + WEIGHT


def _shared(drafts: Iterable[tuple[str, list[str]]]) -> dict[tuple[str, str, int], tuple[int, int]]:
    seen, hits = Counter(), Counter()
    for review, said in drafts:
        for witness in check.witnesses(review, said):
            for group in witness.groups:
                seen[group] += 1
                hits[group] += witness.shared
    return defaultdict(lambda: (0, 1), {group: (hits[group], n) for group, n in seen.items()})


def use(table: str, header: str, lines: list[str]) -> None:
    (VOCABULARY / f"{table}.tsv").write_text("\n".join([SOURCE, header, *lines]) + "\n", encoding="utf-8")
    check.rows.cache_clear()
    for cached in (stems.shares, check._usual_stems, check._ratios):
        cached.cache_clear()


def write(rows: list[Pair], others: list[tuple[Pair, Pair]]) -> None:
    use("stems", "stem\tshare", stem_rows(rows))
    use("witnesses", WITNESSES, witness_rows(rows, others))


def reached(rows: list[Pair], others: list[tuple[Pair, Pair]]) -> None:
    """Say how many drafts pass with their own review and fail with another, by tables of the other half."""
    sound, wrong, caught, strange = 0, 0, 0, 0
    for half in (0, 1):
        ours = [row for row in rows if _half(row) != half]
        use("witnesses", WITNESSES, witness_rows(ours, [(row, other) for row, other in others if _half(row) != half]))
        sound += sum(_half(row) == half for row in rows)
        wrong += sum(_fails(row, row) for row in rows if _half(row) == half)
        strange += sum(_half(row) == half for row, _ in others)
        caught += sum(_fails(row, other) for row, other in others if _half(row) == half)
    say(f"own review: {wrong} of {sound} fail; another review: {caught} of {strange} fail ({caught / strange:.3f})")


def by_network() -> None:
    """Say what it is worth to count the words of the network's other reviews beside the table."""
    told = [
        (answer.network, plain(f"{row.title or ''}. {row.review or ''}"), sentences(answer.reply))
        for row in read_experiences(ROOT / "datasets" / "sample" / "export.json")
        for answer in getattr(row, "answers", ())
        if answer.reply and NO_REPLY not in answer.reply
    ]
    draw = random.Random(SEED)  # noqa: S311 - nothing is secret
    networks = {name: stems.Network(review for of, review, _ in told if of == name) for name, *_ in told}
    trials = [
        (networks[network], review, [said, *(other[2] for other in draw.sample(others, min(OTHERS, len(others))))])
        for network, review, said in told
        if (others := [one for one in told if one[0] == network and one[1] != review])
    ]
    for name, used in (("the table", False), ("its network's reviews too", True)):
        of_each = [
            [check.score(review, [*check.witnesses(review, draft, network if used else None)]) for draft in drafts]
            for network, review, drafts in trials
        ]
        own, strange = [each[0] for each in of_each], [score for each in of_each for score in each[1:]]
        failed, caught = (sum(score < 0 for score in some) for some in (own, strange))
        say(f"{name}: own {failed} of {len(own)} fail, another of the network {caught} of {len(strange)}")


def _half(row: Pair) -> int:
    return zlib.crc32(row["review"].encode()) % 2


def _fails(row: Pair, other: Pair) -> bool:
    return not check.is_of(row["review"], [*check.witnesses(row["review"], other["said"])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the tables anew; else they are left as they are")
    arguments = parser.parse_args()
    before = {name: (VOCABULARY / f"{name}.tsv").read_bytes() for name in ("stems", "witnesses")}
    made = before
    rows = pairs()
    others = [*strangers(rows)]
    try:
        write(rows, others)
        made = {name: (VOCABULARY / f"{name}.tsv").read_bytes() for name in before}
        by_network()
        reached(rows, others)
    finally:
        for name, content in (made if arguments.write else before).items():
            (VOCABULARY / f"{name}.tsv").write_bytes(content)
    say("the tables are as committed" if made == before else "the tables would change: --write")


if __name__ == "__main__":
    main()
