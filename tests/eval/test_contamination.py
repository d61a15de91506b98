"""Test items near training items: nothing missed, nothing invented, and what compare makes of it."""

import numpy as np
import pytest

from eval.contamination import near_duplicates
from plume.french.similar import similarity

WORDS = [f"{a}{b}" for a in ("ba", "de", "fi", "go", "lu", "mé") for b in ("rine", "tant", "voir", "lais", "quoi")]


def texts(rng, n):
    """Texts of 5 to 60 words, some of them variants of one another, all with the same opening."""
    made = []
    for _ in range(n):
        if made and rng.random() < 0.5:
            words = made[rng.integers(len(made))].split()
            for place in rng.integers(0, len(words), rng.integers(0, 6)):
                words[place] = WORDS[rng.integers(len(WORDS))]
        else:
            words = ["nous", "vous", "remercions", "de", "votre", "avis"][: rng.integers(0, 7)]
            words += [WORDS[k] for k in rng.integers(0, len(WORDS), rng.integers(5, 60))]
        made.append(" ".join(words))
    return made


@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_finds_exactly_what_comparing_all_with_all_finds(threshold, seed):
    rng = np.random.default_rng(seed)
    made = texts(rng, 240)
    pairs = [{"id": str(i), "review": made[2 * i], "reply": made[2 * i + 1]} for i in range(120)]
    held, others = pairs[:40], pairs[40:]
    found = near_duplicates(held, others, threshold)
    expected = {
        a["id"]
        for a in held
        for b in others
        if max(similarity(a["review"], b["review"]), similarity(a["reply"], b["reply"])) >= threshold
    }
    assert set(found) == expected
    assert threshold == 1.0 or expected
    assert set(found.values()) <= {b["id"] for b in others}


def test_case_accents_and_punctuation_hide_nothing_and_nothing_is_near_nothing():
    held = [{"id": "t", "review": "Le guichet était fermé à midi, hier.", "reply": "Nous le regrettons vivement."}]
    other = {"id": "x", "review": "LE GUICHET ETAIT FERME A MIDI HIER", "reply": "Tout autre chose ici."}
    assert near_duplicates(held, [other], 0.8) == {"t": "x"}
    assert near_duplicates(held, [], 0.8) == near_duplicates([], [other], 0.8) == {}
