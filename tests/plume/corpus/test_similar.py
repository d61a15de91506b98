"""Near-duplicates: what bands promise, counted; similarity, by hand."""

import random

import pytest

from plume.corpus.similar import PERMUTATIONS, RECALL, band_keys, scheme
from plume.french.similar import similarity, triples

WORDS = [f"mot{i}" for i in range(5000)]


def shared_bands(a: str, b: str, threshold: float) -> int:
    return sum(x == y for x, y in zip(band_keys(a, threshold), band_keys(b, threshold), strict=True))


def test_similarity_by_hand():
    # Triples of the first: abc, bcd, cde; of the second: abc, bcd, cdf. Two shared of four.
    assert similarity("A, b c d e !", "a b c d f") == 2 / 4
    assert similarity("Déçu et fâché ici", "decu et FACHE ici") == 1
    assert similarity("merci", "merci") == 1  # shorter than a triple: all its words as one
    assert similarity("merci", "merci bien") == 0
    assert triples("un deux trois quatre") == {"un deux trois", "deux trois quatre"}


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0])
def test_the_scheme_reaches_the_recall_it_states(threshold):
    bands, rows, shared = scheme(threshold)
    assert bands * rows <= PERMUTATIONS
    draw = random.Random(0)
    p, trials = threshold**rows, 20_000
    # Two texts of Jaccard similarity s agree in one permutation with probability s, in a band of r with s ** r.
    met = sum(sum(draw.random() < p for _ in range(bands)) >= shared for _ in range(trials)) / trials
    assert met > RECALL - 0.004  # three standard errors at 0.99


def test_near_duplicates_share_bands_and_strangers_do_not():
    """200 texts of 60 words with two words changed (similarity 52/64 = 0.81 or more) and 200 pairs of strangers."""
    draw = random.Random(1)
    *_, shared = scheme(0.8)
    found = strangers = 0
    for _ in range(200):
        words = draw.sample(WORDS, 60)
        near = list(words)
        for at in draw.sample(range(60), 2):
            near[at] = "autre"
        assert similarity(" ".join(words), " ".join(near)) >= 0.8
        found += shared_bands(" ".join(words), " ".join(near), 0.8) >= shared
        strangers += shared_bands(" ".join(words), " ".join(draw.sample(WORDS, 60)), 0.8) >= 1
    assert found >= 198
    assert strangers == 0


def test_the_bands_are_the_same_on_every_machine():
    assert band_keys("Bonjour, nous regrettons cette attente.", 0.8)[:2] == [-4477442286519516383, 6904916593056277782]
    assert all(-(2**63) <= key < 2**63 for key in band_keys("x", 0.8))
