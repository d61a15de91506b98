"""Compare a draft with the reply that an agent published: chrF, ROUGE and edit rate. Pure; it never decides.

ROUGE and the edit rate compare words as `plume.french.text.words` cuts them (lower case, accents kept, no punctuation):
the usual ROUGE packages cut at every accented letter and find "r" and "ponse" in "réponse".
"""

import unicodedata
from collections import Counter
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

from rapidfuzz.distance import LCSseq, Levenshtein

from plume.errors import InputError
from plume.french.text import runs, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sacrebleu.metrics import CHRF


@cache
def _chrf() -> "CHRF":
    from sacrebleu.metrics import CHRF

    return CHRF()  # character n-grams up to 6, no word n-grams, beta 2: chrF2 as published


def chrf(draft: str, reply: str) -> float:
    """Compute sentence chrF2 by sacrebleu, 0 to 100, of both with their accents composed."""
    return _chrf().sentence_score(_composed(draft), [_composed(reply)]).score


def chrf_corpus(drafts: "Sequence[str]", replies: "Sequence[str]") -> float:
    """Compute corpus chrF2 by sacrebleu, 0 to 100: n-gram counts are summed first, so no mean of the sentences'."""
    return _chrf().corpus_score([*map(_composed, drafts)], [[*map(_composed, replies)]]).score


def _composed(text: str) -> str:
    """Compose accents (NFC): sacrebleu would count an accent that is a sign of its own as a wrong character."""
    return unicodedata.normalize("NFC", text)


def chrf_signature() -> str:
    """Say how sacrebleu computed it ("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:…")."""
    from sacrebleu.metrics import CHRF

    metric = CHRF()  # a signature counts references, so it wants a metric that has scored
    metric.corpus_score(["a"], [["a"]])
    return str(metric.get_signature())


def rouge(draft: str, reply: str) -> dict[str, float]:
    """Compute F1 of shared words (rouge1), word pairs (rouge2) and the longest common subsequence (rougeL), 0 to 1."""
    said, published = words(draft), words(reply)
    common = LCSseq.similarity(said, published)
    return {
        "rouge1": _shared(said, published, 1),
        "rouge2": _shared(said, published, 2),
        "rougeL": _f1(common, len(said), len(published)),
    }


def edit_rate(draft: str, reply: str) -> float:
    """Count the words to insert, delete or replace for the reply, by the longer of the two texts: 0 to 1."""
    return Levenshtein.normalized_distance(words(draft), words(reply))


def mean(scores: "Sequence[float]") -> float:
    """Average at least one score. Raises InputError, because the mean of nothing is not 0."""
    if not scores:
        raise InputError("no draft to score: give at least one prediction")
    return fmean(scores)


def texts(**columns: "Sequence[str | None]") -> None:
    """Check that columns are of one length and hold texts. Raises InputError that names column and row."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"columns differ in length: {', '.join(f'{n} {k}' for n, k in lengths.items())}")
    for name, column in columns.items():
        for row, text in enumerate(column):
            if not isinstance(text, str):
                raise InputError(f"{name}[{row}] is not a text but {text!r}")
            if name == "references" and not words(text):
                raise InputError(f"references[{row}] holds no word: there is no published reply to compare with")


def _shared(said: list[str], published: list[str], n: int) -> float:
    left, right = Counter(runs(said, n)), Counter(runs(published, n))
    return _f1((left & right).total(), left.total(), right.total())


def _f1(common: int, said: int, published: int) -> float:
    return 2 * common / (said + published) if said + published else 0.0
