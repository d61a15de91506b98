"""Planning a study: what is written, what is refused, and that nothing is simulated twice."""

import json

import pytest
from typer.testing import CliRunner

from eval.study import power
from eval.study.items import candidates
from eval.study.plan import plan
from eval.study.power import Power, chosen, expected_power, finals_wanted, find_designs
from eval.study.preregistration import DATABASE, check_out, items_of, read_preregistration
from plume.cli import app
from plume.errors import InputError
from plume.files import file_sha256

SURE = {"effect": 0.3, "agents": 6, "items": 6}  # shown by every simulated study


def planning(config, *, force=False):
    check_out(config.out, (config.data, *config.drafts), force=force)
    return plan(config, candidates(config))


def test_a_plan_is_a_folder_whose_hash_is_printed(planned, capsys):
    config = planned(24, **SURE)
    digest = planning(config)
    decided, found = read_preregistration(config.out)
    assert digest == found == file_sha256(config.out / "preregistration.json")
    printed = capsys.readouterr().out
    assert f"SHA-256: {digest}" in printed
    assert "e-mail it today to the data-protection officer" in printed
    assert (decided.agents, decided.items, decided.writing_system) == (6, 6, "v3")
    assert decided.systems == {drafts.stem: file_sha256(drafts) for drafts in config.drafts}
    assert decided.items_sha256 == file_sha256(config.out / "items.jsonl")
    assert "0,30" in decided.hypotheses[0]
    assert "10\u00a0points" in decided.hypotheses[1]
    items = items_of(config.out)
    assert len(items) == 6
    assert all(set(item.drafts) == {"v3", "v4"} for item in items)
    told = json.loads((config.out / "power.json").read_text())
    assert told["chosen"]["time"]["power"] == 1.0
    assert told["chosen"]["n"] == 20
    assert told["items"]["network"] == {"CAF": 3, "Préfectures": 3}
    assert "agents: 6" in (config.out / "config.yaml").read_text()


def test_the_command_keeps_the_hash_in_mlflow_too(planned, empty_store, tmp_path, monkeypatch):
    import mlflow

    config = planned(24, **SURE)
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    file = tmp_path / "study.yaml"
    file.write_text(config.to_yaml())
    done = CliRunner().invoke(app, ["eval", "study", "plan", str(file)], catch_exceptions=False)
    assert done.exit_code == 0
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert run.data.tags["preregistration_sha256"] == file_sha256(config.out / "preregistration.json")
    assert (run.data.tags["plume.kind"], run.data.params["agents"]) == ("study", "6")


def test_one_system_is_not_compared_with_itself(planned):
    config = planned(24, **SURE)
    planning(config.model_copy(update={"drafts": config.drafts[:1]}))
    assert read_preregistration(config.out)[0].comparisons == 0


def test_a_plan_is_overwritten_by_force_alone_and_a_study_that_began_never(planned):
    config = planned(24, **SURE)
    first = planning(config)
    with pytest.raises(InputError, match="is not empty; name another folder with out=, or overwrite it with --force"):
        planning(config)
    assert planning(config.model_copy(update={"seed": 5}), force=True) != first
    (config.out / DATABASE).touch()
    with pytest.raises(InputError, match="its study has begun"):
        planning(config, force=True)


def test_reviews_that_were_changed_since_and_what_is_no_plan_are_refused(planned, tmp_path):
    config = planned(24, **SURE)
    planning(config)
    with (config.out / "items.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(InputError, match=r"items.jsonl: is not what preregistration.json describes"):
        read_preregistration(config.out)
    with pytest.raises(InputError, match="no study's folder"):
        read_preregistration(tmp_path)
    (config.out / "preregistration.json").write_text('{"version": 0}')
    with pytest.raises(InputError, match="damaged, or of another version"):
        read_preregistration(config.out)


def test_too_few_reviews_and_too_small_an_effect_are_told_with_what_mends_it(planned):
    with pytest.raises(InputError, match=r"24 test reviews have a draft .* 30 are wanted"):
        planning(planned(24, items=30))


def test_an_effect_that_no_design_shows_is_refused_unless_the_design_is_named(planned, capsys):
    config = planned(24, effect=0.98, agent_choices=[6], item_choices=[6])
    with pytest.raises(InputError, match=r"no design that was tried shows an effect of 0.98 .* agents=N items=N"):
        planning(config)
    assert not config.out.exists()
    planning(config.model_copy(update={"agents": 6, "items": 6}))
    assert "the power for time is below the 80% that were wanted" in capsys.readouterr().out


def test_a_plan_that_was_interrupted_simulates_only_what_is_missing(planned, monkeypatch, tmp_path):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    config = planned(8, **SURE)
    judged, seeds = power.judged, []

    def interrupted(config, truth, seed):
        seeds.append(seed)
        if len(seeds) == 5:
            raise KeyboardInterrupt
        return judged(config, truth, seed)

    monkeypatch.setattr(power, "judged", interrupted)
    with pytest.raises(KeyboardInterrupt):
        power.power(config, 6, 6)
    assert power.power(config, 6, 6).n == 10
    assert power.power(config, 6, 6).n == 10
    assert len(seeds) == 11  # ten studies, one of them begun twice
    assert seeds[4] == seeds[5]


def designs(config, monkeypatch, reached):
    """Search with a power that is told instead of simulated; give what was asked for, too."""
    asked = []

    def told(config, agents, items, *, stage="search"):
        asked.append((agents, items, stage))
        return Power(agents, items, int(100 * reached(agents, items, stage)), 90, 10, 100)

    monkeypatch.setattr(power, "power", told)
    found = find_designs(config)
    return found, chosen(config, found), asked


def test_the_fewest_replies_that_reach_the_power_are_chosen(planned, monkeypatch):
    config = planned(8, agent_choices=[6, 8, 12, 16, 24], item_choices=[8, 12])
    found, taken, _ = designs(config, monkeypatch, lambda a, i, _: 0.9 if a * i >= 120 else 0.5)
    assert [(d.agents, d.items) for d in found] == [(16, 8), (12, 12)]
    assert (taken.agents, taken.items) == (16, 8)  # 128 replies, not 144


def test_a_design_that_was_lucky_once_is_not_chosen(planned, monkeypatch):
    config = planned(8, agent_choices=[6, 8, 12, 16, 24], item_choices=[8, 12])
    lucky = {(16, 8, "confirm"): 0.7}
    _, taken, asked = designs(
        config, monkeypatch, lambda a, i, stage: lucky.get((a, i, stage), 0.9 if a * i >= 120 else 0.5)
    )
    assert (taken.agents, taken.items) == (12, 12)  # 144 replies; 24 agents with 8 reviews would write 192
    assert len(asked) == len(set(asked))
    lucky[12, 12, "confirm"] = 0.7
    _, taken, _ = designs(
        config, monkeypatch, lambda a, i, stage: lucky.get((a, i, stage), 0.9 if a * i >= 120 else 0.5)
    )
    assert (taken.agents, taken.items) == (16, 12)  # 192 replies, as 24 agents with 8 reviews: fewer agents come first


def test_the_formula_that_says_where_to_look_is_the_t_test_of_agents_means(planned):
    config = planned(8, effect=0.8)
    # 16 agents, 16 reviews, a tenth leaves halfway: sqrt((0.15² + 4 · 0.45² / 15.2) / 16) = 0.069
    assert expected_power(config, 16, 16) == pytest.approx(0.86, abs=0.01)


def test_how_many_finals_would_do_is_told_where_more_can_be_rated(planned):
    config = planned(8)
    # 1.645 + 0.842 = 2.487 standard errors are wanted; with a power of 60 % there are 1.898: 1.716 times the ratings
    assert finals_wanted(config, Power(10, 20, 0, 60, 100.0, 100)) == 18
    assert finals_wanted(config, Power(10, 12, 0, 60, 100.0, 100)) is None
    assert finals_wanted(config.model_copy(update={"finals": 18}), Power(10, 20, 0, 60, 100.0, 100)) is None
    assert finals_wanted(config, Power(10, 12, 0, 0, 100.0, 100)) is None
