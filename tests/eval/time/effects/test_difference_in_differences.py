import datetime as dt
from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm

from eval.time.effects.adopters import arms_of, study
from eval.time.effects.difference_in_differences import did, permutation_p
from eval.time.waits.periods import Cells

PILOT = dt.date(2023, 10, 5)


def test_equals_the_interaction_of_a_weighted_regression_of_structure_changes(world):
    waits = world(effect=0.5, helped=1.0, flagged_unanswered=True, structures=24).draw(1).waits()
    random = np.random.default_rng(1)
    late = random.random(len(waits)) < 0.5
    value = random.gamma(2, 5, len(waits))
    cells = Cells.of(waits.structure, (~late, late), value, len(waits.names))
    adopted = (np.arange(24) < 10).astype(int)
    found = did(cells, adopted)
    fit = sm.WLS(cells.differences, sm.add_constant(adopted.astype(float)), weights=cells.weights).fit(cov_type="HC3")
    assert found.effect.value == pytest.approx(fit.params[1])
    assert found.effect.se == pytest.approx(fit.bse[1], rel=0.08)  # theirs is not centred
    assert found.structures == (10, 14)


def test_permutation_is_exact_where_there_are_few_ways():
    # Unweighted, one adopter of five with the largest change: as large once in five.
    change, weights = np.array([9.0, 1, 2, 3, 4]), np.ones(5)
    assert permutation_p(change, weights, np.array([True, False, False, False, False])) == pytest.approx(1 / 5)
    # Two of six, studentised: count by hand.
    change = np.array([5.0, 6, 1, 0, 2, 1.5])

    def t(arm):
        a, b = change[list(arm)], np.delete(change, list(arm))
        return abs(a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / 2 + b.var(ddof=1) / 4)

    all_t = [t(arm) for arm in combinations(range(6), 2)]
    expected = np.mean([x >= t((0, 1)) - 1e-12 for x in all_t])
    labels = np.array([True, True, False, False, False, False])
    assert permutation_p(change, np.ones(6), labels) == pytest.approx(expected)


def test_volunteers_who_are_faster_all_along_show_no_effect(world):
    waits = world(volunteers_faster=0.8, n=20_000, after=300).draw(2).waits()
    found = study(waits, PILOT)
    effect = found.effects["rmst_30"]
    low, high = effect.interval()
    assert low < 0 < high
    assert effect.p > 0.05
    assert found.arms.sizes == (20, 20)
    assert found.flat


def test_an_effect_on_adopters_is_found_and_leads_are_flat(world):
    made = world(effect=0.5, helped=1.0, n=20_000, after=300, flagged_unanswered=True)
    found = study(made.draw(5).waits(), PILOT)
    truth = made.rmst(30, 0.5) - made.rmst(30)
    low, high = found.effects["rmst_30"].interval()
    assert low < truth < high < 0
    low, high = found.effects["rmst_30"].relative_interval()
    assert low < made.rmst(30, 0.5) / made.rmst(30) < high < 1
    assert found.rows()[0].grade == "B"
    before = [lead for lead in found.leads if lead.offset < 0]
    assert len(before) >= 4
    assert all(lead.found.interval()[0] < 0 < lead.found.interval()[1] for lead in before)
    after = [lead.found.effect.value for lead in found.leads if lead.offset >= 0]
    assert max(after) < -2


def test_a_trend_of_adopters_before_the_start_is_seen_and_lowers_the_grade(world):
    waits = world(n=20_000, after=300).draw(4).waits()
    volunteer = arms_of(waits, PILOT).adopted[waits.structure] == 1
    # Adopters' replies come sooner and sooner, long before the start.
    days = waits.start - PILOT.toordinal()
    sooner = np.where(volunteer & (waits.reply > 0), ((waits.reply - waits.start) * (days + 365) / 500).astype(int), 0)
    found = study(waits.where(waits.timed).__class__(**{**vars(waits), "reply": waits.reply - sooner}), PILOT)
    assert found.leads_p < 0.05
    assert found.grade() == "C"


def test_what_halves_all_waits_is_no_effect_though_quick_adopters_lose_fewer_days(world):
    # Everybody's waits are halved by something else; volunteers, quicker all along, lose fewer days by it.
    waits = world(trend=0.5, volunteers_faster=0.9, n=20_000, after=300, flagged_unanswered=True).draw(2).waits()
    found = study(waits, PILOT)
    effect = found.effects["rmst_30"]
    low, high = effect.interval()
    assert low < 0 < high
    assert effect.relative_interval()[0] < 1 < effect.relative_interval()[1]


def test_too_few_structures_for_the_placebo_to_see_anything_are_never_grade_b(world):
    # Three against three can be drawn in 20 ways, two of which give the same |t|: p is 0.1 or more, whatever the leads.
    found = study(world(structures=6, n=6000, after=300).draw(1).waits(), PILOT)
    assert found.arms.sizes == (3, 3)
    assert found.effects["rmst_30"].effect.value is not None
    assert found.leads_p is None
    assert found.grade() == "C"


def test_slow_structures_without_many_replies_are_not_taken_for_others(world):
    # All structures have help in half of their replies, and only replies carry the flag.
    waits = world(volunteers=1.0, spread=1.0, n=1500, after=40).draw(5).waits()
    arms = arms_of(waits, PILOT)
    assert not arms.flagged_unanswered
    late = (waits.start >= PILOT.toordinal()) & waits.replied
    answered = np.bincount(waits.structure[late], minlength=len(waits.names))
    assert (arms.adopted[answered < 3] == -1).all()
    assert arms.sizes[1] <= 0.2 * arms.sizes[0]


def test_marginal_use_is_neither_adopter_nor_other(world):
    waits = world(structures=2, volunteers=1.0, helped=0.04, n=4000).draw(1).waits()
    assert arms_of(waits, PILOT).adopted.tolist() == [-1, -1]


@pytest.mark.parametrize("volunteers", [0.0, 1.0])
def test_nobody_or_everybody_adopting_compares_nothing(world, volunteers):
    found = study(world(volunteers=volunteers, helped=1.0, n=1500).draw(1).waits(), PILOT)
    assert found.effects == {}
    assert {row.estimate for row in found.rows()} == {None}


def test_one_adopter_has_a_permutation_and_no_interval(world):
    found = study(world(structures=10, volunteers=0.1, n=3000, after=200).draw(1).waits(), PILOT)
    effect = found.effects["rmst_30"]
    assert effect.interval() is None
    assert effect.p >= 0.1


def test_same_data_gives_the_same_p(world):
    waits = world(n=3000, after=200).draw(7).waits()
    one, two = (study(waits, PILOT, draws=300) for _ in range(2))
    assert one.effects["rmst_15"].p == two.effects["rmst_15"].p
    assert one.leads_p == two.leads_p
