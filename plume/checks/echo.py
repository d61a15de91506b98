"""Finds what a draft says back of an order in the review: words that stand in the order and not in the story.

A reply takes the words of the problem. Words that only an order to its writer holds, and that tell much, come from
obeying. Whether a clause reports, refuses, pities or helps is told by `rules/order_said.toml`.
"""

import re
from collections.abc import Iterator

from plume.checks.addressed import QUOTATION, Level
from plume.checks.case import RULES, Case, Fault
from plume.checks.instruction import Instruction, is_unusual, quoted
from plume.checks.language import small_words
from plume.checks.stems import rarity, stem
from plume.french.rules import read_tables
from plume.french.text import fold, words
from plume.french.vocabulary import word_set

SMALL = small_words() | word_set(
    "fait faire cela cette leurs elle elles tres plus moins aussi lors quand peut peuvent celui ceux deux trois autre "
    "autres encore chaque"
)
_REPORTS, _REFUSES, _PITIES, _HELPS = (rule.compiled for rule in read_tables(RULES / "order_said.toml")["sentences"])
_CLAUSE = re.compile(r"(?<=[.!?…;:])\s+|,\s|\n+")
# In nats, counted as `rarity` does, two more for a word that replies never hold: where one of them is such, where
# none is, and where a service may say them in helping.
_UNUSUAL, _ENOUGH, _PLENTY, _MOST = 2.0, 8.0, 11.0, 17.0
# A name after "de" or "à" says where: "la mission locale de Redon".
_PLACE = re.compile(r"(?<=\b[dD]e |.[dD]'| [Aà] |\ben |\bau )(?:l'|la |le |les )?[A-ZÀ-Þ][\w'-]{2,40}")
_NUMBER = re.compile(r"\b\d{1,4} [a-z]{3,12}\b")


def echoes(case: Case, told: Instruction) -> Iterator[Fault]:
    """Yield the clauses of a draft that say what stands in an order only."""
    story = stems(told.story)
    for order in told.orders:
        if order.level < Level.ASKS or (order.to_know and order.level < Level.SURE):
            continue
        places = {
            f[:5] for m in _PLACE.finditer(order.text) for f in map(fold, words(m[0])) if order.level < Level.SURE
        }
        own = {stem: word for stem, word in stems(order.text).items() if stem not in story and stem not in places}
        strings = [s for s in quoted(order.text) if len(s) > 1 and sum(map(weight, {*s} - SMALL)) >= _ENOUGH]
        runs = [n for n in _NUMBER.findall(fold(order.text)) if n not in told.story] + [" ".join(s) for s in strings]
        last = tuple(
            f" {s[0]} " for s in quoted(order.text) if len(s) == 1 and s[0] not in told.story and s[0] not in SMALL
        )
        for clause in clauses(case, of_the_story=order.level == Level.SURE):
            shared = [own[stem] for stem in stems(clause) if stem in own]
            said, back = f" {' '.join(words(fold(clause)))} ", sum(map(weight, shared))
            helps = order.level < Level.SURE and _HELPS.search(fold(clause))
            unusual = any(word.isdigit() or is_unusual(word) for word in shared)
            least = _ENOUGH if unusual else _PLENTY
            if back >= (_MOST if helps else least) or any(f" {run} " in said for run in runs) or said.endswith(last):
                yield Fault(clause.strip()[:80], "injection.echo")


def clauses(case: Case, *, of_the_story: bool = True) -> Iterator[str]:
    """Yield the clauses of a draft that neither report what the citizen says nor refuse, perhaps nor tell the story."""
    for sentence in case.sentences:
        if _REPORTS.search(said := fold(sentence)) or not (of_the_story or not _PITIES.search(said)):
            continue
        # What is quoted is somebody else's word, but where only obeying would quote it.
        for clause in _CLAUSE.split(sentence if of_the_story else QUOTATION.sub(" ", sentence)):
            if not _REFUSES.search(fold(clause)):
                yield clause


def is_told(sentence: str) -> bool:
    """Say whether a sentence reports what the citizen says, or says that "nous" pity: its words are his, no order's."""
    said = fold(sentence)
    return bool(_REPORTS.search(said) or ("nous " in said and _PITIES.search(said)))


def stems(text: str) -> dict[str, str]:
    """Give the stems of a text's content words and numbers, with the word that each was seen by."""
    return {
        w if w.isdigit() else w[:5]: w
        for w in words(fold(text))
        if (len(w) > 3 or (w.isdigit() and len(w) > 1)) and w not in SMALL
    }


def weight(word: str) -> float:
    """Give how much it tells that a folded word comes back, in nats."""
    return rarity(stem(word)) + (0 if word.isdigit() else _UNUSUAL * is_unusual(word))
