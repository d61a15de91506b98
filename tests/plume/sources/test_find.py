"""Passages are found by a citizen's words, in the order of their likeness; none for what no sheet is about."""

from plume.sources.find import Finder


def passage(sheet, n, title, text, *, where=(), network=None, kind="sheet"):
    return {
        "id": f"{sheet}#{n}",
        "sheet": sheet,
        "kind": kind,
        "title": title,
        "where": list(where),
        "text": text,
        "network": network,
    }


def test_nothing_is_found_in_nothing():
    assert Finder([]).find({"review": "J'ai perdu mon permis"}) == []
