"""Reads a practical sheet of service-public.fr (XML of its open data): what it is of, and its blocks in reading order.

What each element is stands in `elements.tsv`. An element that is not there is counted, and its text kept. Nothing is
fetched, no entity is expanded.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from plume.french.text import fold
from plume.french.vocabulary import rows
from plume.passages import squeezed
from plume.sources.cut import Block, Sheet

LICENCE = "Licence Ouverte 2.0"
AUDIENCES = {
    "particuliers": "https://www.service-public.fr/particuliers/vosdroits/",
    "professionnels": "https://entreprendre.service-public.fr/vosdroits/",
    "associations": "https://www.service-public.fr/associations/vosdroits/",
}
_ELEMENTS = {row["element"]: row for row in rows("elements", Path(__file__).parent)}
_NETWORKS = {row["code"]: row["network"] for row in rows("directory_networks")}
_DC = "{http://purl.org/dc/elements/1.1/}"
_ASIDE = ("menu", "title", "alternative", "condition")
_INLINE = ("inline", "title", "unknown")  # what breaks no paragraph
_SITE = re.compile(r"https://(?:[\w-]+\.)*service-public\.(?:gouv\.)?fr/\S+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ENDED = re.compile(r"\b(?:valid until|expires?|available until)\b.*?(\d{4}-\d\d-\d\d)")  # inferred: in no file seen
_WITHDRAWN = ("supprime", "archive", "expire", "perime", "depublie")  # inferred, of the attribute `statut`
_ENDS = tuple(".,;:!?…")


class Refused(NamedTuple):
    """Says why a file gives no passages: a reason that is counted, and what of this file."""

    reason: str
    detail: str


def read(data: bytes, name: str, today: date, unknown: Counter[str]) -> Sheet | Refused:
    """Read the file of a sheet; `name` is the file's, without its ending. Elements not known are added to `unknown`."""
    try:
        root = _parsed(data)
    except etree.XMLSyntaxError as error:
        return Refused("damaged", f"not well-formed XML ({str(error.msg)[:120]})")
    if root.getroottree().docinfo.doctype:
        return Refused("damaged", "declares a document type, in which entities could hide; a sheet has none")
    for node in root.iter("{*}*"):
        if not node.tag.startswith(_DC):  # a namespace that a later schema may declare
            node.tag = etree.QName(node).localname
    kind = root.get("type", "")
    if refused := _other_than_a_sheet(root, kind):
        return refused
    sheet_id = root.get("ID") or _dc(root, "identifier") or name
    title = _dc(root, "title") or _title(root)
    if not re.fullmatch(r"\w[\w.-]{0,60}", sheet_id) or not title:
        return Refused("damaged", "has no title" if not title else "its ID is none")
    if ended := _expired(root, today):
        return Refused("expired", ended)
    blocks = tuple(_Reader(root).blocks())
    if not blocks and (said := _dc(root, "description")):
        blocks = (Block((), said),)
    if not blocks:
        return Refused("empty", f"{kind or 'no type'}: no text in it")
    unknown.update(_unknown(root))
    audience = _audience(root)
    return Sheet(
        sheet_id,
        "sheet",
        title,
        blocks,
        url=_url(root, sheet_id, audience),
        audience=audience,
        network=_network(root),
        theme=squeezed(_text(root.find("Theme/Titre"))) or _dc(root, "subject") or None,
        updated_on=_updated(root, today),
        licence=LICENCE,
    )


def _parsed(data: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    return etree.fromstring(data.lstrip(), parser)


def _other_than_a_sheet(root: etree._Element, kind: str) -> Refused | None:
    """Tell the files of the archive that are no sheets: nodes, resources, indexes, questionnaires."""
    said = f"{root.tag} {root.get('ID', '')} {kind}".strip()[:120]
    if root.tag == "ServiceComplementaire" or (root.get("ID") or "").startswith("R"):
        return Refused("resource", said)
    if root.tag != "Publication":
        return Refused("index", said)
    if (root.get("ID") or "").startswith("N") or fold(kind) in ("dossier", "theme", "sous-theme", "noeud"):
        return Refused("node", said)
    return Refused("questionnaire", said) if fold(kind).startswith("recherche guidee") else None


def _expired(root: etree._Element, today: date) -> str:
    """Say by what a sheet is no longer valid; "" if nothing says so."""
    if (status := fold(root.get("statut", ""))).startswith(_WITHDRAWN):
        return f"its statut is {status[:40]}"
    said = [*root.itertext(f"{_DC}date"), *(f"expires {v}" for k, v in root.items() if k.lower().startswith("datefin"))]
    for match in filter(None, map(_ENDED.search, said)):
        with suppress(ValueError):
            if date.fromisoformat(match[1]) < today:
                return f"valid until {match[1]}"
    return ""


def _dc(root: etree._Element, name: str) -> str:
    return squeezed(_text(root.find(_DC + name)))


def _updated(root: etree._Element, today: date) -> str | None:
    """Read the date of the last change, if it can be one."""
    for said in (_dc(root, "date"), root.get("dateDerniereModificationImportante", "")):
        for found in _DATE.findall(said):
            with suppress(ValueError):
                if 1995 <= date.fromisoformat(found).year <= today.year + 1:
                    return found
    return None


def _audience(root: etree._Element) -> str | None:
    """Read for whom a sheet is: of several, the one under whose home page its archive shows it."""
    said = [root.find("FilDAriane/Niveau").get("ID", "")] if root.find("FilDAriane/Niveau") is not None else []
    said += [_text(each) for each in root.findall("Audience")]
    return next((each for each in map(fold, map(squeezed, said)) if each in AUDIENCES), None)


def _url(root: etree._Element, sheet_id: str, audience: str | None) -> str | None:
    """Take the address that the sheet itself gives, else that of its id."""
    if _SITE.fullmatch(own := root.get("spUrl", "").strip()):
        return own
    return AUDIENCES[audience or "particuliers"] + sheet_id


def _network(root: etree._Element) -> str | None:
    """Take the network of the services that a sheet sends to, if it is one alone."""
    codes = {squeezed(each.text or "") for each in root.iter("PivotLocal")}
    found = {_NETWORKS[code] for code in codes if code in _NETWORKS}
    return found.pop() if len(found) == 1 else None


def _text(node: etree._Element | None) -> str:
    """Write all text of an element in its order; an address that a link leads to follows its words."""
    if node is None:
        return ""
    parts = [node.text or ""]
    for child in node:
        apart = "" if _role(child) in _INLINE else " ; " if child.tag == "Item" and child.getnext() is not None else " "
        parts += [apart[:1], _text(child), apart, child.tail or ""]
    if node.tag == "LienExterne" and (url := node.get("URL", "")).startswith("http"):
        parts.append(f" ({url})")
    return "".join(parts)


def _title(node: etree._Element) -> str:
    return squeezed(" ".join(_text(each) for each in node if each.tag in ("Titre", "TitreRiche")))


def _role(node: etree._Element) -> str:
    if str(node.tag).startswith(_DC):
        return "menu"
    return _ELEMENTS[node.tag]["role"] if node.tag in _ELEMENTS else "unknown"


def _label(node: etree._Element) -> str:
    return _ELEMENTS[node.tag]["label"]


def _unknown(root: etree._Element) -> Iterator[str]:
    """Name each element that is not known, where its text counts."""
    for node in root.iter():
        if _role(node) == "unknown" and not any(_role(above) in _ASIDE for above in node.iterancestors()):
            yield str(node.tag)


class _Reader:
    """Walks through a sheet once, in reading order."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._apart: set[etree._Element] = set()  # elements that hold blocks of their own
        for node in root.iter():
            if _role(node) not in _INLINE:
                self._apart.update(self._above(node))
        self._answers = {
            each.get("var", ""): squeezed(_text(choice.find("IntituleSiSelectionne"))) or _title(choice)
            for choice in root.iter("Choix")
            for each in choice.iter("affecteVrai")
        }

    def _above(self, node: etree._Element) -> Iterator[etree._Element]:
        for above in node.iterancestors():
            if above in self._apart:
                return
            yield above

    def blocks(self) -> Iterator[Block]:
        yield from self._flush([self._root.text or "", *(f" {child.tail or ''}" for child in self._root)], ())
        for child in self._root:
            if _role(child) == "link":
                yield from self._link(child, (_label(child),) if _label(child) else ())
            else:
                yield from self._walk(child, ())

    def _walk(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        role = _role(node)
        if role in _ASIDE:
            return
        if role == "list":
            yield from self._list(node, where)
        elif role == "table":
            yield from self._table(node, where)
        elif role == "note":
            yield from self._note(node, where)
        elif role == "link":
            yield from self._link(node, where)
        elif role == "inline" and node not in self._apart:
            yield from self._flush([_text(node)], where)
        else:
            yield from self._contents(node, self._below(node, where))

    def _below(self, node: etree._Element, where: tuple[str, ...]) -> tuple[str, ...]:
        """Add to the headings the title of an element, and for whom it is where its title does not say it."""
        alternative = squeezed(_text(node.find("TitreAlternatif")))
        condition = "" if alternative or node.tag == "Cas" else self._condition(node.find("Condition"))
        return (*where, *filter(None, [" – ".join(filter(None, [_title(node), alternative])), condition]))

    def _condition(self, node: etree._Element | None) -> str:
        """Say a condition in the words of the questionnaire that it rests on."""
        if node is None:
            return ""
        if node.tag == "estVrai":
            return self._answers.get(node.get("var", ""), "")
        if node.tag == "estFaux":
            said = self._answers.get(node.get("var", ""), "")
            return f"sauf : {said}" if said else ""
        return (" ou " if node.tag == "ou" else " et ").join(filter(None, map(self._condition, node)))

    def _contents(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        """Give an element's own text as one block, broken only by what holds blocks of its own."""
        outer, run = where, [node.text or ""]
        mixed = _role(node) in ("block", "inline") or any((text or "").strip() for text in _own_text(node))
        for child in node:
            role = _role(child)
            if mixed and role in ("inline", "unknown") and child not in self._apart:
                run.append(_text(child))
            else:
                yield from self._flush(run, where)
                if role == "floating":
                    where = (*outer, squeezed(_text(child)))
                else:
                    yield from self._walk(child, where)
            run.append(child.tail or "")
        yield from self._flush(run, where)

    def _flush(self, run: list[str], where: tuple[str, ...]) -> Iterator[Block]:
        text = squeezed("".join(run))
        run.clear()
        if text:
            yield Block(where, text)

    def _list(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        """Give each item as a block; a semicolon parts it from the next, if nothing else does."""
        blocks = list(self._contents(node, self._below(node, where)))
        for n, block in enumerate(blocks, 1):
            end = "" if block.text.endswith(_ENDS) else " ;" if n < len(blocks) else "."
            yield Block(block.where, block.text + end)

    def _note(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        head = (_title(node) or _label(node)).rstrip(" :")
        for n, block in enumerate(self._contents(node, where)):
            yield block if n else Block(block.where, f"{head} : {block.text}")

    def _link(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        """Give what a sheet refers to as one block: what it is, its name, what is said of it, its addresses."""
        label = "" if _label(node) in where else _label(node)
        head = node.get("type") or label if node.tag == "ServiceEnLigne" and label else label
        said = " ".join(block.text for block in self._contents(node, ()))
        text = " : ".join(filter(None, [head.rstrip(" ?"), _title(node), said]))
        url = node.get("URL", "")
        if url.startswith("http") and url not in text:
            text = f"{text} ({url})." if text else url
        yield from self._flush([text], where)

    def _table(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        """Give each row as a block, each cell after the heading of its column."""
        where = self._below(node, where)
        heads: list[str] = []
        down: dict[int, tuple[int, str]] = {}
        for row in node:
            if _role(row) != "row":
                yield from self._walk(row, where)
                continue
            cells = list(_cells(row, down))
            if row.get("type") == "header":
                heads = [squeezed(f"{above} {cell}") for above, cell in zip_longest(heads, cells, fillvalue="")]
                continue
            pairs = zip_longest(heads, cells, fillvalue="")
            said = dict.fromkeys(f"{head} : {cell}" if head else cell for head, cell in pairs if cell)
            if text := " ; ".join(said):
                yield Block(where, text if text.endswith(_ENDS) else f"{text}.")


def _own_text(node: etree._Element) -> Iterator[str | None]:
    yield node.text
    for child in node:
        yield child.tail


def _cells(row: etree._Element, down: dict[int, tuple[int, str]]) -> Iterator[str]:
    """Give the text of each column of a row; a cell that covers several columns or rows counts in each.

    `down` holds, by column, in how many rows a cell from above still counts, and its text.
    """
    column = 0

    def from_above() -> Iterator[str]:
        nonlocal column
        while column in down:
            left, text = down.pop(column)
            if left > 1:
                down[column] = (left - 1, text)
            yield text
            column += 1

    for cell in row.findall("Cellule"):
        yield from from_above()
        text = squeezed(_text(cell))
        for _ in range(_span(cell, "fusionHorizontale")):
            if (rows_covered := _span(cell, "fusionVerticale")) > 1:
                down[column] = (rows_covered - 1, text)
            yield text
            column += 1
    yield from from_above()


def _span(cell: etree._Element, name: str) -> int:
    said = cell.get(name, "1")
    return min(max(int(said), 1), 50) if said.isascii() and said.isdecimal() and len(said) < 4 else 1
