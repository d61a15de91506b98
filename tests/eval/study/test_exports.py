"""What leaves a study: records, ratings and decisions as others read them, and the flow of who did what."""

import json

import pytest

from eval.study import exports
from eval.study.preregistration import PREREGISTRATION
from eval.study.records import Item, read_study
from plume.errors import InputError
from plume.judgements import read_decisions, read_ratings
from train.preferences.comparisons import Reviews, read
from train.preferences.config import PreferencesConfig


def rows(content):
    return [json.loads(line) for line in content.splitlines()]


def test_records_say_what_happened(open_store, clock):
    store = open_store(4, 6, comparisons=0, finals=0)
    store.people.begin("A001", "expert")
    task = store.next_task("A001")
    first = store.open_task("A001", task.id)
    clock.wait(120)
    counted = {"active_seconds": 40.25, "pauses": [61.5, 12], "keystrokes": 30, "pasted_characters": 0}
    store.save("A001", task.id, first.tab, "Bonjour", counted, 1)
    second = store.open_task("A001", task.id)
    clock.wait(30)
    counted = {"active_seconds": 20.5, "pauses": [11], "keystrokes": 5, "pasted_characters": 200}
    store.submit("A001", task.id, second.tab, "Bonjour M. Durand.", counted)
    study = exports.read(store.folder)  # while it is served
    (agent,), (writing,) = study.agents, study.writings
    arm = agent.sequence.split()[0]
    assert (agent.id, agent.experience, writing.agent) == ("A001", "expert", "A001")
    assert (writing.item, writing.network, writing.sentiment) == (task.item.id, task.item.network, task.item.sentiment)
    assert (writing.arm, writing.period, writing.position, writing.idle_seconds) == (arm, 1, 1, 60)
    # two tabs: their sums, in the order of the tabs
    assert (writing.active_seconds, writing.pauses) == (60.75, (61.5, 12, 11))
    assert (writing.keystrokes, writing.pasted_characters) == (35, 200)
    assert writing.final == "Bonjour M. [MASQUÉ]."
    shown = (task.item.drafts["v1"], "v1", "edited") if arm == "draft" else (None, None, None)
    assert (writing.draft, writing.system, writing.outcome) == shown
    assert writing.submitted_at == "2026-09-21T14:15:50+00:00"  # 1,790,000,150 s


def test_ratings_name_sides_systems_and_writers(open_store, clock, finish):
    store = open_store(4, 4)
    finish(store, clock)
    study = exports.read(store.folder)
    assert {(r.kind, r.choice, r.reasons) for r in study.ratings} == {
        (k, "left", ("tone",)) for k in ("drafts", "finals")
    }
    tasks = store.db.all("SELECT * FROM task WHERE kind != 'writing' ORDER BY agent, id")
    for rating, task in zip(study.ratings, tasks, strict=True):
        assert rating.left == (task["one"] if task["one_left"] else task["other"])
        assert {rating.left, rating.right} == {"v1", "v2"} if rating.kind == "drafts" else {"draft", "blank"}
        if rating.kind == "finals":
            arms = {w.agent: w.arm for w in study.writings if w.item == rating.item}
            assert [arms[writer] for writer in rating.writers] == [rating.left, rating.right]
    for agent in study.agents:
        for kind in ("drafts", "finals"):
            mine = [r.position for r in study.ratings if r.rater == agent.id and r.kind == kind]
            assert mine == [1, 2, 3]


def test_files_are_read_by_plume_and_by_the_training_on_preferences(small_dataset, open_store, clock, finish, tmp_path):
    pairs = rows((small_dataset / "train.jsonl").read_bytes())[:4]
    items = [
        Item(
            p["id"], p["network"], p["structure"], p["sentiment"], p["title"], p["review"],
            {name: f"Bonjour, brouillon {name}, avis {p['id']}." for name in ("v1", "v2")},
        )
        for p in pairs
    ]  # fmt: skip
    store = open_store(4, items)
    finish(store, clock, text="Bonjour, merci de votre avis. Cordialement.")
    for name, made in exports.FILES.items():
        (tmp_path / name).write_bytes(made(store.folder))
    decided, rated = read_decisions(tmp_path / "decisions.jsonl"), read_ratings(tmp_path / "ratings.jsonl")
    assert len(decided) == 8  # 4 agents, half of 4 reviews
    assert {(row["version"], row["seconds"], row["outcome"]) for row in decided} == {("v1", 60.0, "edited")}
    assert len(rated) == 12
    study = exports.read(store.folder).flow["preregistration_sha256"][:8]  # whose A001: each study has one
    assert {row["rater"] for row in rated} == {f"A00{n}@{study}" for n in range(1, 5)}
    assert {frozenset((row["left"], row["right"])) for row in rated} == {frozenset(("v1", "v2"))}
    assert read_study(tmp_path / "records.jsonl") == exports.read(store.folder)

    drafts = [{"id": i.id, "system": name, "draft": text} for i in items for name, text in i.drafts.items()]
    (tmp_path / "drafts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in drafts))
    named = {name: (tmp_path / f"{name}.jsonl",) for name in ("decisions", "ratings", "drafts")}
    judged = read(PreferencesConfig(data=small_dataset, out=tmp_path / "run", **named), Reviews(small_dataset))
    assert len(judged) == 20
    assert not [judgement.fault for judgement in judged if judgement.fault]


def test_the_flow_says_what_became_of_everyone_and_everything(open_store, clock, finish):
    store = open_store(4, 4, comparisons=0, finals=1)
    finish(store, clock, ["A001"])
    task = store.open_task("A002", store.next_task("A002").id)
    store.skip("A002", task.task.id, task.tab, "unreadable")
    task = store.open_task("A002", store.next_task("A002").id)
    store.submit("A002", task.task.id, task.tab, "Bonjour.", {"active_seconds": 500})  # no time has passed
    store.people.leave("A002", "malade")
    store.open_task("A003", store.next_task("A003").id)
    flow = exports.read(store.folder).flow
    whole = {key: flow[key] for key in ("invited", "began", "finished", "left", "left_before_the_end", "left_why")}
    assert whole == {
        "invited": 4,
        "began": 3,
        "finished": 1,
        "left": 1,
        "left_before_the_end": 1,
        "left_why": {"malade": 1},
    }
    assert flow["writing"] == {
        "given": 16,
        "done": 5,
        "left_out": {"unreadable": 1},
        "not_begun": 7,
        "begun": 1,
        "of_agents_who_left": 2,
    }
    assert sum(flow["arms"].values()) == 5
    assert flow["items"]["all"] == 4
    assert flow["items"]["fewest_in_an_arm"] == 0
    assert flow["beyond_clock"] == [["A002", task.task.item.id]]
    assert flow["preregistration_sha256"] == store.sha256
    json.dumps(flow)


def test_a_whole_study_has_every_review_in_both_arms(open_store, clock, finish):
    store = open_store(5, 5)
    finish(store, clock)
    flow = exports.read(store.folder).flow
    assert flow["items"] == {"all": 5, "in_both_arms": 5, "fewest_in_an_arm": 2, "most_in_an_arm": 3}
    assert flow["sequences"] in ({"draft first": 3, "blank first": 2}, {"draft first": 2, "blank first": 3})
    assert flow["finished"] == 5


@pytest.mark.parametrize("begun", [False, True])
def test_a_study_that_nobody_began_or_whose_plan_changed_gives_nothing(make_study, open_store, begun):
    folder = make_study()
    if begun:
        open_store(folder=folder)
        path = folder / PREREGISTRATION
        path.write_text(path.read_text().replace('"effect": 0.8', '"effect": 0.7'))
    with pytest.raises(InputError, match="changed since the study began" if begun else "nobody has begun this study"):
        exports.read(folder)
