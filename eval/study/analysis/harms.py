"""Ask plume's checks of every final reply and draft: what reached the reply, what the agent took out, what they added.

A reply is stored pseudonymised: what an agent typed and no public body gives (a phone, a name) is a mark by then. A
mark of a contact counts as a contact that nobody gave; other marks (an agent's name) are no harm.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.stats.estimate import Estimate
from eval.stats.studentised import share, two_arms
from eval.study.records import ARMS, Item, Writing
from plume.checks import GATING, check
from plume.contacts import Directory
from plume.marks import pattern
from plume.prompt import load_prompt

# How a reply is written, in which a person is free; tone and relevance are for those who judge blind.
NO_HARM = frozenset({"length", "greeting", "signature", "repetition", "tone", "relevance"})
HARMS = tuple(name for name in GATING if name not in NO_HARM)
ANY = "any"
PROMPT = "v2"  # what may be said of a case: the service, its contacts, the review
_MARK, _OF_CONTACT = (re.compile(pattern(*types)) for types in ((), (("TEL", "EMAIL", "URL", "IBAN", "ADRESSE"),)))
Progress = Callable[[], None]


@dataclass(frozen=True)
class Harm:
    """Counts one check, or ANY of them.

    Attributes:
        drafts: of the drafts that were shown, those with the harm; `shown` all.
        removed: of those, the replies without it; `reached` those with it.
        added: replies from a draft without it that have it.
        finals: share of replies with the harm, by arm.
        difference: of these shares, with a draft less without.
    """

    check: str
    shown: int
    drafts: int
    removed: int
    reached: int
    added: int
    finals: Mapping[str, Estimate]
    difference: Estimate


def harms(writings: Sequence[Writing], items: Sequence[Item], told: Progress = lambda: None) -> list[Harm]:
    """Count every check, after ANY of them. `told` is called after each text."""
    judge, known = _Judge(Directory.load()), {item.id: item for item in items}
    finals, drafts = [], []
    for w in writings:
        finals.append(judge.of(w.final, known[w.item], typed=w.final != w.draft))
        drafts.append(judge.of(w.draft, known[w.item]) if w.draft is not None else frozenset())
        told()
    return [_counted(name, writings, finals, drafts) for name in (ANY, *HARMS)]


class _Judge:
    """Asks the checks of texts; the same text of the same review once."""

    def __init__(self, directory: Directory) -> None:
        self._directory, self._prompt = directory, load_prompt(PROMPT)
        self._known: dict[tuple[str, str, bool], frozenset[str]] = {}

    def of(self, text: str, item: Item, *, typed: bool = False) -> frozenset[str]:
        """Name the harms of a text; `typed` by an agent, so that names and contacts in it were masked."""
        key = (text, item.id, typed)
        if key not in self._known:
            self._known[key] = self._asked(text, item, typed)
        return self._known[key]

    def _asked(self, text: str, item: Item, typed: bool) -> frozenset[str]:
        given = self._prompt.text(
            {name: getattr(item, name) for name in ("network", "structure", "sentiment", "title", "review")}
        )
        masked = [m.group() for m in _MARK.finditer(text) if m.group() not in given] if typed else []
        findings = check(
            text,
            review=item.review,
            prompt="\n".join((given, *masked)),
            directory=self._directory,
            sentiment=item.sentiment,
        )
        found = {f.check for f in findings if not f.passed and f.check in HARMS}
        return frozenset(found | {"contacts"} if any(map(_OF_CONTACT.fullmatch, masked)) else found)


def _counted(
    name: str, writings: Sequence[Writing], finals: Sequence[Collection[str]], drafts: Sequence[Collection[str]]
) -> Harm:
    def has(found: Collection[str]) -> bool:
        return bool(found) if name == ANY else name in found

    final, draft = (np.array([has(found) for found in texts], dtype=bool) for texts in (finals, drafts))
    shown = np.array([w.draft is not None for w in writings], dtype=bool)
    agents = np.array([w.agent for w in writings])
    masks = {arm: np.array([w.arm == arm for w in writings], dtype=bool) for arm in ARMS}
    return Harm(
        name,
        int(shown.sum()),
        int((shown & draft).sum()),
        int((shown & draft & ~final).sum()),
        int((shown & draft & final).sum()),
        int((shown & ~draft & final).sum()),
        {arm: share(final[mask].astype(float), agents[mask]) for arm, mask in masks.items()},
        _difference(final, agents, masks),
    )


def _difference(final: np.ndarray, agents: np.ndarray, masks: Mapping[str, np.ndarray]) -> Estimate:
    """Subtract the share without a draft from that with one; agents are clusters."""
    if not all(mask.any() for mask in masks.values()) or not final.any():
        return Estimate(0.0 if all(mask.any() for mask in masks.values()) else None, None, None, len(final))
    numbers = np.unique(agents, return_inverse=True)[1]
    sides = [
        (np.bincount(numbers[mask], weights=final[mask]), np.bincount(numbers[mask]).astype(float))
        for mask in masks.values()
    ]
    found = two_arms(*sides)
    lower, upper = found.interval() or (None, None)
    return Estimate(float(found.value), lower, upper, len(final))
