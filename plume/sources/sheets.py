"""Reads a practical sheet of service-public.fr (XML of its open data): what it is of, and its blocks in reading order.

What each element is stands in `elements.tsv`. An element that is not there is counted, and its text kept. Nothing is
fetched, no entity is expanded.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from itertools import takewhile
from typing import NamedTuple

from lxml import etree

from plume.french.text import fold
from plume.french.vocabulary import rows
from plume.passages import squeezed
from plume.sources import table
from plume.sources.cut import WORDS, Block, Sheet
from plume.sources.elements import ASIDE, DC, INLINE, address_of, answer_of, label_of, role_of, text_of, title_of

LICENCE = "Licence Ouverte 2.0"
AUDIENCES = {
    "particuliers": "https://www.service-public.fr/particuliers/vosdroits/",
    "professionnels": "https://entreprendre.service-public.fr/vosdroits/",
    "associations": "https://www.service-public.fr/associations/vosdroits/",
}
_NETWORKS = {row["code"]: row["network"] for row in rows("directory_networks")}
_SITE = re.compile(r"https://(?:[\w-]+\.)*service-public\.(?:gouv\.)?fr/\S+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ENDED = re.compile(r"\b(?:valid until|expires?|available until)\b.*?(\d{4}-\d\d-\d\d)")  # inferred: in no file seen
_WITHDRAWN = ("supprime", "archive", "expire", "perime", "depublie")  # inferred, of the attribute `statut`
_ENDS = tuple(".,;:!?…")
_UNSAID = "selon votre situation"  # a condition that the sheet has no words for


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
        if not node.tag.startswith(DC):  # a namespace that a later schema may declare
            node.tag = etree.QName(node).localname
    kind = root.get("type", "")
    if refused := _other_than_a_sheet(root, kind):
        return refused
    sheet_id = root.get("ID") or _dc(root, "identifier") or name
    title = _dc(root, "title") or title_of(root)
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
        theme=squeezed(text_of(root.find("Theme/Titre"))) or _dc(root, "subject") or None,
        updated_on=_updated(root, today),
        licence=LICENCE,
    )


def _parsed(data: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    return etree.fromstring(data.removeprefix(codecs.BOM_UTF8).lstrip(), parser)


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
    said = [*root.itertext(f"{DC}date"), *(f"expires {v}" for k, v in root.items() if k.lower().startswith("datefin"))]
    for match in filter(None, map(_ENDED.search, said)):
        with suppress(ValueError):
            if date.fromisoformat(match[1]) < today:
                return f"valid until {match[1]}"
    return ""


def _dc(root: etree._Element, name: str) -> str:
    return squeezed(text_of(root.find(DC + name)))


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
    said += [text_of(each) for each in root.findall("Audience")]
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


def _unknown(root: etree._Element) -> Iterator[str]:
    """Name each element that is not known, where its text counts."""
    for node in root.iter():
        if role_of(node) == "unknown" and not any(role_of(above) in ASIDE for above in node.iterancestors()):
            yield str(node.tag)


class _Reader:
    """Walks through a sheet once, in reading order."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._apart: set[etree._Element] = set()  # elements that hold blocks of their own
        for node in root.iter():
            if role_of(node) not in INLINE:
                self._apart.update(self._above(node))
        self._answers: dict[str, str] = {}  # what makes each variable true: an answer, or one of several
        for choice in root.iter("Choix"):
            for var in dict.fromkeys(each.get("var", "") for each in choice.iter("affecteVrai")):
                self._answers[var] = " ou ".join(filter(None, [self._answers.get(var), answer_of(choice)]))

    def _above(self, node: etree._Element) -> Iterator[etree._Element]:
        for above in node.iterancestors():
            if above in self._apart:
                return
            yield above

    def blocks(self) -> Iterator[Block]:
        yield from self._flush([self._root.text or "", *(f" {child.tail or ''}" for child in self._root)], ())
        for child in self._root:
            if role_of(child) == "link":
                yield from self._link(child, (label_of(child),) if label_of(child) else ())
            else:
                yield from self._walk(child, ())

    def _walk(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        role = role_of(node)
        if role in ASIDE:
            return
        if role == "list":
            yield from self._list(node, where)
        elif role == "table":
            yield from self._table(node, where)
        elif role == "note":
            yield from self._note(node, (*where, *self._for_whom(node)))
        elif role == "link":
            yield from self._link(node, (*where, *self._for_whom(node)))
        elif role == "inline" and node not in self._apart:
            yield from self._flush([text_of(node)], where)
        else:
            yield from _or_title(node, where, self._contents(node, self._below(node, where)))

    def _below(self, node: etree._Element, where: tuple[str, ...]) -> tuple[str, ...]:
        """Add to the headings the title of an element, and for whom it is where its title does not say it."""
        alternative = squeezed(text_of(node.find("TitreAlternatif")))
        title = " – ".join(filter(None, [title_of(node), alternative]))
        said = () if alternative or (node.tag == "Cas" and title) else self._for_whom(node)
        return (*where, *filter(None, [title]), *said)

    def _for_whom(self, node: etree._Element) -> tuple[str, ...]:
        return tuple(filter(None, map(self._condition, node.findall("Condition"))))

    def _condition(self, node: etree._Element) -> str:
        """Say a condition in the words of the questionnaire that it rests on; that there is one, if it has none."""
        if node.tag in ("estVrai", "estFaux"):
            said = self._answers.get(node.get("var", ""))
            if said is None or node.tag == "estVrai":
                return said or _UNSAID
            return f"(sauf : {said})" if node.getparent().tag in ("et", "ou") else f"sauf : {said}"
        if node.tag not in ("Condition", "et", "ou"):
            return "" if node.tag == "estIndefini" else _UNSAID
        parts = dict.fromkeys(filter(None, map(self._condition, node)))
        said = (" ou " if node.tag == "ou" else " et ").join(parts)
        return f"({said})" if len(parts) > 1 and node.getparent().tag in ("et", "ou") else said

    def _contents(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        """Give an element's own text as one block, broken only by what holds blocks of its own."""
        outer, run, floating = where, [node.text or ""], ""  # floating: a heading that has led to nothing yet
        mixed = role_of(node) in ("block", "inline") or any((text or "").strip() for text in _own_text(node))
        for child in node:
            role = role_of(child)
            if mixed and role in ("inline", "unknown") and child not in self._apart:
                run.append(text_of(child))
            else:
                found = [*self._flush(run, where), *(self._walk(child, where) if role != "floating" else ())]
                yield from found
                floating = "" if found else floating
                if role == "floating":
                    yield from self._flush([floating], outer)
                    floating = squeezed(text_of(child))
                    where = (*outer, floating) if floating else outer
            run.append(child.tail or "")
        yield from (last := list(self._flush(run, where)))
        if not last:
            yield from self._flush([floating], outer)

    def _flush(self, run: list[str], where: tuple[str, ...]) -> Iterator[Block]:
        text = squeezed("".join(run))
        run.clear()
        if text:
            yield Block(where, text)

    def _list(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        """Give each item as a block; a semicolon parts it from the next, if nothing else does."""
        blocks = list(_or_title(node, where, self._contents(node, self._below(node, where))))
        for n, block in enumerate(blocks, 1):
            end = "" if block.text.endswith(_ENDS) else " ;" if n < len(blocks) else "."
            yield Block(block.where, block.text + end)

    def _note(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        head = (title_of(node) or label_of(node)).rstrip(" :")
        for n, block in enumerate(_or_title(node, where, self._contents(node, where))):
            yield block if n or block.text == title_of(node) else Block(block.where, f"{head} : {block.text}")

    def _link(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        """Give what a sheet refers to as one block: what it is, its name, what is said of it, its addresses."""
        label = "" if label_of(node) in where else label_of(node)
        head = node.get("type") or label if node.tag == "ServiceEnLigne" and label else label
        title, under, said = title_of(node), (), []
        for block in self._contents(node, ()):
            shared = [*takewhile(lambda pair: pair[0] == pair[1], zip(under, block.where, strict=False))]
            said.append(" : ".join((*block.where[len(shared) :], block.text)))
            under = block.where
        text = " : ".join(filter(None, [head.rstrip(" ?"), title, " ".join(said)]))
        if url := address_of(node, text):
            text = f"{text} ({url})." if text else url
        if title and len(text.split()) > WORDS:  # it will be cut: each part says of what it is
            where, text = (*where, title), text.removeprefix(f"{title} : ")
        yield from self._flush([text], where)

    def _table(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        """Give each row as a block, each cell after the heading of its column."""
        below = self._below(node, where)
        yield from _or_title(node, where, self._rows(node, below))

    def _rows(self, node: etree._Element, where: tuple[str, ...]) -> Iterator[Block]:
        heads: list[str] = []
        part: tuple[str, ...] = ()  # a heading across the whole table, among its rows
        down: dict[int, tuple[int, table.Cell]] = {}
        unsaid: dict[str, None] = {}  # headings that have led to nothing yet
        led = True  # the headings have led to a row
        for row in node:
            if role_of(row) != "row":
                yield from self._walk(row, where)
                continue
            cells = list(table.cells_of(row, down))
            if row.get("type") != "header":
                yield from (found := list(table.row_blocks(heads, cells, (*where, *part))))
                led = led or bool(found)
                for head in (*part, *(head for head, cell in zip(heads, cells, strict=False) if cell.text)):
                    unsaid.pop(head if found else "", None)
            elif led and len(heads) > 1 and len(set(cells)) == 1:
                part = tuple(filter(None, [cells[0].text]))
                unsaid |= dict.fromkeys(part)
            else:
                if led:
                    yield from self._flush([" ; ".join(unsaid)], where)
                heads, part, led = table.headings([] if led else heads, cells), (), False
                unsaid = dict.fromkeys(filter(None, heads))
        yield from self._flush([" ; ".join(unsaid)], where)


def _or_title(node: etree._Element, where: tuple[str, ...], blocks: Iterable[Block]) -> Iterator[Block]:
    """Give blocks; where there are none, the title that would have led to them."""
    none = True
    for block in blocks:
        none = False
        yield block
    if none and (title := title_of(node)):
        yield Block(where, title)


def _own_text(node: etree._Element) -> Iterator[str | None]:
    yield node.text
    for child in node:
        yield child.tail
