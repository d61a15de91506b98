"""Writes passages of official sources into a prompt, and reads them out of it again: `[1]` is the first passage shown.

A pair carries its passages under the key `sources`; a prompt version that shows none ignores them. Checks see a
draft's prompt as one text, so what was shown is read out of that text, and nothing else tells it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypedDict

HEADING = "Sources officielles :"
NONE = "aucune"
REPLY = "reply"  # kind of a passage that is a published reply; its sheet is the id of the pair: `<experience>-<n>`
# Several at once: "[1, 2]", "[1 et 2]", "[1-2]".
_CITATION = re.compile(r"\[ ?\d ?(?:(?:,|;|/|et|à|-|–) ?\d ?){0,8}\]")
_GLUED = re.compile(r"(?<=[./])([\w/-]{2,100})(\[\d)")
_LINE = re.compile(r"^\[(\d)\] (.*?)(?: \(mis à jour le (\d{4}-\d\d-\d\d)\))? : (.*?)(?: Lien : (\S+))?$")


class Passage(TypedDict, total=False):
    """A passage of a source, as `passages.jsonl` of a sources folder and the key `sources` of a pair hold it.

    Attributes:
        id: `<sheet>#<n>`; the same passage keeps it from one import to the next.
        sheet: id of the sheet, file or pair it is of.
        kind: "sheet" (service-public.fr), "document" (a structure's own text) or "reply" (a published one).
        title: of the sheet.
        where: headings and cases that lead to it, from the outside in: ["Comment faire ?", "Vous êtes locataire"].
        text: verbatim, in one line.
        url: of the sheet, or None.
        audience: "particuliers", "professionnels", "associations" or None.
        network: the network it is of, or None.
        theme: of the sheet, or None.
        updated_on: ISO date, or None.
        licence: its name, or None.
        sha256: of all that is shown: title, where, text, url, updated_on.
    """

    id: str
    sheet: str
    kind: str
    title: str
    where: list[str]
    text: str
    url: str | None
    audience: str | None
    network: str | None
    theme: str | None
    updated_on: str | None
    licence: str | None
    sha256: str


class Shown(NamedTuple):
    """A passage as a prompt shows it."""

    number: int
    title: str
    text: str
    updated_on: str | None
    url: str | None


def render(passages: Iterable[Mapping[str, Any]]) -> str:
    """Write the lines of a prompt that show passages, numbered from 1; one line that says so where there is none."""
    lines = [_line(number, passage) for number, passage in enumerate(passages, 1)]
    return "\n".join([HEADING, *lines]) if lines else f"{HEADING} {NONE}"


def _line(number: int, passage: Mapping[str, Any]) -> str:
    title = squeezed(" – ".join([passage["title"], *(passage.get("where") or [])])).replace(" : ", " - ").rstrip(" :")
    dated = f" (mis à jour le {passage['updated_on']})" if passage.get("updated_on") else ""
    link = f" Lien : {passage['url']}" if passage.get("url") else ""
    return squeezed(f"[{number}] {title}{dated} : {passage['text']}{link}")


def citations(draft: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield the place of each citation of a draft, and the numbers that it cites."""
    for match in _CITATION.finditer(draft):
        yield match.start(), match.end(), tuple(int(digit) for digit in match[0] if digit.isdigit())


def apart(draft: str) -> str:
    """Write a blank between a web address and the citation that is glued to it."""
    return _GLUED.sub(r"\1 \2", draft)


def squeezed(text: str) -> str:
    """Write a text in one line, one blank between words."""
    return " ".join(text.split())


def shown(prompt: str) -> tuple[Shown, ...]:
    """Read the passages that a prompt shows. The review comes after them: nothing that it says is taken for one."""
    found: list[Shown] = []
    lines = iter(prompt.partition("\nAvis : ")[0].split("\n"))
    for line in lines:
        if line == HEADING:
            break
    for line in lines:
        match = _LINE.match(line)
        if not match or int(match[1]) != len(found) + 1:
            break
        found.append(Shown(int(match[1]), match[2], match[4], match[3], match[5]))
    return tuple(found)
