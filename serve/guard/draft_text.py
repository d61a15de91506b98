"""Turns a judged draft into what the agent gets: its pseudonym, what was withheld, contacts, sources in words."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from plume.contacts import Contact, Directory, host, national
from plume.french.mentions.contacts import contacts
from plume.french.rules import reading
from plume.marks import PSEUDONYM
from plume.passages import REPLY, Passage, citations
from serve.guard.schema import DraftFinding, ShownPassage, Source

_SAID = re.compile(r"[^.!?\n\]]*$")  # of a sentence, up to where it cites
_LEAST = 15  # characters that are no chance


class Filled(NamedTuple):
    """Holds a draft for the agent; `withheld` and `cited` index `text`.

    `cited` are the numbers of passages, each with the place where its source is named, None where it is not.
    """

    text: str
    withheld: list[DraftFinding]
    cited: dict[int, tuple[int, int] | None]


def fill(
    draft: str, withheld: list[dict[str, Any]], pseudonym: str | None, passages: Sequence[Passage] | None = None
) -> Filled:
    """Put the pseudonym in place of [USAGER], or nothing, and sources in words in place of citations.

    `withheld` index the draft as it is given. A source is named once, where it is first cited; what cites no passage
    leaves nothing. Without `passages` citations stay as they are.
    """
    places = [(place["start"], place["end"], place) for place in withheld]
    places += [(*hole.span(), None) for hole in re.finditer(re.escape(PSEUDONYM), draft)]
    places += citations(draft) if passages is not None else ()
    words = {number: in_words(passage) for number, passage in enumerate(passages or (), 1)}
    text, found, cited, at = "", [], [], 0
    for start, end, what in sorted(places, key=lambda one: one[:2]):
        text += draft[at:start]
        if isinstance(what, dict):
            new = draft[start:end]
            said = {"detail": f"remplacé par {what['placeholder']}", "rules": [what["rule"]]}
            at_new = {"start": len(text), "end": len(text) + len(new)}
            found.append(DraftFinding(check=what["check"], gating=True, **said, **at_new))
        elif what is None:
            new = pseudonym or ""
        else:
            named = {words[number] for number in cited}
            numbers = [number for number in what if number in words]
            new = " ".join(dict.fromkeys(words[n] for n in numbers if words[n] not in named))
            if text.endswith("(") and draft.startswith(")", end):  # "([1])": the words bring their own
                text, end = text[:-1], end + 1
            new = f" {new}" if new and text and not text[-1].isspace() else new
            cited += numbers
        text, at = (text if new else text.removesuffix(" ")) + new, end
    text += draft[at:]
    return Filled(text, found, {number: _place(text, words[number]) for number in cited})


def _place(text: str, words: str) -> tuple[int, int] | None:
    return (start, start + len(words)) if words and (start := text.find(words)) >= 0 else None


def in_words(passage: Mapping[str, Any]) -> str:
    """Name the source of a passage for a citizen, with its link. A reply to somebody else is no source for them."""
    if passage.get("kind") == REPLY:
        return ""
    title, url = passage["title"], passage.get("url")
    return f"(source : « {title} », {host(url)}, {url})" if url else f"(source : « {title} »)"


def cite_again(final: str, draft: str, passages: Sequence[Mapping[str, Any]]) -> str:
    """Write the citations of a draft again in the text that an agent made of it: what is learnt from it cites alike."""
    for _, _, numbers in citations(draft):
        for number in numbers:
            if number <= len(passages) and (words := in_words(passages[number - 1])):
                final = final.replace(words, f"[{number}]")
    return final


def restore_citations(final: str, draft: str) -> str:
    """Write later citations of a source again, which a citizen's text leaves out, where the draft's words were kept.

    `final` is masked. A source that the agent took out stays out.
    """
    for start, end, numbers in citations(draft):
        said, mark = _SAID.search(draft[:start])[0].strip(), draft[start:end]
        kept = len(said) > _LEAST and all(f"[{number}]" in final for number in numbers)
        if kept and f"{said} {mark}" not in final:
            final = final.replace(said, f"{said} {mark}", 1)
    return final


def list_passage(number: int, passage: Passage, filled: Filled, *, kept: bool) -> ShownPassage:
    """Describe a passage that the model was shown."""
    told = {field: passage.get(field) for field in ("url", "updated_on", "licence", "audience")}
    start, end = filled.cited.get(number) or (None, None)
    return ShownPassage(
        number=number,
        id=passage["id"],
        kind=passage.get("kind") or "document",
        title=passage["title"],
        where=passage.get("where") or [],
        text=passage["text"],
        cited=number in filled.cited,
        kept=kept,
        start=start,
        end=end,
        **told,
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
