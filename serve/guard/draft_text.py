"""Turns a judged draft into what the agent gets: its pseudonym, what was withheld, and contacts with their sources."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from plume.contacts import Contact, Directory, host, national
from plume.french.mentions.contacts import contacts
from plume.french.rules import reading
from plume.marks import PSEUDONYM
from serve.guard.schema import DraftFinding, Source


def fill(draft: str, withheld: list[dict[str, Any]], pseudonym: str | None) -> tuple[str, list[DraftFinding]]:
    """Put the pseudonym in place of [USAGER], or nothing; return the draft, and where something was withheld.

    `withheld` index the draft as it is given; what is returned indexes the text that is returned.
    """
    places = [(place["start"], place["end"], place) for place in withheld]
    places += [(*hole.span(), None) for hole in re.finditer(re.escape(PSEUDONYM), draft)]
    text, found, at = "", [], 0
    for start, end, place in sorted(places, key=lambda one: one[:2]):
        before, new = draft[at:start], draft[start:end] if place else pseudonym or ""
        text += before if place or pseudonym else before.removesuffix(" ")
        if place:
            said = {"detail": f"remplacé par {place['placeholder']}", "rules": [place["rule"]]}
            at_new = {"start": len(text), "end": len(text) + len(new)}
            found.append(DraftFinding(check=place["check"], gating=True, **said, **at_new))
        text, at = text + new, end
    return text + draft[at:], found


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
