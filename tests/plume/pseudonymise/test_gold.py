"""Recall on the development gold set, where it lies beside the project: 176 invented sentences with their spans."""

import importlib.util
import json

import pytest

from plume.paths import ROOT
from plume.pseudonymise import Pseudonymiser
from plume.pseudonymise.recogniser.ner import load_ner

GOLD = ROOT.parent / "shared" / "anon" / "gold_dev.jsonl"
pytestmark = pytest.mark.skipif(not GOLD.is_file(), reason="no gold set beside the clone (../shared/anon)")

# A little under what is reached; an unseen set of the same kind is the real measure.
AT_LEAST = {"direct": 0.97, "quasi": 0.92, "PERSONNE": 0.97, "all": 0.96}
ALWAYS = ("NIR", "IBAN", "EMAIL", "TEL", "NUM_FISCAL", "NUM_ALLOCATAIRE")
AT_MOST = {"keep-spans touched": 0.04, "clean sentences touched": 0.08, "letters outside spans masked": 0.01}


@pytest.fixture(scope="module")
def measured() -> dict[str, tuple[int, int]]:
    spec = importlib.util.spec_from_file_location("benchmark_pseudonymise", ROOT / "benchmarks" / "pseudonymise.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    rows = [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]
    return benchmark.measure(rows, Pseudonymiser(load_ner()))


@pytest.mark.parametrize("key", AT_LEAST)
def test_recall_on_the_development_set(measured, key):
    hits, n = measured[key]
    assert hits / n >= AT_LEAST[key], f"{hits}/{n}"


@pytest.mark.parametrize("kind", ALWAYS)
def test_none_of_the_hard_identifiers_is_missed(measured, kind):
    hits, n = measured[kind]
    assert hits == n > 0


@pytest.mark.parametrize("key", AT_MOST)
def test_what_must_stay_stays(measured, key):
    hits, n = measured[key]
    assert hits / n <= AT_MOST[key], f"{hits}/{n}"
