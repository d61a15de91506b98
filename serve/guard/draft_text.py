"""Turns a judged draft into what the agent gets: its pseudonym, what was withheld, contacts, sources in words."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from plume.contacts import Contact, Directory, host, national
from plume.french.mentions.contacts import contacts
from plume.french.rules import reading
from plume.marks import PSEUDONYM
from plume.passages import CITED, Passage
from serve.guard.schema import DraftFinding, ShownPassage, Source


class Filled(NamedTuple):
    """Holds a draft for the agent; `withheld` and `cited`, the number of a passage and its place, index `text`."""

    text: str
    withheld: list[DraftFinding]
    cited: dict[int, tuple[int, int]]


def fill(
    draft: str, withheld: list[dict[str, Any]], pseudonym: str | None, passages: Sequence[Passage] | None = None
) -> Filled:
    """Put the pseudonym in place of [USAGER], or nothing, and sources in words in place of citations.

    `withheld` index the draft as it is given. A source is named where it is first cited; what cites no passage, or one
    again, leaves nothing. Without `passages` citations stay as they are.
    """
    places = [(place["start"], place["end"], place) for place in withheld]
    places += [(*hole.span(), pseudonym or "") for hole in re.finditer(re.escape(PSEUDONYM), draft)]
    places += [(*one.span(), one) for one in CITED.finditer(draft)] if passages is not None else []
    text, found, cited, at = "", [], {}, 0
    for start, end, what in sorted(places, key=lambda one: one[:2]):
        text += draft[at:start]
        if isinstance(what, dict):
            new = draft[start:end]
            said = {"detail": f"remplacé par {what['placeholder']}", "rules": [what["rule"]]}
            at_new = {"start": len(text), "end": len(text) + len(new)}
            found.append(DraftFinding(check=what["check"], gating=True, **said, **at_new))
        elif isinstance(what, str):
            new = what
        else:
            number = int(what[1])
            first = number not in cited and 1 <= number <= len(passages)
            new = in_words(passages[number - 1]) if first else ""
            text += " " if new and not text[-1:].isspace() else ""
            if first:
                cited[number] = (len(text), len(text) + len(new))
        text, at = (text if new else text.removesuffix(" ")) + new, end
    return Filled(text + draft[at:], found, cited)


def in_words(passage: Passage) -> str:
    """Name the source of a passage for a citizen, with its link. A reply to somebody else is no source for them."""
    if passage.get("kind") == "reply":
        return ""
    title, url = passage["title"], passage.get("url")
    return f"(source : « {title} », {host(url)}, {url})" if url else f"(source : « {title} »)"


def cite_again(final: str, passages: Iterable[Passage]) -> str:
    """Write citations as the model does in a text that an agent made of a draft: what is learnt from it cites alike."""
    for number, passage in enumerate(passages, 1):
        if words := in_words(passage):
            final = final.replace(words, f"[{number}]")
    return final


def list_passage(number: int, passage: Passage, cited: tuple[int, int] | None, *, kept: bool) -> ShownPassage:
    """Describe a passage that the model was shown; `cited` is where the draft names its source."""
    told = {field: passage.get(field) for field in ("url", "updated_on", "licence", "audience")}
    place = dict(zip(("start", "end"), cited, strict=True)) if cited and cited[0] < cited[1] else {}
    return ShownPassage(
        number=number,
        id=passage["id"],
        kind=passage.get("kind") or "document",
        title=passage["title"],
        where=passage.get("where") or [],
        text=passage["text"],
        cited=cited is not None,
        kept=kept,
        **told,
        **place,
    )


def list_failed(findings: Iterable[dict[str, Any]], withheld: Collection[str]) -> list[DraftFinding]:
    """List what failed and was not withheld; details of what was withheld would say it again."""
    return [
        DraftFinding.model_validate(finding)
        for finding in findings
        if not finding["passed"] and finding["check"] not in withheld
    ]


def sources(draft: str, directory: Directory) -> list[Source]:
    """List the verified contacts that a draft names."""
    named = {one.value for one in contacts(reading(draft))}
    return [
        Source(kind=c.kind, value=c.value, label=c.label, source=c.source, checked_on=c.checked_on)
        for c in directory.contacts
        if any(_is(c, text) for text in named)
    ]


def _is(contact: Contact, text: str) -> bool:
    """Tell whether a contact detail of a draft is this listed contact; a host below a listed one counts as it."""
    match contact.kind:
        case "phone":
            return national(contact.value) == national(text)
        case "email":
            return contact.value.strip().lower() == text
        case _:
            return f".{host(text)}".endswith(f".{host(contact.value)}")
