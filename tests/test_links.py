"""Links between the project's pages lead somewhere."""

import re

import pytest

from plume.paths import ROOT

PAGES = sorted(p for p in ROOT.rglob("*.md") if not {".venv", "var"} & set(p.relative_to(ROOT).parts))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_exist(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r'(?:src|href)="([^"#]+)"', text)
    broken = [t for t in targets if "://" not in t and not t.startswith("mailto:") and not (page.parent / t).exists()]
    assert broken == []


def anchors(page):
    """Give the anchors that GitHub makes of a page's headings."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M), re.M
    )
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_anchors_are_headings(page):
    found = re.findall(r"\]\(([^)#\s:]*\.md|)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert [(to, name) for to, name in found if name not in anchors(page.parent / to if to else page)] == []
