"""How fresh a sources folder is: by kind and audience, and what the last import changed."""

from datetime import date

import pytest

from plume.errors import InputError
from plume.sources import status

TODAY = date(2026, 11, 30)


def passage(sheet: str, updated_on: str | None, audience: str | None = "particuliers", kind: str = "sheet") -> dict:
    return {"sheet": sheet, "updated_on": updated_on, "audience": audience, "kind": kind}


def test_ages_are_counted_by_sheet_not_by_passage():
    found = status.freshness(
        [
            *[passage("F1", "2026-11-20")] * 9,
            passage("F2", "2026-10-31"),
            passage("F3", "2025-11-29"),
            passage("F4", None),
            passage("F5", "2026-11-30", "professionnels"),
            passage("a.md", None, None, "document"),
        ],
        TODAY,
    )
    assert [(*each[:-1], each.old_share) for each in found] == [
        ("document", None, 1, 1, 1, None, None, None),
        ("sheet", "particuliers", 4, 12, 1, 30, 366, 1 / 3),
        ("sheet", "professionnels", 1, 1, 0, 0, 0, 0.0),
    ]


def test_what_status_says(take, xml, tmp_path):
    path = tmp_path / "F1.xml"
    path.write_bytes(xml("<Texte><Paragraphe>Oui.</Paragraphe><Gras>Non.</Gras></Texte>"))
    (tmp_path / "N1.xml").write_bytes(b"<Publication ID='N1'/>")
    digest = take(path, tmp_path / "N1.xml")["sources"]
    assert len(digest) == 2
    told = list(status.lines(take.out, TODAY))
    on = "imported on 2026-11-30 (0 days ago)"
    met = "elements that plume does not know, their text kept: Gras 1"
    ages = "updated 274 days ago (median), the oldest on 2026-03-01 (274 days); 0% older than 12 months"
    assert told[1:] == [
        f"F1.xml: {on}, 1 files = 1 imported (1 passages) + 0 quarantined; Licence Ouverte 2.0; {met}",
        f"N1.xml: {on}, 1 files = 0 imported (0 passages) + 1 quarantined (node 1)",
        f"sheet, particuliers: 1 sheets, 1 passages; {ages}",
        "last import 2026-11-30: 1 new, 0 changed, 0 removed",
        "new: F1",
    ]
    assert told[0].startswith(f"{take.out}: 1 passages of 1 sheets, digest ")


def test_many_changes_are_counted_and_some_named():
    last = {"on": "2026-11-30T10:00:00", "counts": {"new": 0, "changed": 12, "removed": 1}, "new": []}
    last |= {"changed": [f"F{n}" for n in range(12)], "removed": ["F99"]}
    assert list(status.changes(last)) == [
        "last import 2026-11-30: 0 new, 12 changed, 1 removed",
        "changed: F0, F1, F2, F3, F4, F5, F6, F7, F8, F9 and 2 more",
        "removed: F99",
    ]


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="make one with: plume data sources import FILE"):
        list(status.lines(tmp_path, TODAY))
