"""study.html: what it says of a result, and that it can be made of whatever a study left."""

import re
from dataclasses import replace

import pytest

from eval.stats.estimate import Estimate
from eval.study.analysis import findings as findings_module
from eval.study.analysis.figures import chart, forest
from eval.study.analysis.findings import findings
from eval.study.analysis.flow import flow_of
from eval.study.analysis.harms import ANY, harms
from eval.study.analysis.inputs import MISSING, Inputs, Rules
from eval.study.analysis.page import render
from eval.study.analysis.run import as_json
from eval.study.analysis.sentences import (
    carry_sentence,
    experience_sentence,
    harm_sentence,
    quality_sentence,
    time_sentence,
)
from eval.study.analysis.systems import ranked
from eval.study.analysis.times import ONE_ORDER, Timing, time_ratio
from eval.study.simulate import HARM, SYSTEM, Truth, items, simulate

TRUTH = Truth(agents=6, items=6, comparisons=3, finals=3)
LOST = Rules(MISSING, "a" * 64, None, None)


def timing(estimate, lower, upper, told=""):
    return Timing(estimate, lower, upper, 100, told=told)


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (timing(0.8, 0.7, 0.9), "Le brouillon fait gagner du temps : 20\u202f% en moins."),
        (timing(1.2, 1.1, 1.3), "Le brouillon fait perdre du temps : 20\u202f% en plus."),
        (timing(0.9, 0.8, 1.1), "Cette étude ne montre ni gain ni perte de temps."),
        (timing(None, None, None, "no timed reply"), "Le temps n’a pas pu être comparé."),
    ],
)
def test_the_page_begins_with_what_the_interval_says(ratio, said):
    assert time_sentence(ratio)[0] == said


def test_an_open_answer_says_what_stays_possible():
    told = time_sentence(timing(0.9, 0.8, 1.1))[1]
    assert "20\u202f% de gain et 10\u202f% de perte restent possibles" in told


@pytest.fixture(scope="module")
def study():
    return simulate(TRUTH, 2)


@pytest.fixture(scope="module")
def found(study):
    return findings(Inputs(study, items(6), LOST, {"items.jsonl": "b" * 64}))


def test_quality_is_judged_by_the_rules_alone(found):
    assert "aucun verdict" in quality_sentence(found)[0]
    won = Estimate(0.5, 0.42, 0.58, 90)
    judged = replace(found, won=won, judged="not inferior", bounded=won, margin=0.1)
    assert quality_sentence(judged)[0].startswith("Les réponses ne sont pas moins bonnes")
    assert "borne basse 42\u202f%, seuil 40\u202f%" in quality_sentence(judged)[1]
    nobody = replace(found, won=Estimate(None, None, None, 0))
    assert quality_sentence(nobody)[0] == "La qualité n’a pas été jugée à l’aveugle."


def test_the_test_of_carry_over_says_its_power(found):
    assert "huit fois sur dix" in carry_sentence(found)


def test_what_is_said_of_experience_is_true_also_where_drafts_cost_time(found):
    slower = replace(found, by_experience={"interaction": timing(0.7, 0.6, 0.9)})
    assert "fait gagner plus, ou perdre moins, à qui a moins d’un an" in experience_sentence(slower)


def test_one_harmful_draft_is_said_in_french(found):
    one = replace(found.harms[0], drafts=1, removed=0)
    assert harm_sentence([one]).endswith("Brouillons montrés qui en avaient : 1, dont 0 corrigé par les agents.")


def test_agents_of_one_order_are_no_crossover_and_the_page_says_it(study):
    order = {agent.id: agent.sequence for agent in study.agents}
    ratio = time_ratio([w for w in study.writings if order[w.agent] == "draft first"])
    assert (ratio.told, time_ratio(study.writings).told) == (ONE_ORDER, "")
    assert "le même ordre" in time_sentence(ratio)[1]
    assert time_ratio([w for w in study.writings if w.period == 1]).told == ""  # compares agents with agents


def test_an_unfinished_study_is_said_to_be_one(found):
    assert "L’étude n’est pas finie" not in render(found)
    page = render(replace(found, flow=replace(found.flow, waiting=7)))
    assert re.search(r"L’étude n’est pas finie\s:</strong> 7\sréponses sont encore attendues", page)


def test_figures_hold_their_numbers(study):
    drawn = forest(
        [("Tous", timing(0.8, 0.7, 0.9)), ("Autre", timing(5.0, 0.01, 50.0)), ("Sans", timing(1, None, None))]
    )
    assert [bar.label for bar in drawn.bars] == ["Tous", "Autre"]
    assert drawn.bars[0].low < drawn.bars[0].at < drawn.bars[0].high < drawn.one
    assert drawn.bars[1].open_left
    assert drawn.bars[1].open_right
    assert "1,00" in [label for _, label in drawn.ticks]
    assert forest([("Sans", timing(1, None, None))]) is None
    boxes = chart(flow_of(study)).boxes
    assert boxes[0].lines == ["6\u00a0agents invités"]
    assert boxes[2].lines[1] == "18 avec brouillon, 18 sans"


def left_by(study, name):
    """What may be left of a study."""
    writings = study.writings
    return {
        "no ratings": replace(study, ratings=()),
        "one arm": replace(study, writings=tuple(w for w in writings if w.arm == "draft"), ratings=()),
        "one agent": replace(study, writings=tuple(w for w in writings if w.agent == "A01")),
        "two agents": replace(study, writings=tuple(w for w in writings if w.agent in ("A01", "A02"))),
        "one reply": replace(study, writings=writings[:1], ratings=study.ratings[:1]),
        "no time": replace(study, writings=tuple(replace(w, active_seconds=0.0) for w in writings)),
        "all alike": replace(study, writings=tuple(replace(w, active_seconds=60.0) for w in writings)),
        "nothing said": replace(study, agents=tuple(replace(a, experience=None) for a in study.agents), flow={}),
    }[name]


@pytest.mark.parametrize(
    "name",
    ["no ratings", "one arm", "one agent", "two agents", "one reply", "no time", "all alike", "nothing said"],
)
def test_whatever_a_study_left_has_a_page(study, name, monkeypatch):
    monkeypatch.setattr(findings_module, "_harms", lambda *_: harms((), ()))
    made = findings(Inputs(left_by(study, name), items(6), LOST, {}))
    page = render(made)
    assert not re.search(r"(?<![-\w])(nan|None|inf)(?![-\w])", page)
    rows = as_json(made)["estimates"]
    assert all(row["lower"] is None or row["lower"] <= row["estimate"] <= row["upper"] for row in rows), rows


# --- harms and systems


def test_harms_are_counted_by_what_became_of_them():
    study = simulate(Truth(agents=4, items=4, harm_drafts=0, harm_blank=0, thinking=0), 1)
    drafted = [i for i, w in enumerate(study.writings) if w.draft]
    writings = list(study.writings)
    phone, clean = writings[drafted[0]].draft + HARM, writings[drafted[0]].draft
    for i, (draft, final) in zip(drafted, [(phone, phone), (phone, clean), (clean, phone)], strict=False):
        writings[i] = replace(writings[i], draft=draft, final=final)
    blank = next(i for i, w in enumerate(writings) if not w.draft)
    writings[blank] = replace(writings[blank], final=clean + " Appelez le [TEL]. Signé [AGENT].")
    found = {h.check: h for h in harms(writings, items(4))}
    contacts = found["contacts"]
    assert (contacts.drafts, contacts.removed, contacts.reached, contacts.added) == (2, 1, 1, 1)
    assert contacts.finals["draft"].estimate == pytest.approx(2 / 8)
    assert contacts.finals["blank"].estimate == pytest.approx(1 / 8)  # a mark of a phone is one that nobody gave
    assert found["placeholders"].finals["blank"].estimate == 0  # an agent's name, masked, is no harm
    assert found[ANY].reached >= 1


def test_systems_are_ranked_best_first():
    study = simulate(Truth(agents=12, items=12, comparisons=10, systems_preferred=0.8, thinking=0), 5)
    order, duels = ranked(study.ratings)
    assert [name for name, _, _ in order] == [SYSTEM, "système B"]
    assert duels[0].one == SYSTEM
    assert duels[0].won.lower > 0.5
    assert order[0][1] + order[1][1] == pytest.approx(1)
    assert ranked(()) == ([], [])
