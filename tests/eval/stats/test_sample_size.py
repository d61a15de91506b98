"""How many items: published planning figures, and power by simulation."""

import pytest

from eval.stats import sample_size
from eval.stats.proportions import tango


def test_planning_figures_by_hand():
    # 5 % each way, limit -0.03: b = -0.1 + 2·(-0.03) = -0.16; q = (√(0.0256 - 8·0.05·0.03·1.03) + 0.16) / 4 = 0.068784
    # variance at the limit 2q - 0.03·1.03 = 0.106668, at the truth 0.1
    # ((1.644854·0.326601 + 0.841621·0.316228) / 0.03)² = 716.1
    assert sample_size.paired_proportions(0.1, 0.03) == 717
    # one variance for both would give the brief's 687, 248 and 1546, whose power is 79, 77 and 79 %
    assert [sample_size.paired_proportions(0.1, gap) for gap in (0.05, 0.02)] == [274, 1578]
    assert sample_size.paired_proportions(0.3, -0.05, -0.05) == sample_size.paired_proportions(0.3, 0.05, 0.05)
    assert (sample_size.without_event(0.01), sample_size.without_event(0.005)) == (299, 598)


def test_without_any_discordant_pair_tango_still_wants_some():
    n = sample_size.paired_proportions(0.0, 0.03)
    # z² (1 - 0.03) / 0.03 = 2.7055 × 32.33 = 87.5
    assert n == 88
    assert sample_size.paired_proportions(0.0, -0.03) == 88
    assert tango(0, 0, n, 0.90)[0] > -0.03 >= tango(0, 0, n - 1, 0.90)[0]


def test_expected_discordance_is_never_nought_and_learns_from_data():
    assert sample_size.expected_discordance(0, 0) == pytest.approx(0.1)
    assert 0 < sample_size.expected_discordance(0, 50) < 0.02
    assert sample_size.expected_discordance(300, 1000) == pytest.approx(0.3, abs=0.01)


def test_more_is_at_least_one_and_as_many_again_where_the_plan_says_enough():
    assert sample_size.more(686.2, 25) == 662
    assert sample_size.more(100, 400) == 400
    assert sample_size.more(0, 0) == 1
