"""What the French pages quote and count is what plume says and what was measured."""

import re

import pytest

from eval.report import NO_GAIN, OUTCOMES
from plume.paths import ROOT
from plume.shares import clopper_pearson

DOCS = ROOT / "docs"
COUNTS = [(132, 141), (131, 176), (224, 234), (185, 201), (185, 205)]  # first shots of masks and of checks


def read(page):
    """Read a page in one line: without the marks of quotations, blanks of any kind as one."""
    return re.sub(r"\s+", " ", re.sub(r"^> ?-? ?", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.M))


def test_the_verdict_page_quotes_a_real_report():
    quoted = re.findall(r"^> (.*)$", (DOCS / "verdict.md").read_text(encoding="utf-8"), re.M)
    assert len(quoted) == 3
    assert " ".join(quoted) in read("tour.md")
    assert "pass_all +0.26 [+0.01 ; +0.51] holds" in read("tour.md")
    assert "26 points d’avance, « de +1 à +51 »" in read("verdict.md")


@pytest.mark.parametrize("title", [NO_GAIN[0], *(title for title, _ in OUTCOMES.values())])
def test_the_verdict_page_names_the_outcomes(title):
    assert f"**{title}**" in read("verdict.md")


def test_the_verdict_page_names_the_boxes():
    report = (ROOT / "eval/report.html.j2").read_text(encoding="utf-8")
    assert '["Remplacer le système en service", "Garder le système en service", "Compléter les preuves' in report
    assert all(f"**{box}**" in read("verdict.md") for box in ("Remplacer", "Garder"))
    assert "**Compléter les preuves, puis juger de nouveau**" in read("verdict.md")


@pytest.mark.parametrize(("hits", "n"), COUNTS)
def test_each_share_of_the_sheets_was_measured(hits, n):
    low, high = (f"{100 * bound:.1f}".replace(".", ",") for bound in clopper_pearson(hits, n))
    assert f"{hits}/{n}" in read("log.md")
    share = f"{100 * hits / n:.1f}".replace(".", ",")
    assert re.search(rf"{hits} sur {n}, (soit )?{share} % \[{low} ; {high}\]", read("fiche-donnees.md"))
