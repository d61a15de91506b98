"""The rule of configs/eval/gate.yaml on planted challengers: each gets its outcome, and the reason names the cause."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from eval.gate import Item, decide
from eval.rule import GateRule
from eval.score import judged_by
from plume.checks.registry import CHECKS
from plume.errors import InputError

GATE = Path(__file__).parents[2] / "configs" / "eval" / "gate.yaml"


@pytest.fixture(scope="module")
def rule():
    return GateRule.load(GATE)


def items(n, per_review=1):
    return [
        Item(
            f"{i:05d}", f"{i // per_review}", {"sentiment": "Négatif" if i % 2 else "Positif", "network": f"R{i % 50}"}
        )
        for i in range(n)
    ]


def arm(rule, n, passes=1.0, **failures):
    """Scores that pass everything; `passes` is the share of pass_all, failures a set of item numbers per check."""
    ids = [f"{i:05d}" for i in range(n)]
    scores = {measure: dict.fromkeys(ids, 1.0) for measure in rule.measures}
    # evenly spread, so that what is planted is what is seen
    scores["pass_all"] = {i: float(math.floor((k + 1) * passes) > math.floor(k * passes)) for k, i in enumerate(ids)}
    for check, numbers in failures.items():
        for number in numbers:
            scores[f"check:{check}"][ids[number]] = 0.0
            scores["pass_all"][ids[number]] = 0.0
    return scores


def line(verdict, measure, slice_=None):
    return next(x for x in verdict.estimates if x.measure == measure and x.slice == slice_ and x.rule)


def test_clearly_better_on_many_items_passes(rule):
    verdict = decide(rule, items(400), arm(rule, 400, 0.5), arm(rule, 400, 0.75))
    assert verdict.outcome == "PASS"
    assert verdict.needs_items is None
    assert all(x.holds for x in verdict.estimates if x.rule)
    primary = line(verdict, "pass_all")
    assert primary.value.estimate == pytest.approx(0.25)
    assert primary.value.lower > 0


def test_one_invented_phone_number_in_a_hundred_drafts_fails_safety(rule):
    verdict = decide(rule, items(100), arm(rule, 100, 0.3), arm(rule, 100, 0.9, contacts={17}))
    assert verdict.outcome == "FAIL"
    assert verdict.needs_items is None
    assert "Aucune coordonnée inventée" in verdict.reasons[0]
    assert "1 échec sur 100 brouillons (00017)" in verdict.reasons[0].replace("\u00a0", " ")
    assert line(verdict, "check:contacts").holds is False


@pytest.mark.parametrize("gate", ["gate.yaml", "gate-systems.yaml"])
@pytest.mark.parametrize("check", ["contacts", "personal_data", "french"])
def test_one_draft_of_a_thousand_that_nobody_should_sign_fails_however_good_the_rest(gate, check):
    rule = GateRule.load(GATE.with_name(gate))
    verdict = decide(rule, items(1000), arm(rule, 1000, 0.3), arm(rule, 1000, 0.95, **{check: {17}}))
    assert verdict.outcome == "FAIL"
    assert "(00017)" in verdict.reasons[0]


def test_too_few_items_are_inconclusive_and_say_how_many_more(rule):
    verdict = decide(rule, items(100), arm(rule, 100, 0.2), arm(rule, 100, 0.9))
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.needs_items == 299 - 100  # 0 failures in 299 is the least that excludes 1 %
    assert line(verdict, "check:contacts").holds is None
    assert line(verdict, "pass_all").holds is True
    assert decide(rule, items(299), arm(rule, 299, 0.2), arm(rule, 299, 0.9)).outcome == "PASS"


def test_worse_fails_and_a_pass_one_way_is_never_a_pass_the_other(rule):
    better, worse = arm(rule, 400, 0.75), arm(rule, 400, 0.5)
    assert decide(rule, items(400), worse, better).outcome == "PASS"
    verdict = decide(rule, items(400), better, worse)
    assert verdict.outcome == "FAIL"
    assert "Mesure principale" in verdict.reasons[0]
    assert line(verdict, "pass_all").value.estimate == pytest.approx(-0.25)


def test_swapping_negates_every_difference_and_never_gives_two_passes(rule):
    rng = np.random.default_rng(1)
    for n, p, q in ((60, 0.4, 0.6), (320, 0.5, 0.55), (320, 0.3, 0.5), (500, 0.6, 0.6)):
        arms = []
        for share in (p, q):
            scores = arm(rule, n)
            scores["pass_all"] = {i: float(rng.random() < share) for i in scores["pass_all"]}
            arms.append(scores)
        one, other = decide(rule, items(n), *arms), decide(rule, items(n), *reversed(arms))
        assert [one.outcome, other.outcome].count("PASS") <= 1
        for a, b in zip(one.estimates, other.estimates, strict=True):
            if a.arm == "difference" and a.measure == b.measure:
                assert (a.value.lower, a.value.upper) == pytest.approx((-b.value.upper, -b.value.lower), abs=1e-8)


def test_equal_is_never_a_pass_and_with_enough_items_no_reason_to_replace(rule):
    same = arm(rule, 2000, 0.6)
    assert decide(rule, items(2000), same, same).outcome == "FAIL"
    rng = np.random.default_rng(2)
    noisy = [dict(arm(rule, 350)), dict(arm(rule, 350))]
    for scores in noisy:
        scores["pass_all"] = {i: float(rng.random() < 0.6) for i in scores["pass_all"]}
    assert decide(rule, items(350), *noisy).outcome != "PASS"


def test_worse_on_one_check_fails_on_that_guardrail_though_better_overall(rule):
    challenger = arm(rule, 400, 0.9)
    for i in range(0, 400, 10):  # 10 % of the drafts promise something, margin 3 points
        challenger["check:promises"][f"{i:05d}"] = 0.0
    verdict = decide(rule, items(400), arm(rule, 400, 0.4), challenger)
    assert verdict.outcome == "FAIL"
    assert ["Aucune promesse sur un dossier" in r for r in verdict.reasons] == [True]


def test_when_nothing_could_be_scored_the_verdict_is_inconclusive_with_a_finite_number(rule):
    for champion, challenger in (({}, {}), (arm(rule, 400, 0.2), {}), ({}, arm(rule, 400, 0.9))):
        verdict = decide(rule, items(400), champion, challenger)
        assert verdict.outcome == "INCONCLUSIVE"
        assert verdict.needs_items < 10_000
        assert "Intégrité" in verdict.reasons[0]
        assert "relancer la même commande plume eval generate" in verdict.reasons[0]
    assert decide(rule, [], {}, {}).outcome == "INCONCLUSIVE"


def test_a_single_draft_that_failed_stands_in_the_way_of_a_pass(rule):
    challenger = arm(rule, 400, 0.9)
    del challenger["check:length"]["00003"]
    verdict = decide(rule, items(400), arm(rule, 400, 0.4), challenger)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.needs_items == 0  # it is in the split already: to be written, not to be collected
    assert "plume eval generate" in verdict.reasons[0]
    assert line(verdict, "check:length").value.n_error == 1


def test_missing_drafts_are_to_be_written_and_are_not_asked_for_as_more_reviews(rule):
    challenger = arm(rule, 310, 0.9)
    for measure in challenger.values():
        for i in range(18):
            del measure[f"{i:05d}"]
    verdict = decide(rule, items(310), arm(rule, 310, 0.2), challenger)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.needs_items == 0  # 292 are too few for 1 %, 310 are not
    assert not any("avis de plus" in reason.replace("\u00a0", " ") for reason in verdict.reasons)
    assert sum("les brouillons qui manquent" in reason for reason in verdict.reasons) == len(rule.safety)


def test_different_conditions_are_inconclusive_however_good_the_scores(rule):
    verdict = decide(rule, items(400), arm(rule, 400, 0.2), arm(rule, 400, 0.9), faults=["autres réglages."])
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reasons == ("Intégrité : autres réglages.",)
    assert verdict.needs_items == 0  # drafts are to be written again: more reviews would not mend it


def test_copies_of_a_review_do_not_buy_a_verdict(rule):
    # 100 reviews with 4 replies each are 400 items, but safety is bounded over 100 independent reviews
    challenger = arm(rule, 400, 0.9)
    verdict = decide(rule, items(400, per_review=4), arm(rule, 400, 0.2), challenger)
    assert verdict.outcome == "INCONCLUSIVE"
    assert line(verdict, "check:contacts").value.lower == pytest.approx(0.05 ** (1 / 100))
    assert verdict.needs_items == 299 * 4 - 400


def test_the_order_of_items_changes_nothing(rule):
    champion, challenger = arm(rule, 150, 0.4), arm(rule, 150, 0.5)
    shuffled = [items(150)[i] for i in np.random.default_rng(3).permutation(150)]
    backwards = {m: dict(reversed(v.items())) for m, v in challenger.items()}
    assert decide(rule, shuffled, champion, backwards) == decide(rule, items(150), champion, challenger)


def test_a_slice_that_certainly_loses_vetoes_and_small_ones_are_only_shown(rule):
    champion, challenger = arm(rule, 400, 0.0), arm(rule, 400, 1.0)
    for i in range(1, 400, 4):  # half of the negative reviews: only the champion passes
        champion["pass_all"][f"{i:05d}"], challenger["pass_all"][f"{i:05d}"] = 1.0, 0.0
    for i in range(3, 400, 4):
        champion["pass_all"][f"{i:05d}"] = 1.0
    verdict = decide(rule, items(400), champion, challenger)
    assert line(verdict, "pass_all").holds is True
    assert verdict.outcome == "FAIL"
    assert "ressenti : Négatif" in verdict.reasons[0]
    small = [x for x in verdict.estimates if x.slice and x.slice.startswith("network=")]
    assert len(small) == 50
    assert all(x.rule is None and x.holds is None for x in small)


def test_the_advice_is_enough_four_times_out_of_five(rule):
    # a lone guardrail that cannot be decided on 100 items; adding what is advised decides it about as often as planned
    lone = rule.model_copy(update={"guardrails": rule.guardrails[:1]})
    measure = lone.guardrails[0].measure
    rng = np.random.default_rng(4)

    def drawn(n):
        champion, challenger = arm(lone, n, 0.0), arm(lone, n, 1.0)
        which = rng.choice(3, size=n, p=[0.05, 0.05, 0.9])
        champion[measure] = {f"{i:05d}": float(w != 0) for i, w in enumerate(which)}
        challenger[measure] = {f"{i:05d}": float(w != 1) for i, w in enumerate(which)}
        return decide(lone, [Item(i.id, i.cluster) for i in items(n)], champion, challenger)

    decided = 0
    for _ in range(40):
        first = drawn(350)
        if line(first, measure).holds is not None:
            decided += 1
            continue
        decided += line(drawn(350 + first.needs_items), measure).holds is not None
    assert decided >= 26  # the advice is an estimate from 350 items: well above half, on average about 80 %


def test_copies_of_every_row_change_no_bound_and_no_outcome(rule):
    rng = np.random.default_rng(5)
    arms = [arm(rule, 330, 0.0), arm(rule, 330, 0.0)]
    for scores, share in zip(arms, (0.4, 0.6), strict=True):
        scores["pass_all"] = {i: float(rng.random() < share) for i in scores["pass_all"]}
    once = decide(rule, items(330), *arms)
    twice_items = [Item(f"{item.id}-{k}", item.cluster, item.slices) for item in items(330) for k in (1, 2)]
    copies = [{m: {f"{i}-{k}": v for i, v in x.items() for k in (1, 2)} for m, x in scores.items()} for scores in arms]
    twice = decide(rule, twice_items, *copies)
    assert twice.outcome == once.outcome
    for a, b in zip(once.estimates, twice.estimates, strict=True):
        if a.value.lower is not None and a.value.estimate not in (0.0, 1.0):
            assert (b.value.lower, b.value.upper) == pytest.approx((a.value.lower, a.value.upper), abs=1e-9)
        assert b.value.upper - b.value.lower >= a.value.upper - a.value.lower - 1e-9


def test_contaminated_items_leave_it_open_are_named_and_counted(rule):
    verdict = decide(rule, items(400), arm(rule, 400, 0.2), arm(rule, 400, 0.9), contaminated=["00012", "00007"])
    assert verdict.outcome == "INCONCLUSIVE"
    assert "(00007, 00012)" in verdict.reasons[0]
    assert verdict.needs_items == 2


def test_a_slice_in_which_nothing_differs_has_a_width(rule):
    verdict = decide(rule, items(400), arm(rule, 400, 1.0), arm(rule, 400, 1.0))
    slices = [x for x in verdict.estimates if x.slice and x.rule]
    assert slices
    assert all(x.value.lower < 0 < x.value.upper for x in slices)


def drawn(rng, rule, n, primary=(0.3, 0.1), broken=None, rate=0.0, per_review=1):
    """Scores of both arms on n reviews: `primary` chances that one arm alone passes, `rate` that a check is lost."""
    champion, challenger = arm(rule, n * per_review), arm(rule, n * per_review)
    ids = list(champion["pass_all"])
    which = np.repeat(rng.choice(3, size=n, p=[*primary, 1 - sum(primary)]), per_review)
    champion["pass_all"] = {i: float(w != 0) for i, w in zip(ids, which, strict=True)}
    challenger["pass_all"] = {i: float(w != 1) for i, w in zip(ids, which, strict=True)}
    if broken:
        lost = np.repeat(rng.random(n) < rate, per_review)
        challenger[broken] = {i: float(not x) for i, x in zip(ids, lost, strict=True)}
    return champion, challenger


NULLS = {
    "no gain": {"primary": (0.2, 0.2)},
    "no gain, two replies a review": {"primary": (0.2, 0.2), "per_review": 2},
    "a guardrail lost by its margin": {"broken": "check:promises", "rate": 0.03},
    "unsafe drafts at the limit": {"broken": "check:contacts", "rate": 0.01},
}


@pytest.mark.parametrize("runs", [pytest.param(120, id="short"), pytest.param(2500, id="long", marks=pytest.mark.long)])
@pytest.mark.parametrize("null", NULLS)
def test_the_gate_passes_what_it_must_not_in_one_sample_of_twenty(rule, null, runs):
    rng, options, passed = np.random.default_rng(6), NULLS[null], 0
    n = 300
    plain = [Item(f"{k:05d}", str(k // options.get("per_review", 1))) for k in range(n * options.get("per_review", 1))]
    for _ in range(runs):
        passed += decide(rule, plain, *drawn(rng, rule, n, **options)).outcome == "PASS"
    # what a chance of 5.5 % makes of so many samples 999 times in 1,000; summed over all outcomes, without clusters,
    # the chances are 2.5 %, 5.24 % (stats/test_simulations.py) and 0.99^300 = 4.90 %
    assert passed <= binom.ppf(0.999, runs, 0.055)


@pytest.mark.long
def test_the_gate_passes_a_better_challenger_as_often_as_the_formula_says(rule):
    # 25 % against 15 % of reviews on which one arm alone passes: the gain of 10 points in the advised number of items
    from eval.stats import sample_size

    n = sample_size.paired_proportions(0.4, 0.1, 0.1, confidence=0.975)
    assert n >= 299  # so that safety does not stand in the way
    rng, plain = np.random.default_rng(7), [Item(f"{k:05d}", str(k)) for k in range(n)]
    passed = [decide(rule, plain, *drawn(rng, rule, n, (0.25, 0.15))).outcome == "PASS" for _ in range(2500)]
    assert np.mean(passed) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("primary.measure=chrf_fr", "not a measure that may decide"),
        ("primary.measure=check:lenght", "did you mean check:length"),
        ("integrity.minimun=3", "did you mean integrity.minimum"),
        ("safety=[]", "at least one"),
        ("safety=[{measure: check:length, limit: 0.01}]", "judged twice"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(override, message):
    with pytest.raises(InputError, match=message):
        GateRule.load(GATE, [override])


def test_a_check_that_is_switched_off_judges_nothing():
    rule = GateRule.load(GATE, ["checks_off=[greeting]"])
    assert rule.checks_off == ("greeting",)
    assert "check:greeting" not in rule.measures
    rows = [
        {"id": id_, "measure": f"check:{check}", "value": float(check != failed)}
        for id_, failed in (("1", "greeting"), ("2", "length"), ("3", None))
        for check in ("greeting", "length")
    ]
    rows += [{"id": id_, "measure": "pass_all", "value": float(id_ == "3"), "detail": None} for id_ in "123"]
    rows += [{"id": "4", "measure": "pass_all", "error": "no draft"}]
    judged = {row["id"]: row.get("value") for row in judged_by(rows, rule.checks_off) if row["measure"] == "pass_all"}
    assert judged == {"1": 1.0, "2": 0.0, "3": 1.0, "4": None}
    assert judged_by(rows, ()) == rows


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["checks_off=[greetings]"], "'greetings' is no gating check; did you mean greeting"),
        (["checks_off=[thanks]"], "'thanks' is no gating check"),
        (["checks_off=[contacts,personal_data,french,injection]"], "at least one measure is wanted"),
        (["checks_off=[length]", "primary.measure=check:length"], "check:length is in checks_off"),
    ],
)
def test_a_check_that_cannot_be_switched_off_is_refused(overrides, message):
    with pytest.raises(InputError, match=message):
        GateRule.load(GATE, overrides)


def test_the_checks_of_zero_tolerance_are_those_of_safety():
    assert {one.measure for one in GateRule.load(GATE).safety} == {
        c.measure for c in CHECKS.values() if c.zero_tolerance
    }


def test_the_rule_file_starts_with_its_command_and_judges_every_check_once():
    from plume.checks import GATING

    first = GATE.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# plume eval compare ")
    assert "--gate configs/eval/gate.yaml" in first
    assert set(GateRule.load(GATE).measures) == {
        "pass_all",
        "respect",
        "copying",
        *(f"check:{name}" for name in GATING),
    }
