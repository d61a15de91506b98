"""Weighs from a review's words alone whether an official sheet could help: it asks for a right, a paper, a way to go.

A linear model over the stems of all words, empty ones included (« comment », « je »), and over kinds. Its weights are
learnt by benchmarks/sources.py from reviews of several authors; vocabulary/wants.tsv holds them.
"""

import math
from collections.abc import Mapping
from functools import cache, lru_cache

from plume.french.text import words
from plume.french.vocabulary import rows
from plume.sources.terms import VOCABULARY, stem, terms_of

BIAS = "(bias)"  # the row of what counts for every review: no word has brackets


@lru_cache(maxsize=1 << 10)
def terms(text: str) -> frozenset[str]:
    """Give the terms that are weighed, each once."""
    return frozenset(map(stem, words(text))).union(terms_of(text).kinds)


def weigh(text: str) -> float:
    """Give the log-odds that a sheet could help: the mean weight of the terms, times the root of their number."""
    return weigh_with(shipped(), text)


def weigh_with(weights: Mapping[str, float], text: str) -> float:
    """Weigh with given weights."""
    said = terms(text)
    total = math.fsum(weights.get(term, 0.0) for term in said)
    return weights[BIAS] + total / math.sqrt(max(len(said), 1))


@cache
def shipped() -> dict[str, float]:
    """Read the weights of this repository."""
    return {row["term"]: float(row["weight"]) for row in rows("wants", VOCABULARY)}
