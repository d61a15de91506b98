"""Reads a structure's own text, Markdown or plain, as a sheet: its front matter, its headings, its blocks.

Text that is nobody's official page may name people. What designates a person is masked before anything is kept:
names (two words, or one after a civility), numbers of social security and bank accounts, mobile numbers, mailboxes that
bear a first name or an initial. Lines, mailboxes and addresses of a service stay: they are what the text is for.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache
from pathlib import PurePath
from typing import Any, NamedTuple

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from plume.contacts import national
from plume.french.text import fold
from plume.french.vocabulary import any_of, column
from plume.french.words import FIRST_NAMES
from plume.marks import mark
from plume.passages import squeezed
from plume.pseudonymise.spans import Span
from plume.sources.cut import Block, Sheet
from plume.sources.sheets import AUDIENCES, Refused

SUFFIXES = (".md", ".markdown", ".txt")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_TAG = re.compile(r"<!--(?:(?!<!--).)*?-->|</?[A-Za-z][^<>]*>", re.DOTALL)  # no comment holds another: linear
_ENDS = tuple(".,;:!?…")
_PERSONAL = ("NIR", "IBAN", "FISCAL", "ALLOCATAIRE")
_DIGITS = 7
_CIVILITY = re.compile(rf"\b{any_of(map(fold, column('civilities', 'form')))}\s+$")
_HEADING_WORDS = 12  # at most, of a line of a plain text that stands alone and ends without a full stop


class Given(NamedTuple):
    """What whoever imports a text says of it, where the text does not: also the names that its front matter knows."""

    title: str | None = None
    url: str | None = None
    updated: str | None = None
    audience: str | None = None
    network: str | None = None
    theme: str | None = None
    licence: str | None = None


def read(data: bytes, name: str, given: Given) -> Sheet | Refused:
    """Read a text; `name` is its path in what is imported. What its front matter says goes before what is given."""
    text = _decoded(data)
    if text is None:
        return Refused("damaged", "is no text")
    front = _FRONT.match(text)
    said, fault = _front_matter(front[1]) if front else (Given(), "")
    if fault:
        return Refused("damaged", fault)
    told = Given(*(own if own is not None else other for own, other in zip(said, given, strict=True)))
    text = text[front.end() :] if front else text
    plain = PurePath(name).suffix.lower() == ".txt"
    heads, blocks = _blocks(_with_headings(text) if plain else text)
    if not blocks:
        return Refused("empty", "no text in it")
    title = told.title or (heads[0] if heads else "") or PurePath(name).stem.replace("_", " ").replace("-", " ")
    return Sheet(
        name,
        "document",
        title,
        tuple(Block(where[1:] if where[:1] == (title,) else where, text) for where, text in blocks),
        told.url,
        told.audience,
        told.network,
        told.theme,
        told.updated,
        told.licence,
    )


def _decoded(data: bytes) -> str | None:
    if b"\0" in data:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _front_matter(text: str) -> tuple[Given, str]:
    """Read the front matter; or say what is wrong with it."""
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return Given(), "its front matter is no YAML"
    if not isinstance(found, dict):
        return Given(), "its front matter is no list of keys"
    given = Given(**{key: squeezed(str(found[key])) for key in Given._fields if found.get(key) not in (None, "")})
    return given, next(faults(given), "")


def faults(given: Given) -> Iterator[str]:
    """Say what cannot be: a date, an audience, an address."""
    if given.updated and not _is_date(given.updated):
        yield f"updated: {given.updated[:30]!r} is no date; write it as 2026-11-30"
    if given.audience and given.audience not in AUDIENCES:
        yield f"audience: {given.audience[:30]!r} is none of {', '.join(AUDIENCES)}"
    if given.url and not re.fullmatch(r"https?://[^\s<>\"]+", given.url):
        yield f"url: {given.url[:60]!r} is no address that begins with https://"


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text) and date.fromisoformat(text))
    except ValueError:
        return False


def _with_headings(text: str) -> str:
    """Mark a short line of a plain text that stands alone, and ends like no sentence, as a heading."""
    paragraphs = re.split(r"\n\s*\n", text.strip("\n"))
    return "\n\n".join(
        f"# {line}" if "\n" not in line and _is_heading(line) and n + 1 < len(paragraphs) else _flush_left(line)
        for n, line in enumerate(map(str.strip, paragraphs))
    )


def _is_heading(line: str) -> bool:
    return 0 < len(line.split()) <= _HEADING_WORDS and line[0].isupper() and not line.endswith((".", ",", ";", ":"))


def _flush_left(paragraph: str) -> str:
    """Take away what Markdown would read into blanks and signs at the beginning of a line."""
    return "\n".join(re.sub(r"^[#>=]+", "", line.strip()) for line in paragraph.split("\n"))


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _blocks(text: str) -> tuple[list[str], list[Block]]:
    """Read Markdown into the headings of the first level, and blocks under their headings."""
    first: list[str] = []
    where: dict[int, str] = {}
    blocks: list[Block] = []
    head: list[str] = []  # of the columns of a table
    row: list[str] = []
    level, kind, items = 0, "", 0
    for token in _markdown().parse(text):
        if token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type == "heading_close":
            level = 0
        elif token.type in ("bullet_list_open", "ordered_list_open", "bullet_list_close", "ordered_list_close"):
            items += token.nesting
        elif token.type in ("th_open", "td_open"):
            kind = token.type
        elif token.type == "thead_open":
            head = []
        elif token.type == "tr_close":
            said = [f"{h} : {c}" if h else c for h, c in zip(head, row, strict=False) if c]
            if said:
                blocks.append(Block(tuple(where.values()), " ; ".join(said) + "."))
            row = []
        elif token.type == "inline" and (said := _inline(token)):
            if level:
                where = {at: title for at, title in where.items() if at < level} | {level: said}
                first += [said] if level == 1 else []
            elif kind:
                (head if kind == "th_open" else row).append(said)
            else:
                end = " ;" if items and not said.endswith(_ENDS) else ""
                blocks.append(Block(tuple(where.values()), said + end))
        elif token.type in ("fence", "code_block", "html_block") and (said := squeezed(_TAG.sub(" ", token.content))):
            blocks.append(Block(tuple(where.values()), said))
        if token.type in ("th_close", "td_close"):
            kind = ""
    return first, blocks


def _inline(token: Token) -> str:
    """Write the text of a line without marks; the address of a link follows its words."""
    parts: list[str] = []
    urls: list[str] = []
    for child in token.children or ():
        if child.type == "link_open":
            urls.append(str(child.attrGet("href") or ""))
        elif child.type == "link_close":
            url = urls.pop() if urls else ""
            if url.startswith("http") and url not in "".join(parts):
                parts.append(f" ({url})")
        elif child.type in ("softbreak", "hardbreak") or child.content.lower().startswith("<br"):
            parts.append(" ")
        elif child.type != "html_inline":
            parts.append(child.content)
    return squeezed("".join(parts))


def without_people(sheet: Sheet, find: Callable[[Sequence[str]], list[list[Span]]]) -> tuple[Sheet, Counter[str]]:
    """Mask what designates a person in a text; count what was masked, by type. `find` is the pseudonymiser's."""
    heads = list(dict.fromkeys(head for block in sheet.blocks for head in block.where))
    texts = [sheet.title, *heads, *(block.text for block in sheet.blocks)]
    masked: Counter[str] = Counter()
    done = [_masked(text, spans, masked) for text, spans in zip(texts, find(texts), strict=True)]
    renamed = dict(zip(heads, done[1:], strict=False))
    blocks = tuple(
        Block(tuple(renamed[head] for head in block.where), text)
        for block, text in zip(sheet.blocks, done[1 + len(heads) :], strict=True)
    )
    return sheet._replace(title=done[0], blocks=blocks), masked


def _masked(text: str, spans: list[Span], masked: Counter[str]) -> str:
    for span in sorted(spans, key=lambda span: -span.start):
        if _is_personal(span.type, text[span.start : span.end], text[: span.start]):
            masked[span.type] += 1
            text = f"{text[: span.start]}{mark(span.type)}{text[span.end :]}"
    return text


def _is_personal(kind: str, value: str, before: str) -> bool:
    if kind == "PERSONNE":  # one word alone is most often the name of a service or a tool: Perceval, NATALI, CIVI
        return len(value.split()) > 1 or _CIVILITY.search(fold(before)) is not None
    if kind == "TEL":
        return national(value)[:2] in ("06", "07")
    if kind == "EMAIL":
        parts = re.findall(r"[a-z]+", fold(value.partition("@")[0]))
        return not FIRST_NAMES.isdisjoint(parts) or (len(parts) == 2 and 1 in map(len, parts))  # s.garnier
    return kind in _PERSONAL and sum(map(str.isdigit, value)) >= _DIGITS  # less is the number of a form


def suffix_fault(path: Any) -> str:
    """Say how to mend a file of a kind that is not read; "" for one that is."""
    suffix = PurePath(path).suffix.lower()
    if suffix in (*SUFFIXES, ".xml", ".zip"):
        return ""
    if suffix in (".html", ".htm", ".xhtml"):
        return "a web page is not read: its menus would become sources; save its text as Markdown or .txt"
    return f"files {suffix or 'without an ending'} are not read; give .xml, .zip, .md or .txt"
