"""Checks that a draft says each thing once: no sentence twice or reworded, no passage again and again, no loop.

An idea that is told again in other words, `ideas` finds.
"""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import combinations
from operator import eq

from plume.checks.case import Answer, Case, Fault, none_of
from plume.checks.ideas import told_again
from plume.checks.language import small_words
from plume.french.mentions.contacts import rest
from plume.french.text import fold, runs, words


def repetition(case: Case) -> Answer:
    """Look for a sentence said twice or nearly, a passage said again, a word many times in a row."""
    tokens = words(rest(case.draft).written)
    faults = [Fault(m.group()[:12], "repetition.sign") for m in _SAME_SIGN.finditer(case.draft)][:1]
    beside = any(map(eq, tokens, tokens[2:]))  # else no word and no two come three times in a row
    if beside and (stutter := _STUTTER.search(" ".join(tokens))) and not _is_echo(case, stutter):
        faults.append(Fault(stutter.group(), "repetition.stutter"))
    triples = Counter(runs(tokens, 3))
    if triples and max(triples.values()) > 1:  # else nothing longer comes twice
        spoken = [*map(tuple, case.spoken)]
        long = [s for s in dict.fromkeys(spoken) if len(s) >= _LONG_SENTENCE]
        faults += [
            Fault(" ".join(said), rule)
            for rule, passages in (
                ("repetition.sentence", _said_again(spoken)),
                ("repetition.alike", [b for a, b in combinations(long, 2) if _alike(a, b)][:1]),
                ("repetition.reordered", _said_anew(spoken)[:1]),
                ("repetition.passage", _passages(tokens)),
                ("repetition.in-a-row", [s for s in _said_twice_in_a_row(tokens) if " ".join(s) not in case.reviewed]),
            )
            for said in passages
        ]
    if not faults:
        faults = [Fault(" ".join(said), "repetition.reworded") for said in _said_in_other_words(case.spoken)]
    if not faults and (again := told_again(case)):
        faults = [Fault(again, "repetition.same-idea")]
    if not faults and len(sorry := [s for s in case.sentences if _REGRET.search(s)]) >= _TOO_SORRY:
        faults = [Fault(sorry[-1], "repetition.regrets")]
    return none_of(faults, "répétition")


def _said_again(spoken: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """List the sentences that are said twice; of three or four words, three times."""
    return [s for s, n in Counter(spoken).items() if (n > 1 and len(s) >= 5) or (n > 2 and len(s) > 2)]


def _passages(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """List the passages of four words that come four times, of six three times, of ten twice."""
    counted = ((Counter(runs(tokens, n)).most_common(1)[0], least) for n, least in _OFTEN if len(tokens) > n)
    return [run for (run, times), least in counted if times >= least]


def _is_echo(case: Case, stutter: re.Match[str]) -> bool:
    """Say whether a word said three times is meant: with commas ("Merci, merci, merci"), or as the review says it."""
    said = stutter.group()
    once = stutter[1] or stutter[2]
    if len(said.split()) != 3 * len(once.split()):
        return False
    return ", ".join([once] * 3) in case.text.lower or said in " ".join(words(rest(case.review).written))


_REGRET, _TOO_SORRY = re.compile(r"désolé|regret|excus|navré", re.IGNORECASE), 3  # sentences: no sound draft has three
# The same word three times in a row, or two words.
_STUTTER = re.compile(r"\b([^\W\d]+)(?: \1){2,}\b|\b([^\W\d]+ [^\W\d]+)(?: \2){2,}\b")
_SAME_SIGN = re.compile(r"([^\s\d_.…])\1{7,}")  # a row of dots or underscores is a slot to fill
_OFTEN = ((4, 4), (6, 3), (10, 2))  # words of a passage, and how often it takes to be a loop
_LONG_SENTENCE = 8  # words: shorter ones may well resemble each other
_ALIKE = 0.85  # share of words, in order, from which two sentences are one said twice

# Stems of words that carry sense that two sentences share when one says the other again: how many at least, which share
# of the shorter one's, which of both sentences'. Of 1,900 drafts without a loop one is so, and it holds two replies.
_FEW_STEMS, _OF_SHORTER, _OF_BOTH = 4, 0.5, 0.3


def _said_anew(spoken: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """List sentences that two others say again with the same words in another order or form."""
    stems = [frozenset(fold(w)[:5] for w in s if len(w) > 3) for s in spoken]
    long = [(s, stem) for s, stem in zip(spoken, stems, strict=True) if len(stem) >= 4]
    return [s for s, mine in long if sum(len(mine & other) >= 0.75 * len(mine | other) for _, other in long) > 2]


def _said_in_other_words(spoken: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Give the first sentence that says again what one before it says: it shares half of the shorter one's stems."""
    told: list[frozenset[str]] = []
    for sentence in spoken:
        mine = frozenset(fold(w)[:5] for w in sentence if len(w) > 3 and fold(w) not in small_words())
        for other in told if len(mine) >= _FEW_STEMS else ():
            shared = len(mine & other)
            if (
                shared >= _FEW_STEMS
                and shared >= _OF_SHORTER * min(len(mine), len(other))
                and shared >= _OF_BOTH * len(mine | other)
            ):
                return [sentence]
        told += [mine] * (len(mine) >= _FEW_STEMS)
    return []


def _said_twice_in_a_row(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """Give the first passage of three to nine words that is said again right after it."""
    for n in range(3, 10):
        for i in range(len(tokens) - 2 * n + 1):
            if tokens[i] == tokens[i + n] and tokens[i : i + n] == tokens[i + n : i + 2 * n] and tokens[i].isalpha():
                return [tuple(tokens[i : i + 2 * n])]
    return []


def _alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Say whether two sentences differ by a word or two only."""
    if min(len(one), len(other)) / max(len(one), len(other)) < _ALIKE - 0.1 or len(set(one) & set(other)) < 6:
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE
