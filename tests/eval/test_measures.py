"""The table of measures: all checks are in it, and values are written in their units."""

import pytest

from eval.measures import MEASURES, OF_DRAFTS, SOURCES, find, of_table
from eval.metrics import NAMES
from eval.stats.estimate import Estimate
from plume.checks import GATING, SIGNALS


def test_every_check_and_every_metric_module_is_a_measure():
    assert of_table("checks") == ("pass_all", *(f"check:{name}" for name in GATING), "respect")
    assert of_table("signals") == tuple(f"signal:{name}" for name in SIGNALS)
    assert {MEASURES[name].source for name in OF_DRAFTS} == {*SOURCES, "draft", "copying"}
    assert set(SOURCES) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "difference", "said"),
    [
        ("pass_all", False, "12,5\u202f% (de\u00a010,0\u202f%\u00a0à\u00a015,0\u202f%)"),
        ("check:length", True, "+12,5\u00a0points (de\u00a0+10,0\u00a0à\u00a0+15,0)"),
        ("edit_rate", True, "+0,12 (de\u00a0+0,10\u00a0à\u00a0+0,15)"),
        ("draft_words", False, "0 (de\u00a00\u00a0à\u00a00)"),
        ("win_rate", False, "12,5\u202f% (de\u00a010,0\u202f%\u00a0à\u00a015,0\u202f%)"),
    ],
)
def test_a_value_is_written_in_its_unit(name, difference, said):
    found, measure = Estimate(0.125, 0.1, 0.15, 40), find(name)
    bounds = measure.interval(found, difference=difference)
    assert f"{measure.say(found.estimate, difference=difference)} ({bounds})" == said


def test_a_measure_of_another_version_is_called_by_its_name():
    assert (find("check:tutoiement").label, find("check:tutoiement").share) == ("check:tutoiement", True)
