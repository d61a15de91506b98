"""Asks whether a draft names this review's problem, by the words that it shares with it and with few others.

Each word of the draft, by its stem, and each topic that a word belongs to (topics.tsv: "versement" and "rien reçu" are
both of `pay`) is a witness. What stands in the review too speaks for the draft, the more the rarer it is in reviews at
large (stems.tsv); what does not speaks against it a little, in the opening sentences more than later. How much, is
counted on drafts with their own review and with others (witnesses.tsv). `benchmarks/relevance.py` writes both tables.

A reply that fits every review says little that speaks against it. So what a draft shares of rare words counts again:
a draft must have enough of both together. A number in words is one in digits, a word stands for its family. An order to
the writer in the review is no part of its problem. Draft and review in two languages share no words: nothing is asked.
"""

import math
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from plume.checks.case import VOCABULARY, Answer, Case, Reviews, failed
from plume.checks.instruction import instruction
from plume.checks.language import FRENCH, language
from plume.checks.stems import FLOOR, Network, content, shares
from plume.french.text import fold, sentences, words
from plume.french.vocabulary import rows
from plume.passages import citations

# What weight and naming must come to together; one nat that names is worth _NAT of weight. Both by logistic regression
# on 91 drafts of another problem or of none and 1,500 others; two less than it said, which on 140 drafts at fault and
# 1,725 others stops 8 sound ones fewer and 6 at fault.
_ENOUGH, _NAT, _MOST_NATS = 10, 0.56, 40
# Less of a review of few words, whose reply cannot help saying it otherwise, and of one that tells a long story.
_LOW, _HIGH, _SLOPE, _FEW = -3.6, -0.8, 0.2, 15
_LONG, _OFF, _EACH = 28, 4, 8  # words; at most so much less, one for each so many words
_OPENING = 2  # sentences after the greeting, where a reply names the problem
_GREETING = 5  # words, fewer are a greeting
_COMMON = 0.97  # a word that more reviews hold is no witness
_RARE = 0.2  # what fewer hold is told to the reader
_NAMING = 0.12  # what fewer reviews hold names a problem
_WHOLE = 8  # words: a review that is shorter without what looks like an order is read whole


class Witness(NamedTuple):
    """A stem or a topic of a draft: its place, the share of reviews of this length that hold it, whether this does."""

    name: str
    word: str
    place: str
    share: float
    shared: bool

    @property
    def groups(self) -> tuple[tuple[str, str, int], ...]:
        """What witnesses.tsv counts it under, the narrowest first: the topic itself, or rarity in steps; its place."""
        if self.name[0] != "@":
            return (("stem", self.place, min(int(-math.log(self.share)), 5)),)
        rarity = min(int(-2 * math.log(self.share)), 7)
        return (self.name, self.place, rarity), ("topic", self.place, rarity)


def relevance(case: Case) -> Answer:
    """Weigh what the draft shares with the review, and what it does not."""
    review = _problem(case.review)
    if any(language(text) not in (FRENCH, None) for text in (case.draft, review)):
        return Answer(True, "sans objet : pas en français")
    found = [*witnesses(review, [*case.sentences, *_cited_titles(case)], case.network)]
    shared = [witness for witness in found if witness.shared and witness.share < _RARE]
    told = ", ".join(sorted({witness.word for witness in shared}))
    detail = f"mots et thèmes de l'avis repris : {told or 'aucun'}"
    if case.tokens and (not content(review) or is_of(review, found)):
        return Answer(True, detail)
    return failed(f"ne répond pas au problème de cet avis ; {detail}", "relevance.other-problem")


def _cited_titles(case: Case) -> list[str]:
    """Give the titles of the sheets that a draft cites: who tells a sheet's rule need not name its subject again."""
    cited = {number for _, _, numbers in citations(case.draft) for number in numbers} if case.passages else ()
    return [f"{one.title}." for one in case.passages if one.number in cited]


def _problem(review: str) -> str:
    """Give a review without the sentences that tell its reader what to write; whole if there are no others."""
    told = instruction(review)
    if not (told and told.sure):
        return review
    rest = " ".join(s for s in sentences(review) if fold(s) not in told.passage)
    return rest if len(words(rest)) >= _WHOLE else review


def is_of(review: str, found: list[Witness]) -> bool:
    """Say whether witnesses show that a draft is of this review: neither of another's problem nor of nobody's."""
    return score(review, found) >= 0


def score(review: str, found: list[Witness]) -> float:
    """Give by how much witnesses come to more than a review of this length asks for."""
    named = -sum(math.log(one.share) for one in found if one.shared and one.share < _NAMING)
    return weight(found) + _NAT * min(named, _MOST_NATS) - enough(review)


def enough(review: str) -> float:
    """Give what the witnesses of a review of this length must come to."""
    n = len(words(review))
    return (
        max(_LOW, min(_HIGH, _LOW + _SLOPE * (n - _FEW)))
        + min(_ENOUGH, 1 + n / 2)
        - max(0, min(_OFF, (n - _LONG) / _EACH))
    )


def weight(found: Iterable[Witness]) -> float:
    """Sum what witnesses say: the log of how much likelier it is of a draft with its own review than with another."""
    table, total = _ratios(), 0.0
    for witness in found:
        ratios = next((table[group] for group in witness.groups if group in table), (0.0, 0.0))
        total += ratios[0 if witness.shared else 1]
    return total


def witnesses(review: str, sentences: list[str], network: Reviews | None = None) -> Iterator[Witness]:
    """Yield the stems and topics of a draft's sentences, each once, where it first stands.

    Where the reviews of its network are at hand, those say with the table how rare a stem is.
    """
    own, network = content(review), network or _NO_NETWORK
    longer = len(own) / _usual_stems()
    first = next((i for i, sentence in enumerate(sentences) if len(words(sentence)) >= _GREETING), 0)
    seen: set[str] = set()
    for i, sentence in enumerate(sentences[first:]):
        place = "opening" if i < _OPENING else "later"
        for name, word in content(sentence).items():
            share = max(1 - (1 - min(network.share(name, own), 0.95)) ** longer, FLOOR)
            if name not in seen and share < _COMMON:
                yield Witness(name, word, place, share, name in own)
            seen.add(name)


_NO_NETWORK = Network(())


@cache
def _usual_stems() -> float:
    """How many stems and topics a review of the table's sources holds on average."""
    return sum(shares().values()) or 1.0


@cache
def _ratios() -> dict[tuple[str, str, int], tuple[float, float]]:
    """By group: the log ratio of being shared, and of not being."""
    found = {}
    for row in rows("witnesses", VOCABULARY):
        own, other = float(row["own"]), float(row["other"])
        ratios = math.log(own / other), math.log((1 - own) / (1 - other))
        found[row["kind"], row["place"], int(row["rarity"])] = ratios
    return found
