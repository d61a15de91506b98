"""What the tests of sources share: sheets in the form of service-public.fr, and an import that loads no recogniser."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plume.paths import ROOT
from plume.sources.importing import Job, import_files
from plume.sources.texts import Given

SAMPLE = ROOT / "datasets" / "sources"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TODAY = NOW.date()


def sheet_xml(
    body: str = "<Texte><Paragraphe>Le délai est de 26 jours.</Paragraphe></Texte>",
    *,
    sheet: str = "F1",
    title: str = "Carte perdue",
    date: str = "modified 2026-03-01",
    audience: str = "Particuliers",
    attributes: str = "",
) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Publication xmlns:dc="http://purl.org/dc/elements/1.1/" ID="{sheet}" '
        f'type="Fiche d\'information conditionnée" {attributes}><dc:title>{title}</dc:title><dc:date>{date}</dc:date>'
        f'<Audience>{audience}</Audience><FilDAriane><Niveau ID="{audience}">Accueil</Niveau></FilDAriane>{body}'
        "</Publication>"
    ).encode()


def find_nobody(texts: Any) -> list[list]:
    return [[] for _ in texts]


@pytest.fixture
def sample() -> Path:
    return SAMPLE


@pytest.fixture
def xml() -> Callable[..., bytes]:
    return sheet_xml


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """take(PATH…): import into the test's own folder, `take.out`; returns the manifest."""

    def call(*paths: Path, name: str | None = None, given: Given | None = None, find: Any = find_nobody):
        return import_files(paths, call.out, Job(given or Given(), NOW, find=lambda: find), name)

    call.out = tmp_path / "sources"
    return call
