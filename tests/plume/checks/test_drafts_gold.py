"""What the gating checks reach on the gold drafts, asserted as figures, so that a rule that gets worse is noticed."""

import importlib.util

import pytest

from plume.checks import GATING
from plume.paths import ROOT

# Failures that may be missed: those that are (see datasets/gold/README.md), and one more of each check.
MISSED = {
    "tune": {},
    "test": {},
    "second": {"personal_data": 1},
    "third": {},
    "fourth": {},
    "fifth": {},
    "sixth": {},
    "seventh": {"promises": 1, "residue": 1},  # held out: no rule was tuned on it
    "eighth": {"promises": 1},
}


def _benchmark():
    spec = importlib.util.spec_from_file_location("benchmark_checks", ROOT / "benchmarks" / "checks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def decisions():
    benchmark = _benchmark()
    found = {half: benchmark.decide(benchmark.read(half)) for half in ("tune", "test")}
    for name in ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"):
        path = benchmark.GOLD.with_name(f"drafts-{name}.jsonl")
        found[name] = [d for half in ("tune", "test") for d in benchmark.decide(benchmark.read(half, path))]
    return found


def _precision_and_recall(decisions) -> tuple[float, float]:
    right, wrong, missed = _benchmark().counts(decisions)
    return right / (right + wrong), right / (right + missed)


@pytest.mark.parametrize("half", list(MISSED))
def test_precision_and_recall(decisions, half: str) -> None:
    precision, recall = _precision_and_recall(decisions[half])
    assert precision >= 0.95
    assert recall >= 0.95


@pytest.mark.parametrize("half", list(MISSED))
@pytest.mark.parametrize("check", GATING)
def test_no_check_misses_more_than_it_did(decisions, half: str, check: str) -> None:
    missed = sum(d.expected and not d.found for d in decisions[half] if d.check == check)
    assert missed <= MISSED[half].get(check, 0) + 1
