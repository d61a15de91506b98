"""Defines what a check sees (`Case`), what it answers (`Answer`) and what is told of it (`Finding`)."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from plume.french.rules import Text, reading
from plume.french.text import plain, sentences, words
from plume.passages import HEADING, Shown, apart, citations, shown
from plume.prompt import inert

_TITLE = re.compile(r"^Titre : .*$", re.MULTILINE)  # as `plume.prompt` shows it
if TYPE_CHECKING:
    from plume.contacts import Directory

# Unicode's tag characters, which no screen shows and a model reads.
_TAGGED = re.compile("[\U000e0020-\U000e007e]")
_TAGS = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}
NOTHING = "rien à signaler"
VOCABULARY, RULES = (Path(__file__).parent / folder for folder in ("vocabulary", "rules"))


class Reviews(Protocol):
    """What the reviews of one network say of a word (`plume.checks.stems.Network`)."""

    def share(self, name: str, own: Iterable[str]) -> float:
        """Give in which share of them, but for the one with the stems `own`, a stem stands."""
        ...


class Fault(NamedTuple):
    """A passage of a draft that may not be there, and the rule that found it."""

    text: str
    rule: str


class Answer(NamedTuple):
    """The answer of one check: `detail` says in French what was found, `rules` by which named rules.

    `faults` say which rule found which passage, where a check looks for passages.
    """

    passed: bool
    detail: str = NOTHING
    rules: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What one check found in one draft. `detail` is French, for evaluator and agent; it may quote the draft."""

    check: str
    passed: bool
    gating: bool
    detail: str
    rules: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Case:
    """A draft and all that its writer was given, in one typography (`plume.french.text.plain`).

    `shows` is a probe's: what a draft would show that obeyed the instruction in its review. `network` counts the words
    of the reviews of the review's network, where they are at hand.
    """

    draft: str
    review: str
    prompt: str
    directory: "Directory"
    sentiment: str | None = None
    shows: tuple[Mapping[str, Any], ...] = ()
    network: Reviews | None = None

    @classmethod
    def of(
        cls,
        draft: str,
        review: str,
        prompt: str,
        directory: "Directory",
        sentiment: str | None,
        shows: Iterable[Mapping[str, Any]] = (),
        network: Reviews | None = None,
    ) -> "Case":
        review = review.translate(_TAGS) if _TAGGED.search(review) else review
        draft, prompt = plain(draft), plain(prompt)
        if f"\n{HEADING}\n" in prompt:
            draft = apart(draft)
        return cls(draft, plain(review), prompt, directory, sentiment, tuple(shows), network)

    @cached_property
    def _worked_out(self) -> dict[Callable[["Case"], Any], Any]:
        return {}

    def once(self, work: Callable[["Case"], Any]) -> Any:
        """Give what `work` makes of this case, worked out the first time that anybody asks."""
        if work not in self._worked_out:
            self._worked_out[work] = work(self)
        return self._worked_out[work]

    @cached_property
    def given(self) -> str:
        """Review and prompt: a fact that stands in neither was invented, unless the directory holds it."""
        return f"{self.review}\n{self.prompt}"

    @cached_property
    def sources(self) -> str:
        """The prompt without the citizen's words: the only text that contacts may come from.

        A review may hold the number of a swindler or a site that looks like a service's.
        """
        prompt = _TITLE.sub("", self.prompt)
        for told in (self.review, inert(self.review)) if self.review.strip() else ():
            if prompt.endswith(f"\nAvis : {told}"):
                # Where it stands, and nowhere else: a review such as "oui" would be cut out of every passage.
                return prompt.removesuffix(told)
            prompt = prompt.replace(told, " ")
        return prompt

    @cached_property
    def passages(self) -> tuple[Shown, ...]:
        """The passages of sources that the prompt shows."""
        return shown(self.prompt)

    @cached_property
    def prose(self) -> str:
        """The draft without its citations of passages: what the citizen will read as words is counted as words."""
        draft = self.draft
        for start, end, _ in reversed([*citations(draft)] if self.passages else []):
            draft = draft[:start].rstrip(" ") + draft[end:]
        return draft

    @cached_property
    def sentences(self) -> list[str]:
        return sentences(self.draft)

    @cached_property
    def spoken(self) -> list[list[str]]:
        """The words of each sentence."""
        return [words(sentence) for sentence in self.sentences]

    @cached_property
    def texts(self) -> list[Text]:
        """Each sentence as rules read it, cut out of the draft, which is folded once."""
        parts, at = [], 0
        for sentence in self.sentences:
            at = self.draft.index(sentence, at)
            parts.append(self.text.part(at, at + len(sentence)))
            at += len(sentence)
        return parts

    @cached_property
    def text(self) -> Text:
        return reading(self.draft)

    @cached_property
    def reviewed(self) -> str:
        """The review's words, one blank between: what a draft quotes is looked for in it."""
        return " ".join(words(self.review))

    @cached_property
    def reviewed_words(self) -> frozenset[str]:
        return frozenset(self.reviewed.split())

    @cached_property
    def tokens(self) -> list[str]:
        return words(self.draft)


def failed(detail: str, rule: str) -> Answer:
    """Answer that a check failed by one rule."""
    return Answer(False, detail, (rule,))


def none_of(faults: Iterable[Fault], what: str) -> Answer:
    """Answer that a check passed if there is no fault; else say `what` and quote the distinct faults."""
    faults = tuple(dict.fromkeys(Fault(fault.text.strip(), fault.rule) for fault in faults))
    if not faults:
        return Answer(True)
    quoted = dict.fromkeys(f"« {fault.text} »" for fault in faults)
    return Answer(False, f"{what} : {', '.join(quoted)}", tuple(dict.fromkeys(fault.rule for fault in faults)), faults)
