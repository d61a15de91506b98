"""What a verdict shows and does not judge: p-values, win rates, length."""

from pathlib import Path

import numpy as np
import pytest

from eval.gate import Item, decide
from eval.measures import OF_DRAFTS
from eval.rule import GateRule
from eval.secondary_measures import estimate_secondary
from eval.stats.multiplicity import holm

RULE = GateRule.load(Path(__file__).parents[2] / "configs" / "eval" / "gate.yaml")


def rows(values):
    """Scores of 1 and of 80 words everywhere but for `values`: measure -> list, one of a draft."""
    n = len(next(iter(values.values())))
    plain = dict.fromkeys(OF_DRAFTS, [1.0] * n) | {"draft_words": [80.0] * n, "chrf_fr": list(np.linspace(5, 30, n))}
    return [
        {"id": f"{i:04d}-1", "measure": m, "value": float(found[i])}
        for m, found in (plain | values).items()
        for i in range(n)
    ]


def informed(champion, challenger):
    from eval.score import by_measure

    arms = {"champion": rows(champion), "challenger": rows(challenger)}
    scores = {arm: by_measure(found) for arm, found in arms.items()}
    ids = list(scores["champion"]["pass_all"])
    judged = decide(RULE, [Item(i, i) for i in ids], scores["champion"], scores["challenger"])
    lines, remarks = estimate_secondary(judged, RULE, arms, scores)
    return judged, {(x.measure, x.arm): x for x in lines if not x.slice}, remarks


def test_p_values_are_mcnemars_and_holms_and_change_no_outcome():
    champion = {"check:length": [1.0] * 60, "check:greeting": [1.0] * 60, "pass_all": [0.0] * 7 + [1.0] * 53}
    challenger = {"check:length": [0.0] * 7 + [1.0] * 53, "check:greeting": [0.0] + [1.0] * 59, "pass_all": [1.0] * 60}
    judged, lines, _ = informed(champion, challenger)
    # 7 lost, none gained: 2 · 2^-7 less 2^-7; 1 lost: 2 · 1/2 less 1/2
    length, greeting = lines["check:length", "difference"], lines["check:greeting", "difference"]
    assert (length.p, greeting.p) == (pytest.approx(2**-7), pytest.approx(0.5))
    family = [lines[g.measure, "difference"] for g in RULE.guardrails]
    assert [x.p_holm for x in family] == pytest.approx(holm([x.p for x in family]))
    assert lines["pass_all", "difference"].p == pytest.approx(2**-7)
    assert lines["pass_all", "difference"].p_holm is None
    assert lines["chrf_fr", "difference"].p == 1.0
    assert [x for x in judged.estimates if x.p is not None] == []
    assert "p" not in length.as_dict()


def test_longer_but_no_better_is_said_and_longer_and_better_is_not():
    rng = np.random.default_rng(1)
    words = 80 + rng.normal(20, 8, 200)
    passes = (rng.random(200) < 0.6).astype(float)
    _, lines, remarks = informed({"pass_all": passes}, {"pass_all": rng.permutation(passes), "draft_words": words})
    assert len(remarks) == 1
    assert remarks[0].startswith("Longueur : 19 mots de plus")
    assert "sans gain établi" in remarks[0]
    assert lines["win_rate", "challenger"].value.estimate == pytest.approx(0.5)
    # all drafts are longer by about as much: what would be at equal length cannot be told, and that is said
    better = np.where(rng.random(200) < 0.8, 1.0, passes)
    assert "n’est plus établi" in informed({"pass_all": passes}, {"pass_all": better, "draft_words": words})[2][0]
    words = 80 + rng.normal(8, 25, 200)
    assert informed({"pass_all": passes}, {"pass_all": better, "draft_words": words})[2] == ()
    assert informed({"pass_all": passes}, {"pass_all": passes})[2] == ()


def test_better_only_where_longer_is_said():
    rng = np.random.default_rng(2)
    extra = rng.normal(10, 25, 400)
    champion = (rng.random(400) < 0.5).astype(float)
    challenger = np.where(extra > 25, 1.0, np.where(extra < -25, 0.0, champion))
    _, lines, remarks = informed({"pass_all": champion}, {"pass_all": challenger, "draft_words": 80 + extra})
    assert lines["win_rate", "challenger"].value.lower > 0.5
    assert "à longueur égale le gain n’est plus établi" in remarks[0]


def test_without_any_score_nothing_is_said():
    nothing = {m: [float("nan")] * 3 for m in OF_DRAFTS}
    judged, lines, remarks = informed(nothing, nothing)
    assert judged.outcome == "INCONCLUSIVE"
    assert remarks == ()
    assert lines["win_rate", "challenger"].value.estimate is None
    assert lines["pass_all", "difference"].p == 1.0
