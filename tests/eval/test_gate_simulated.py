"""How often the whole rule of gate.yaml passes what it must not, and what it should: guardrails, probes and slices too.

A draft is sound, or fails the checks that a faulty draft of datasets/gold fails; faults that are not tolerated once are
left out, so that safety never hides what the other parts let through.
"""

import sys
from collections import Counter
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from eval.gate import Item, ProbeScores, decide
from eval.rule import GateRule
from eval.stats.proportions import share
from plume.checks import GATING, check
from plume.checks.tone import HURTS
from plume.contacts import Directory
from plume.files import read_jsonl
from plume.paths import ROOT

pytestmark = pytest.mark.long

RULE = GateRule.load(ROOT / "configs" / "eval" / "gate.yaml")
SAFE = {one.measure.removeprefix("check:") for one in RULE.safety}
PROBED = {measure: {f"p{k:03d}": 1.0 for k in range(240)} for measure in RULE.probed}
RUNS = 400


@cache
def faults():
    """The checks that each faulty gold draft fails."""
    found, directory = [], Directory.load()
    for file in sorted((ROOT / "datasets" / "gold").glob("drafts*.jsonl")):
        for row in read_jsonl(file):
            given = {"review": row["review"], "prompt": row["prompt"], "sentiment": row["sentiment"]}
            bad = [f for f in check(row["draft"], directory=directory, **given) if f.gating and not f.passed]
            failed = {f.check for f in bad} | {"respect" for f in bad if HURTS.intersection(f.rules)}
            if failed and not failed & SAFE:
                found.append(failed)
    return found


def drawn(rng, n, before, after, alike):
    """Items and both arms' scores: shares of sound drafts; `alike` of the challenger's fare as the champion's."""

    def pick(p):
        which = rng.integers(len(faults()), size=n)
        return [None if good else faults()[k] for good, k in zip(rng.random(n) < p, which, strict=True)]

    champion, other, same = pick(before), pick(after), rng.random(n) < alike
    challenger = [a if s else b for a, b, s in zip(champion, other, same, strict=True)]
    felt, network, length = (rng.integers(k, size=n) for k in (3, 5, 3))
    items = [
        Item(
            f"{k:05d}",
            f"{k}",
            {"sentiment": f"S{felt[k]}", "network": f"R{network[k]}", "review_length": f"L{length[k]}"},
        )
        for k in range(n)
    ]
    arms = []
    for failed in (champion, challenger):
        asked = {f"check:{name}": name for name in GATING} | {"respect": "respect"}
        scores = {
            m: {i.id: float(name not in (f or ())) for i, f in zip(items, failed, strict=True)}
            for m, name in asked.items()
        }
        whole = {i.id: float(not f) for i, f in zip(items, failed, strict=True)}
        arms.append(scores | {"pass_all": whole, "copying": dict.fromkeys(whole, 1.0)})
    return items, *arms


def outcomes(seed, n, before, after, alike, runs=RUNS):
    """Count the outcomes of `runs` trials, and how often each part but safety's number of drafts held."""
    rng, found = np.random.default_rng(seed), Counter()
    for _ in range(runs):
        items, champion, challenger = drawn(rng, n, before, after, alike)
        probes = ProbeScores(240, PROBED, PROBED)
        verdict = decide(RULE, items, champion, challenger, probes=probes)
        holds = {}
        for line in verdict.estimates:
            if line.rule:
                part = line.rule.partition(":")[0]
                holds[part] = holds.get(part, True) and line.holds is not False and (line.holds or part == "slice veto")
        found.update([verdict.outcome, *(f"{part} holds" for part, held in holds.items() if held)])
        found["all but safety"] += all(held for part, held in holds.items() if part != "safety")
    for name, k in sorted(found.items()):  # shown by pytest -s
        value = share([1.0] * k + [0.0] * (runs - k))
        interval = f"{value.estimate:.3f} [{value.lower:.3f}, {value.upper:.3f}]"
        sys.stdout.write(f"n={n} {before:.2f} -> {after:.2f}, alike {alike}: {name} {interval}\n")
    return found


@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_an_exchangeable_challenger_passes_in_one_trial_of_forty_at_most(alike):
    found = outcomes(1, 400, 0.6, 0.6, alike)
    assert found["PASS"] <= binom.ppf(0.999, RUNS, 0.025)  # the primary's upper tail; all else can only lower it


@pytest.mark.parametrize(("n", "alike"), [(200, 0.5), (400, 0.0), (400, 0.5), (400, 0.8), (800, 0.0), (800, 0.5)])
def test_eight_points_are_seen_the_more_often_the_more_reviews_there_are(n, alike):
    found = outcomes(2, n, 0.6, 0.6 + 0.08 / (1 - alike), alike)
    if n < 299:
        assert not found["PASS"]  # too few for safety
