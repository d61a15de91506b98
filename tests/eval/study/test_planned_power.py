"""The power that a plan prints is the one that studies have: fresh simulations, from other seeds than the plan's.

The short form tries one small design with bounds three Monte-Carlo standard errors wide.
"""

import math
from dataclasses import replace

import pytest

from eval.study.config import StudyConfig
from eval.study.power import chosen, expected_power, find_designs, judged, truth_of


def config(**changes):
    return StudyConfig.model_validate({"data": "data", "drafts": "drafts.jsonl", "out": "out", "seed": 11} | changes)


def shown(config, truth, n, first=10**6):
    """Share of n studies that show the effect on time, and quality; seeds from `first` are none of a plan's."""
    found = [judged(config, truth, first + i) for i in range(n)]
    return [sum(row[at] for row in found) / n for at in (0, 1)]


def slack(share, n):
    return 3 * math.sqrt(share * (1 - share) / n)


@pytest.fixture(autouse=True)
def _own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))


def test_a_small_design_has_the_power_of_the_formula():
    given, n = config(effect=0.7), 60
    expected = expected_power(given, 8, 8)
    time, _ = shown(given, truth_of(given, 8, 8), n)
    assert 0.4 < expected < 0.9
    assert abs(time - expected) < slack(expected, n) + 0.05  # the formula knows nothing of the order of the arms


def test_without_an_effect_little_is_shown():
    given, n = config(), 60
    time, quality = shown(given, replace(truth_of(given, 8, 8), effect=1.0, preferred=0.3), n)
    assert time <= 0.025 + slack(0.025, n)
    assert quality <= 0.05 + slack(0.05, n)


@pytest.mark.long
@pytest.mark.parametrize(
    "given",
    [
        config(effect=0.8),
        config(effect=0.7, power=0.9, assumed={"drop_out": 0.2, "effect_between_agents": 0.25}),
    ],
    ids=["a fifth", "uneven agents who leave"],
)
def test_the_planned_power_is_reached_in_fresh_simulations(given):
    # Stated tolerance: at most 5 points below what was wanted; 8 from what was printed (three standard errors of 400
    # and 600 studies).
    design = chosen(given, find_designs(given))
    time, quality = shown(given, truth_of(given, design.agents, design.items), 600)
    assert time >= given.power - 0.05
    assert time == pytest.approx(design.share("time")[0], abs=0.08)
    assert quality == pytest.approx(design.share("quality")[0], abs=0.09)
    fewer = [n for n in given.agent_choices if n < design.agents]
    less, _ = shown(given, truth_of(given, fewer[-1], design.items), 600)
    assert less < given.power + 0.05


@pytest.mark.long
@pytest.mark.parametrize(("agents", "items"), [(8, 8), (16, 16)])
def test_no_effect_and_a_loss_of_the_margin_are_shown_as_rarely_as_promised(agents, items):
    given, n = config(finals=items), 1000
    truth = replace(truth_of(given, agents, items), effect=1.0, preferred=0.5 - given.quality_margin)
    time, quality = shown(given, truth, n)
    assert time <= 0.0275 + slack(0.025, n) / 3
    assert quality <= 0.055 + slack(0.05, n) / 3
