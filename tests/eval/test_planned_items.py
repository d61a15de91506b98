"""How many reviews a decision needs, held against the gate itself: it passes as often as the plan says."""

import importlib.util
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from eval.gate import decide
from eval.planned_items import OF_ONE_CHECK, plan, tell, to_json
from eval.rule import GateRule
from eval.stats.sample_size import paired_proportions, power_of
from eval.verdict import Item, ProbeScores
from plume.errors import InputError

GATE = Path(__file__).parents[2] / "configs" / "eval" / "gate.yaml"


def _part(planned, part, measure):
    return next(one for one in planned["parts"] if (one["part"], one["measure"]) == (part, measure))


def test_power_is_the_sample_size_the_other_way_round():
    for discordance, gap, difference in ((0.1, 0.03, 0.0), (0.1, 0.05, 0.05), (0.2, -0.05, 0.0), (0.02, 0.03, 0.01)):
        n = paired_proportions(discordance, gap, difference)
        assert power_of(n, discordance, gap, difference) >= 0.8 > power_of(n - 1, discordance, gap, difference)


def test_the_plan_follows_the_gates_own_numbers(tmp_path):
    planned = plan(GATE, 0.05)
    rule = GateRule.load(GATE)
    assert _part(planned, "safety", "check:contacts")["reviews"] == 299  # 1 - 0.05^(1/299) = 1 %
    assert _part(planned, "primary", "pass_all")["reviews"] == paired_proportions(0.1, 0.05, 0.05, confidence=0.975)
    own = OF_ONE_CHECK * 0.05
    one = _part(planned, "guardrail", "check:promises")
    assert one["reviews"] == paired_proportions(0.02, 0.03 + own, own)
    assert {part["measure"] for part in planned["parts"] if part["part"] == "guardrail"} == {
        g.measure for g in rule.guardrails
    }
    assert planned["reviews"] > max(part["reviews"] for part in planned["parts"] if part["decides"])
    assert planned["split"] is None

    loose = tmp_path / "loose.yaml"
    loose.write_text(GATE.read_text().replace("margin: 0.03", "margin: 0.06"), encoding="utf-8")
    assert plan(loose, 0.05)["reviews"] < planned["reviews"]
    assert plan(GATE, 0.1)["reviews"] < planned["reviews"] < plan(GATE, 0.05, power=0.95)["reviews"]
    assert plan(GATE, 0.05, discordance=0.3)["reviews"] > planned["reviews"]
    three = plan(GATE, 0.05, challengers=3)
    assert _part(three, "safety", "check:contacts")["reviews"] == 408  # 0.05 / 3 in place of 0.05
    assert three["reviews"] > planned["reviews"]


def test_a_test_split_is_large_enough_or_not(make_data, tmp_path, capsys):
    small = make_data(60)
    planned = plan(GATE, 0.05, data=small)
    assert planned["split"]["enough"] is False
    assert planned["split"]["lacking"] == planned["reviews"] - 60
    assert planned["split"]["power"] == 0  # safety alone wants 299
    assert planned["split"]["slices"]["network=CAF"] == 30
    tell(planned)
    told = capsys.readouterr().out
    assert "60 pairs of 60 reviews, worth 60 independent ones: about" in told
    assert max(map(len, told.splitlines())) < 130
    large = make_data(planned["reviews"] + 10, "large")
    assert plan(GATE, 0.05, data=large)["split"]["enough"] is True
    assert plan(GATE, 0.05, data=large)["split"]["power"] >= 0.8
    assert json.loads(to_json(planned))["split"]["pairs"] == 60


def test_replies_to_one_review_count_once(make_data):
    data = make_data(60)
    file = data / "test.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for n, row in enumerate(rows):
        row["id"] = f"{n // 2:04d}-{n % 2 + 1}"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    manifest = json.loads((data / "manifest.json").read_text())
    from plume.files import file_sha256

    manifest["splits"]["test"]["sha256"] = file_sha256(file)
    (data / "manifest.json").write_text(json.dumps(manifest))
    split = plan(GATE, 0.05, data=data)["split"]
    assert (split["pairs"], split["independent"], split["effective"]) == (60, 30, 30)


def test_an_earlier_verdict_tells_how_often_two_systems_differ(tmp_path):
    for arm, fails in (("champion", range(0, 40, 2)), ("challenger", range(0, 40, 4))):
        rows = [{"id": f"{i}-1", "measure": "pass_all", "value": float(i not in fails)} for i in range(90)]
        (tmp_path / f"{arm}.scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    planned = plan(GATE, 0.05, like=tmp_path)
    assert _part(planned, "primary", "pass_all")["discordance"] == pytest.approx((10 + 1) / 100)
    with pytest.raises(InputError, match="holds no scores of a verdict"):
        plan(GATE, 0.05, like=tmp_path / "none")


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match=r"--gain 1\.2"):
        plan(GATE, 1.2)
    with pytest.raises(InputError, match=r"a gain of 0\.2 needs at least 0\.2 of the reviews"):
        plan(GATE, 0.2, discordance=0.1)


def _trial(rng, rule, n, gain, discordance, single):
    """Both arms of n items whose parts are independent: each gains and loses as the plan assumes."""
    items = [Item(f"{i:05d}", str(i), {}) for i in range(n)]
    arms = ({}, {})
    for measure in rule.measures:
        differs, shift = single, min(OF_ONE_CHECK, single / discordance) * gain
        if measure == rule.primary.measure:
            differs, shift = discordance, gain
        elif measure in {s.measure for s in rule.safety}:
            differs = shift = 0.0
        drawn = rng.random(n)
        gained, lost = drawn < (differs + shift) / 2, drawn > 1 - (differs - shift) / 2
        for arm, failing in zip(arms, (gained, lost), strict=True):
            arm[measure] = dict(zip((item.id for item in items), (~failing).astype(float).tolist(), strict=True))
    return items, *arms


def _passes(rule, seed, runs, gain, discordance, single):
    """Count the passes of `runs` trials with as many items as the plan says."""
    n = plan(GATE, gain, discordance=discordance, check_discordance=single)["reviews"]
    rng, probed = np.random.default_rng(seed), {m: {f"p{k}": 1.0 for k in range(240)} for m in rule.probed}
    found = 0
    for _ in range(runs):
        items, champion, challenger = _trial(rng, rule, n, gain, discordance, single)
        found += decide(rule, items, champion, challenger, probes=ProbeScores(240, probed, probed)).outcome == "PASS"
    sys.stdout.write(f"gain {gain}, {discordance} and {single} differ: n={n}, PASS {found} of {runs}\n")
    return found


@pytest.mark.parametrize(("gain", "discordance", "single"), [(0.08, 0.2, 0.04)])
def test_the_gate_passes_about_as_often_as_planned(gain, discordance, single):
    found = _passes(GateRule.load(GATE), 1, 40, gain, discordance, single)
    assert binom.ppf(0.001, 40, 0.8) <= found <= 40


@pytest.mark.long
@pytest.mark.parametrize(
    ("gain", "discordance", "single"), [(0.05, 0.1, 0.02), (0.08, 0.2, 0.04), (0.08, 0.4, 0.08), (0.05, 0.06, 0.05)]
)
def test_the_gate_passes_as_often_as_planned(gain, discordance, single):
    runs = 400
    found = _passes(GateRule.load(GATE), 2, runs, gain, discordance, single)
    assert binom.ppf(0.001, runs, 0.77) <= found <= binom.ppf(0.999, runs, 0.86)


@pytest.mark.long
@pytest.mark.parametrize(("alike", "differs"), [(0.0, 0.464), (0.5, 0.224)])
def test_the_plan_holds_for_faults_as_drafts_have_them(alike, differs):
    """Faults of the gold drafts, several a draft, as in test_gate_simulated.py; champion 60 %, challenger 68 %."""
    spec = importlib.util.spec_from_file_location("simulated", Path(__file__).with_name("test_gate_simulated.py"))
    simulated = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(simulated)
    n = plan(GATE, 0.08, discordance=differs)["reviews"]
    found = simulated.outcomes(3, n, 0.6, 0.6 + 0.08 / (1 - alike), alike)
    assert math.isclose(found["PASS"] / simulated.RUNS, 0.8, abs_tol=0.1)


def test_of_peoples_choice_most_are_for_one_side():
    planned = plan(GATE.with_name("gate-people.yaml"), 0.1)
    (primary,) = [part for part in planned["parts"] if part["part"] == "primary"]
    assert (primary["measure"], primary["discordance"]) == ("preferred", 0.7)
    assert 500 < primary["reviews"] < 600
    assert _part(planned, "people", "preferred")["reviews"] == 30


def test_reviews_that_people_must_compare_are_counted(tmp_path):
    many = tmp_path / "gate.yaml"
    rule = GATE.with_name("gate-people.yaml").read_text(encoding="utf-8")
    many.write_text(rule.replace("minimum: 30 ", "minimum: 5000 ").replace("based_on: gate", "based_on: base"))
    (tmp_path / "base.yaml").write_bytes(GATE.read_bytes())
    assert plan(many, 0.1)["reviews"] == 5000
    many.write_text(rule.replace("based_on: gate", f"based_on: {tmp_path}/base"))
    with pytest.raises(InputError, match="name a rule of the same folder"):
        plan(many, 0.1)
