"""The third tour, which asks a server for a draft, runs against the engine that stands and says what is kept in it."""

import nbformat

from docs.notebooks import execute, said
from plume.paths import ROOT

TOUR = ROOT / "notebooks" / "3-time-and-serve.ipynb"


def test_the_third_tour_runs_and_says_what_is_kept(site, plume_home, monkeypatch):
    monkeypatch.setenv("PLUME_URL", site.config.url)
    monkeypatch.setenv("PLUME_KEY", site.key)
    assert said(execute(TOUR)) == said(nbformat.read(TOUR, as_version=4))
