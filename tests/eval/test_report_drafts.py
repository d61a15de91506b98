"""Which drafts an evaluator is shown before signing."""

from pathlib import Path

from eval.drafts import Drafts
from eval.report_drafts import OF_EACH, WORST, failures, to_read
from eval.rule import GateRule
from plume.paths import ROOT

RULE = GateRule.load(ROOT / "configs" / "eval" / "gate.yaml")


def scored(*failing, error=None, chrf=50.0):
    """Rows of scores of one draft, by measure."""
    if error:
        return {m: {"error": error} for m in RULE.measures}
    values = {
        m: {"value": float(m not in failing), "detail": f"{m} !" if m in failing else None} for m in RULE.measures
    }
    return values | {"pass_all": {"value": float(not failing), "detail": None}, "chrf_fr": {"value": chrf}}


def read(champion, challenger):
    pairs = [{"id": i, "review": "Avis", "reply": "Réponse"} for i in champion]
    drafts = {
        arm: Drafts(Path("-"), {i: {"draft": f"Bonjour {arm}"} for i in champion}, {}, "-")
        for arm in ("champion", "challenger")
    }
    return to_read(RULE, pairs, drafts, champion, challenger)


def test_likeness_alone_is_no_regression():
    assert read({"1-1": scored(chrf=90)}, {"1-1": scored(chrf=10)}) == ([], 0)


def test_the_worst_come_first_a_missing_draft_then_safety_then_most_checks_lost():
    champion = {f"{n}-1": scored() for n in range(5)}
    challenger = {
        "0-1": scored("check:length"),
        "1-1": scored("check:length", "check:greeting"),
        "2-1": scored("check:contacts"),
        "3-1": scored(error="cut off"),
        "4-1": scored(),
    }
    shown, worse = read(champion, challenger)
    assert [one.pair["id"] for one in shown] == ["3-1", "2-1", "1-1", "0-1"]
    assert worse == 4
    assert shown[0].sides["challenger"].error == "cut off"
    assert shown[2].lost == ["Longueur de 60 à 140 mots", "Salutation au début"]


def test_every_check_of_the_rule_leads_to_some_drafts_that_fail_it():
    ids = [f"{n:03d}-1" for n in range(100)]
    challenger = {i: scored("check:contacts" if n < 60 else "check:length") for n, i in enumerate(ids)}
    shown, worse = read({i: scored() for i in ids}, challenger)
    assert worse == 100
    names = [one.pair["id"] for one in shown]
    assert names == [*ids[:WORST], *ids[60 : 60 + OF_EACH]]
    found = failures(RULE, {i: scored() for i in ids}, challenger)
    assert len(found["check:contacts"].rows) == 60
    assert found["check:contacts"].safety
    assert found["check:length"].rows[0] == ("060-1", "check:length !", False)
