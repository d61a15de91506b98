"""What a check sees (`Case`) and what it says (`Finding`)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from plume.french.text import plain, sentences, words

if TYPE_CHECKING:
    from plume.contacts import Directory

Result = tuple[bool, str]  # passed, and in French what was found

NOTHING = "rien à signaler"


@dataclass(frozen=True)
class Finding:
    """What one check found in one draft. `detail` is French, for evaluator and agent; it may quote the draft."""

    check: str
    passed: bool
    gating: bool
    detail: str


@dataclass(frozen=True)
class Case:
    """A draft and all that its writer was given, in one typography (`plume.french.text.plain`)."""

    draft: str
    review: str
    prompt: str
    directory: "Directory"
    sentiment: str | None = None

    @classmethod
    def of(cls, draft: str, review: str, prompt: str, directory: "Directory", sentiment: str | None) -> "Case":
        return cls(plain(draft), plain(review), plain(prompt), directory, sentiment)

    @cached_property
    def given(self) -> str:
        """Review and prompt: a fact that stands in neither was invented, unless the directory holds it."""
        return f"{self.review}\n{self.prompt}"

    @cached_property
    def sentences(self) -> list[str]:
        return sentences(self.draft)

    @cached_property
    def reviewed(self) -> str:
        """The review's words, one blank between: what a draft quotes is looked for in it."""
        return " ".join(words(self.review))

    @cached_property
    def tokens(self) -> list[str]:
        return words(self.draft)


def none_of(faults: Iterable[str], what: str) -> Result:
    """Passed if there is no fault; else `what` and the distinct faults, quoted."""
    quoted = [f"« {fault.strip()} »" for fault in dict.fromkeys(faults)]
    return (False, f"{what} : {', '.join(quoted)}") if quoted else (True, NOTHING)
