"""Seconds and memory of the longest run that drafts share with training replies (`eval/copying.py`).

    .venv/bin/python benchmarks/copying.py [--drafts 10000] [--replies 100000] [--words 110]

Texts are drawn: words by Zipf's law over 30,000, half of each text formulas of 5 to 40 words that many share, and
every tenth draft holds 30 words of one reply. Prints n, seconds of the wall and of the processor, and the process's
highest memory.
"""

import argparse
import resource
import time

import numpy as np

from eval.copying import longest_runs
from eval.measures import REPLIES
from plume.command import say


def texts(n: int, words: int, draw: np.random.Generator) -> list[str]:
    weights = 1 / np.arange(1, 30_001)
    weights /= weights.sum()
    lengths = np.random.default_rng(0).integers(5, 41, 400)
    vocabulary = np.array([f"mot{i}" for i in range(30_000)])
    formulas = [" ".join(draw.choice(vocabulary, k, p=weights)) for k in lengths]
    made = []
    drawn = draw.choice(vocabulary, (n, words // 2), p=weights)
    shared = draw.zipf(1.5, (n, 2)) % len(formulas)
    for own, style in zip(drawn, shared, strict=True):
        cut = int(draw.integers(len(own) + 1))
        made.append(" ".join([formulas[style[0]], *own[:cut], formulas[style[1]], *own[cut:]]))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=int, default=10_000)
    parser.add_argument("--replies", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=110)
    arguments = parser.parse_args()
    draw = np.random.default_rng(1)
    replies, drafts = (texts(n, arguments.words, draw) for n in (arguments.replies, arguments.drafts))
    for i in range(0, len(drafts), 10):
        drafts[i] += " " + " ".join(replies[int(draw.integers(len(replies)))].split()[-30:])
    learnt = [(f"{i}-1", reply) for i, reply in enumerate(replies)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start, processor = time.perf_counter(), time.process_time()
    found = longest_runs(drafts, learnt, REPLIES)
    seconds, used = time.perf_counter() - start, time.process_time() - processor
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    runs = np.array([one.words for one in found])
    say(
        f"{len(drafts)} drafts, {len(replies)} replies of {np.mean([len(r.split()) for r in replies[:1000]]):.0f} words"
    )
    say(f"{seconds:.1f} s of the wall, {used:.1f} s of the processor; memory {highest:.2f} GiB ({before:.2f} before)")
    say(f"runs: median {np.median(runs):.0f}, highest {runs.max()}, over 20 words {np.mean(runs > 20):.1%}")


if __name__ == "__main__":
    main()
