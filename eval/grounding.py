"""Measures whether a draft's facts are grounded: amounts, deadlines, dates, phones, links, laws. Information only.

Precision: of the facts that a draft states, the share that the review, the contacts or a passage it cites hold. Recall:
of the facts that the published reply states and a passage of the pair holds, the share that the draft states and cites.
A system that is shown no passage is asked for the same facts. A draft without such facts has no value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plume.checks.case import Case
from plume.checks.cited import Fact, facts
from plume.prompt import Prompt, load_prompt, versions

if TYPE_CHECKING:
    from plume.contacts import Directory


_KINDS = {"amount", "duration", "date", "time", "law", "url", "email", "phone"}  # a bare number may be anything


@dataclass(frozen=True)
class Grounding:
    """What a draft states, and what it could have stated."""

    stated: Sequence[Fact]
    wanted: Sequence[Fact]  # of the published reply

    @property
    def held(self) -> list[Fact]:
        """The facts of the draft that stand where they may come from."""
        return [fact for fact in self.stated if fact.in_given or fact.passages & fact.cited]

    @property
    def told(self) -> list[Fact]:
        """The wanted facts that the draft states with a passage that holds them."""
        said = {(fact.kind, fact.value) for fact in self.stated if fact.passages & fact.cited}
        return [fact for fact in self.wanted if (fact.kind, fact.value) in said]


def ground(
    draft: str,
    pair: Mapping[str, Any],
    prompt: Prompt,
    directory: "Directory",
    shown: Mapping[str, Any] | None = None,
) -> Grounding:
    """Find the facts of a draft and of the published reply; `shown` is the pair as the draft's prompt had room for it.

    All systems are asked for the same facts, whatever room their prompt had: those of the passages of `pair`.
    """
    given = prompt.text(dict(pair if shown is None else shown))
    stated = _facts(Case.of(draft, pair["review"], given, directory, None))
    with_sources = _with_sources().text(dict(pair)) if pair.get("sources") else ""
    wanted = _facts(Case.of(pair["reply"], pair["review"], with_sources, directory, None)) if with_sources else []
    return Grounding(stated, list({(f.kind, f.value): f for f in wanted if f.passages}.values()))


def _facts(case: Case) -> list[Fact]:
    return [fact for fact in facts(case) if fact.kind in _KINDS]


def _with_sources() -> Prompt:
    """The prompt version that shows most passages, and how it writes them."""
    return max(map(load_prompt, versions()), key=lambda prompt: (prompt.sources, prompt.version))
