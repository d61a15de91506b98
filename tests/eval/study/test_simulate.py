"""Simulated studies hold the truth that they were given: each part of it, apart, from many studies."""

import dataclasses
import math

import numpy as np
import pytest

from eval.study.records import read_study, write_study
from eval.study.simulate import HARM, SYSTEM, Truth, items, simulate
from plume.checks import check
from plume.contacts import Directory

QUIET = Truth(
    agents=8,
    items=8,
    between_agents=0,
    between_items=0,
    effect_between_agents=0,
    residual=0.001,
    learning=0,
    thinking=0,
    interruptions=0,
)


def logs(truth, **wanted):
    """Mean log minutes of the writings with these values of arm, period, position and the agent's experience."""
    study = simulate(truth, 0)
    experience = {agent.id: agent.experience for agent in study.agents}
    told = [(w, {**vars(w), "experience": experience[w.agent]}) for w in study.writings]
    return np.mean([math.log(w.active_seconds / 60) for w, of in told if wanted.items() <= of.items()])


def test_the_same_seed_gives_the_same_study_and_another_one_another(tmp_path):
    truth = Truth(drop_out=0.3, comparisons=4)
    assert simulate(truth, 7) == simulate(truth, 7) != simulate(truth, 8)
    write_study(tmp_path / "records.jsonl", simulate(truth, 7))
    assert read_study(tmp_path / "records.jsonl") == simulate(truth, 7)  # the records are valid ones


def test_every_agent_writes_every_review_once_half_of_them_from_a_draft():
    study = simulate(Truth(agents=12, items=10), 1)
    for agent in study.agents:
        mine = [w for w in study.writings if w.agent == agent.id]
        assert len({w.item for w in mine}) == len(mine) == 10
        assert [w.arm == "draft" for w in mine] == [(agent.sequence == "draft first") == (w.period == 1) for w in mine]
        assert [w.position for w in mine] == [*range(1, 11)]
    assert sum(a.sequence == "draft first" for a in study.agents) == 6
    for item in {w.item for w in study.writings}:
        assert sum(w.arm == "draft" for w in study.writings if w.item == item) == 6


@pytest.mark.parametrize(
    ("changes", "one", "other", "ratio"),
    [
        ({"effect": 0.7}, {"arm": "draft"}, {"arm": "blank"}, 0.7),
        ({"effect_of_novices": 0.6}, {"arm": "draft", "experience": "novice"}, {"arm": "blank"}, 0.6),
        ({"effect_of_experts": 1.1}, {"arm": "draft", "experience": "expert"}, {"arm": "blank"}, 1.1),
        ({"period": 0.9}, {"period": 2}, {"period": 1}, 0.9),
        ({"carry_over": 0.8}, {"arm": "blank", "period": 2}, {"arm": "blank", "period": 1}, 0.8),
        ({"learning": 0.3}, {"position": 8}, {"position": 1}, 0.7),
    ],
)
def test_each_ratio_is_there_alone(changes, one, other, ratio):
    truth = dataclasses.replace(QUIET, **{"effect": 1.0} | changes)
    assert logs(truth, **one) - logs(truth, **other) == pytest.approx(math.log(ratio), abs=0.002)


def test_spreads_are_those_of_the_truth():
    truth = dataclasses.replace(QUIET, agents=200, items=20, effect=1.0)
    for name in ("between_agents", "effect_between_agents", "residual"):
        study = simulate(dataclasses.replace(truth, **{name: 0.4}), 2)
        by_agent = {a.id: ([], []) for a in study.agents}
        for w in study.writings:
            by_agent[w.agent][w.arm == "draft"].append(math.log(w.active_seconds))
        blank, draft = (np.array([both[arm] for both in by_agent.values()]) for arm in (0, 1))
        found = {
            "between_agents": np.std(blank.mean(1)),
            "effect_between_agents": np.std(draft.mean(1) - blank.mean(1)),
            "residual": np.std(blank),
        }[name]
        assert found == pytest.approx(0.4, abs=0.06), name


def test_the_overall_ratio_weighs_novices_and_experts():
    truth = Truth(agents=10, novices=0.3, effect_of_novices=0.5, effect_of_experts=1.0)
    assert truth.ratio() == pytest.approx(0.5**0.3)
    assert (truth.ratio("novice"), truth.ratio("expert")) == (0.5, 1.0)


def test_who_leaves_wrote_the_first_reviews_and_no_other():
    study = simulate(Truth(agents=40, drop_out=1.0), 3)
    for agent in study.agents:
        positions = [w.position for w in study.writings if w.agent == agent.id]
        assert positions == [*range(1, len(positions) + 1)]
        assert len(positions) < 12
    assert study.flow["left"] == 40
    assert simulate(Truth(drop_out=0.0), 3).flow["left"] == 0


def test_a_lower_idle_cap_makes_time_shorter_and_interruptions_are_no_work():
    study = simulate(Truth(thinking=3, interruptions=1), 4)
    times = [[w.active_at(cap) for cap in (30, 60, 120)] for w in study.writings]
    assert all(0 < low <= mid <= high for low, mid, high in times)
    assert [mid for _, mid, _ in times] == [w.active_seconds for w in study.writings]
    assert any(low < mid < high for low, mid, high in times)


def test_finals_are_judged_by_others_with_the_true_share_of_wins():
    won, ties, n, left = 0.0, 0, 0, 0
    for seed in range(20):
        study = simulate(Truth(agents=16, items=8, preferred=0.65, equal=0.2, preferred_between_items=0.05), seed)
        written = {(w.item, w.agent): w.arm for w in study.writings}
        for r in (r for r in study.ratings if r.kind == "finals"):
            assert r.rater not in r.writers
            assert [written[r.item, writer] for writer in r.writers] == [r.left, r.right]
            tie = r.choice in ("equal", "neither")
            won += 0.5 if tie else getattr(r, r.choice) == "draft"
            ties, n, left = ties + tie, n + 1, left + (r.left == "draft")
    assert n > 2000
    assert won / n == pytest.approx(0.65, abs=0.04)
    assert ties / n == pytest.approx(0.2, abs=0.03)
    assert left / n == pytest.approx(0.5, abs=0.04)


def test_harms_reach_finals_as_often_as_the_truth_says():
    truth = Truth(agents=100, items=20, harm_drafts=0.3, noticed=0.5, harm_blank=0.1)
    study = simulate(truth, 5)
    for arm, share in truth.harm.items():
        finals = [w.final for w in study.writings if w.arm == arm]
        assert np.mean([HARM in final for final in finals]) == pytest.approx(share, abs=0.03)
    assert {w.outcome for w in study.writings if w.draft} == {"accepted", "edited", "rejected"}
    assert all((w.final == w.draft) == (w.outcome == "accepted") for w in study.writings if w.draft)
    assert {(w.arm, w.system, w.draft is None, w.outcome is None) for w in study.writings} == {
        ("draft", SYSTEM, False, False),
        ("blank", None, True, True),
    }


def test_checks_see_in_a_simulated_final_the_harm_and_nothing_else():
    item, directory = items(1)[0], Directory.load()
    failed = {
        text: {f.check for f in check(text, review=item.review, directory=directory) if f.gating and not f.passed}
        for text in (item.drafts[SYSTEM], item.drafts[SYSTEM] + HARM)
    }
    assert [*failed.values()] == [set(), {"contacts"}]


def test_two_systems_are_compared_with_the_true_share():
    study = simulate(Truth(agents=100, items=20, comparisons=20, equal=0.2, systems_preferred=0.6), 6)
    found = [r for r in study.ratings if r.kind == "drafts"]
    assert len(found) == 2000
    points = [0.5 if r.choice == "equal" else getattr(r, r.choice) == SYSTEM for r in found]
    assert np.mean(points) == pytest.approx(0.6, abs=0.04)
