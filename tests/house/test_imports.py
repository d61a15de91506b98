"""The house: imports point one way, circles are refused, and the picture of both in ARCHITECTURE.md is current."""

import importlib.util
import sys
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("draw", ROOT / "docs" / "draw.py")
draw = importlib.util.module_from_spec(_spec)
sys.modules["draw"] = draw
_spec.loader.exec_module(draw)


def refused() -> list[str]:
    """What is wrong with the imports: upward arrows, then circles of files and of packages."""
    graph = draw.imports()
    wrong = [f"{a} imports {b}, which stands after it" for a, b in draw.upward()]
    return (
        wrong
        + _circles("files", graph)
        + [line for package in _packages() for line in _circles(*_within(package, graph))]
    )


def _packages() -> list[str]:
    names = draw.modules()
    return ["", *sorted({name.rpartition(".")[0] for name in names} - {""})]


def _within(package: str, graph: dict[str, set[str]]) -> tuple[str, dict[str, set[str]]]:
    """The parts of a package, files and packages alike, and what each imports of the others."""
    start = f"{package}." if package else ""

    def part(name: str) -> str | None:
        return (
            "__init__" if name == package else name[len(start) :].partition(".")[0] if name.startswith(start) else None
        )

    parts: dict[str, set[str]] = defaultdict(set)
    for a, on in graph.items():
        if of := part(a):
            parts[of] |= {other for b in on if (other := part(b)) and other != of}
    return f"parts of {package or 'the house'}", parts


def _circles(what: str, graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [f"circle of {what}: {' < '.join(error.args[1])}"]
    return []


def test_imports_point_one_way_and_make_no_circle():
    assert refused() == []


def test_every_room_has_its_place_in_the_order():
    assert {draw.room_of(module) for module in draw.modules()} - {""} <= set(draw.ORDER)


def test_the_ground_imports_no_stage_but_by_name():
    ground = {a: on for a, on in draw.imports().items() if a.startswith("plume")}
    assert not [f"{a} imports {b}" for a, on in ground.items() for b in on if draw.room_of(b) in draw.STAGES]


def test_the_picture_is_current():
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert page == draw.with_picture(page), "run: python docs/draw.py"


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        ({"a.x": {"b.y"}, "b.y": set(), "b.z": {"a.x"}}, 1),  # a circle of packages, none of files
        ({"a": {"a.x"}, "a.x": {"a.y"}, "a.y": {"a"}}, 2),  # through the package's own file
        ({"a": {"a.x"}, "a.x": set(), "b": {"a", "a.x"}}, 0),
    ],
)
def test_circles_are_seen(graph, found, monkeypatch):
    monkeypatch.setattr(draw, "modules", lambda: dict.fromkeys(graph, Path()))
    monkeypatch.setattr(draw, "imports", lambda: graph)
    monkeypatch.setattr(draw, "upward", list)
    assert len(refused()) == found
