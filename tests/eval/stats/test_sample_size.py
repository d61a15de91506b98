"""How many items: published planning figures, and power by simulation."""

import numpy as np
import pytest

from eval.stats import sample_size
from eval.stats.proportions import tango


def test_the_planning_figures_of_the_brief():
    # (1.6449 + 0.8416)² = 6.1826; 6.1826 × 0.10 / 0.03² = 686.95; 0.05²: 247.3; 0.02²: 1545.6
    assert [sample_size.paired_proportions(0.1, gap) for gap in (0.03, 0.05, 0.02)] == [687, 248, 1546]
    # win rate 55 % with 30 % ties on a scale of -1 to 1: (1.96 + 0.8416)² = 7.849; × (0.7 - 0.1²) / 0.1² = 541.6
    assert sample_size.paired_proportions(0.7, 0.1, 0.1, confidence=0.975) == 542
    assert (sample_size.without_event(0.01), sample_size.without_event(0.005)) == (299, 598)


def test_without_any_discordant_pair_tango_still_wants_some():
    n = sample_size.paired_proportions(0.0, 0.03)
    # z² (1 - 0.03) / 0.03 = 2.7055 × 32.33 = 87.5
    assert n == 88
    assert tango(0, 0, n, 0.90)[0] > -0.03 >= tango(0, 0, n - 1, 0.90)[0]


def test_paired_means_needs_four_times_as_many_for_half_the_gap():
    # (2.4865 × 10 / 2)² = 154.6; half the gap: 618.3
    assert sample_size.paired_means(10, 2) == 155
    assert sample_size.paired_means(10, -1) == 619


def test_power_of_the_planned_number_is_as_planned():
    # non-inferiority by 3 points, 10 % discordant, no true difference: 687 pairs for 80 %
    rng = np.random.default_rng(1)
    counts = rng.multinomial(687, [0.05, 0.05, 0.9], size=2000)[:, :2].tolist()
    bounds = {table: tango(*table, 687, 0.90)[0] for table in map(tuple, counts)}
    power = np.mean([bounds[tuple(table)] > -0.03 for table in counts])
    assert power == pytest.approx(0.8, abs=0.03)


def test_expected_discordance_is_never_nought_and_learns_from_data():
    assert sample_size.expected_discordance(0, 0) == pytest.approx(0.1)
    assert 0 < sample_size.expected_discordance(0, 50) < 0.02
    assert sample_size.expected_discordance(300, 1000) == pytest.approx(0.3, abs=0.01)


def test_more_is_at_least_one_and_as_many_again_where_the_plan_says_enough():
    assert sample_size.more(686.2, 25) == 662
    assert sample_size.more(100, 400) == 400
    assert sample_size.more(0, 0) == 1
