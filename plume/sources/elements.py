"""Says what each element of a sheet is (`elements.tsv`), and writes its text."""

import re
from pathlib import Path

from lxml import etree

from plume.french.vocabulary import rows
from plume.passages import squeezed

_ELEMENTS = {row["element"]: row for row in rows("elements", Path(__file__).parent)}
DC = "{http://purl.org/dc/elements/1.1/}"
ASIDE = ("menu", "title", "alternative", "condition")
INLINE = ("inline", "title", "unknown")  # what breaks no paragraph


def text_of(node: etree._Element | None) -> str:
    """Write all text of an element in its order; an address that a link leads to follows its words."""
    if node is None:
        return ""
    parts = [node.text or ""]
    for child in node:
        apart = "" if role_of(child) in INLINE else " "
        if child.tag == "Item" and child.getnext() is not None:
            apart = " ; "
        said = "" if role_of(child) in ("menu", "condition") else text_of(child)
        parts += [apart[:1], said, apart, child.tail or ""]
    if url := address_of(node, text := "".join(parts)):
        return f"{text} ({url})" if text.strip() else url
    return text


def address_of(node: etree._Element, said: str) -> str:
    """Give the address that an element leads to, unless the text says it."""
    url = node.get("URL", "").strip()
    return url if url.startswith(("http", "www.")) and url not in re.split(r"[\s()]+", said) else ""


def title_of(node: etree._Element) -> str:
    return squeezed(" ".join(text_of(each) for each in node if each.tag in ("Titre", "TitreRiche")))


def role_of(node: etree._Element) -> str:
    if str(node.tag).startswith(DC):
        return "menu"
    return _ELEMENTS[node.tag]["role"] if node.tag in _ELEMENTS else "unknown"


def label_of(node: etree._Element) -> str:
    return _ELEMENTS[node.tag]["label"]


def answer_of(choice: etree._Element) -> str:
    """Say what an answer of a questionnaire says of whoever gives it."""
    if said := squeezed(text_of(choice.find("IntituleSiSelectionne"))):
        return said
    question = title_of(choice.getparent())
    asked = question if question.endswith("?") or not question else f"{question} :"
    return f"{asked} {title_of(choice)}".strip()
