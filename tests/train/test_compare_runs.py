"""`plume train compare`: figures by hand, and one run told alike by its folder, its id in MLflow and its version."""

import csv
import io
import json
import shutil

import pytest
from rich.console import Console
from typer.testing import CliRunner

from plume.cli import app
from plume.errors import InputError
from plume.registry import Version
from train.compare_runs import compare_runs, remarks, show
from train.config import TrainConfig
from train.preferences.config import PreferencesConfig
from train.run_records import FINISHED, RunRecord, _config, _of_mlflow, read_run

PREFERENCES = "configs/train/preferences.yaml"
SPLITS = {"train": "a" * 64, "validation": "b" * 64, "test": "c" * 64}


def record(name, losses, *, tokens_a_step=100, state=FINISHED, splits=SPLITS, validated=None, **config):
    """A run whose step i learns from 100 tokens, computes 1,000 a second, and has a loss of its own."""
    steps = [
        {
            "step": i,
            "loss": loss,
            "trained_tokens": i * tokens_a_step,
            "tokens": i * 1000,
            "tokens_per_second": 1000.0 * i,
            "mfu": 0.1 * i,
            "peak_memory_gib": 2.0 + (i == 2),
            "epoch": i / 4,
            "seconds": 1 / i,
        }
        | ({"validation_loss": validated[i]} if i in (validated or {}) else {})
        for i, loss in enumerate(losses, 1)
    ]
    config = {"optimiser.learning_rate": 1e-4, "max_epochs": 3, "max_steps": None, "out": name} | config
    return RunRecord(name, state, "f" * 32, 7, config, steps, splits, {}, {"kwh": 0.5, "kg_co2e": 0.03, "from_step": 0})


def test_losses_speed_and_cost_are_those_of_the_steps():
    # 12 steps with losses 12, 11 … 1: the last ten are 10 … 1, whose mean is 5.5.
    long = record("long", range(12, 0, -1), validated={4: 3.0, 8: 1.5, 12: 2.0})
    # 4 steps of 200 tokens: 800 in all, so equal tokens are those after step 8 of the long run: 12 … 5, mean 8.5.
    short = record("short", [9.0, 8.0, 7.0, 6.0], tokens_a_step=200, validated={4: 2.5})
    one, two = compare_runs([long, short])
    assert one["train_loss"] == 5.5
    assert two["train_loss"] == two["train_loss_at_equal_tokens"] == 7.5
    assert one["equal_tokens"] == two["equal_tokens"] == 800
    assert one["train_loss_at_equal_tokens"] == 8.5
    assert (one["validation_loss"], one["best_validation_loss"], one["best_step"]) == (2.0, 1.5, 8)
    assert (one["validation_loss_at_equal_tokens"], one["validated_at_step"]) == (1.5, 8)
    assert (two["validation_loss_at_equal_tokens"], two["validated_at_step"]) == (2.5, 4)
    # 1000, 2000, 3000, 4000 tokens a second: median 2500; quartiles, by linear interpolation, 1750 and 3250.
    assert [two[f"tokens_per_second{end}"] for end in ("", "_lower", "_upper")] == [2500, 1750, 3250]
    assert two["mfu"] == pytest.approx(0.25)
    assert two["peak_memory_gib"] == 3.0
    assert two["seconds"] == pytest.approx(1 + 1 / 2 + 1 / 3 + 1 / 4)
    assert (two["steps"], two["planned_steps"]) == (4, 12)  # 4 steps an epoch, 3 epochs
    assert (two["kwh"], two["kg_co2e"], two["version"], two["trained_tokens"]) == (0.5, 0.03, 7, 800)


def test_only_keys_that_differ_are_named_and_the_folder_is_none_of_them():
    options = {"optimiser.learning_rate": 2e-4, "lora.target_modules": ["q_proj"]}
    rows = compare_runs([record("one", [1.0]), record("two", [1.0], **options), record("three", [1.0])])
    keys = [key for key in rows[0] if key.startswith("config.")]
    assert keys == ["config.optimiser.learning_rate", "config.lora.target_modules"]
    assert [row["config.optimiser.learning_rate"] for row in rows] == [1e-4, 2e-4, 1e-4]
    assert [row["config.lora.target_modules"] for row in rows] == [None, ["q_proj"], None]
    assert "the configs do not differ" not in [*remarks(rows)]
    assert [*remarks(compare_runs([record("one", [1.0]), record("two", [2.0])]))] == ["the configs do not differ"]


def test_preferences_have_no_keys_of_plain_training_and_losses_of_their_own(tmp_path):
    (tmp_path / "train.yaml").write_text("data: d\nlora: {rank: 64}\n")
    options = ["data=d", "out=o", "decisions=f.jsonl"]
    (tmp_path / "preferences.yaml").write_text(PreferencesConfig.load(PREFERENCES, options).to_yaml())
    plain, taste = (_config(tmp_path / f"{name}.yaml") for name in ("train", "preferences"))
    assert (plain["lora.rank"], plain["lora.alpha"]) == (64, 32)  # an older run's file: the second is the default
    rows = compare_runs([record("plain", [1.0], **plain), record("taste", [0.7], **taste)])
    assert [row["config.lora.rank"] for row in rows] == [64, None]
    said = "the losses are of different kinds (method): they cannot be compared"
    assert said in [*remarks(rows)]
    assert said not in [*remarks(compare_runs([record("one", [1.0], **taste), record("two", [1.0], **taste)]))]


def test_other_data_and_runs_that_are_not_finished_are_said():
    other = record("other", [1.0], splits=SPLITS | {"validation": "d" * 64}, state="not finished")
    old = record("old", [], splits={"train": "a" * 64, "validation": "b" * 64})
    said = [*remarks(compare_runs([record("one", [1.0]), other, old]))]
    assert "the validation splits differ: the validation losses are of different texts" in said
    assert "the test split of old is not known" in said
    assert "other: not finished, so these are its figures so far" in said
    assert not any("train split" in line for line in said)


def test_a_run_without_a_step_has_no_figures_and_takes_none_from_the_others():
    full, empty = compare_runs([record("full", [3.0, 1.0]), record("empty", [], state="not finished")])
    assert (full["equal_tokens"], full["train_loss_at_equal_tokens"]) == (200, 2.0)
    assert empty["steps"] == 0
    assert {empty[key] for key in ("train_loss", "best_step", "tokens_per_second", "mfu", "seconds")} == {None}


def test_what_is_printed_is_plain_and_whole_in_a_pipe():
    runs = [
        record("[bold]one", [3.0, 1.0], validated={2: 1.25}),
        record("two", [], state="not finished", **{"lora.target_modules": ["q_proj", "v_proj"]}),
    ]
    console = Console(file=io.StringIO(), width=1000)
    show(compare_runs(runs), console)
    lines = {" ".join(line.split()) for line in console.file.getvalue().splitlines()}
    assert "[bold]one two" in lines
    assert "validation loss, best 1.2500 (step 2) –" in lines
    assert "tokens/s, median (quartiles) 1,500 (1,250–1,750) –" in lines
    assert "lora.target_modules null ['q_proj', 'v_proj']" in lines
    assert "steps 2 of 12 0" in lines


@pytest.fixture(scope="module")
def interrupted(settings, home, trained):
    """A run of two steps that was stopped before its adapter was written."""
    from train.run import train

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(home))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        patch.setattr("train.run.adapter.write", _interrupt)
        options = {"max_steps": 2, "validation__every": 1, "validation__drafts": 0, "optimiser__schedule": "linear"}
        with pytest.raises(KeyboardInterrupt):
            train(TrainConfig.load("configs/train/openhermes2-lora.yaml", settings(out=home / "cut-short", **options)))
    return home / "cut-short"


def _interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.fixture
def ask(home, monkeypatch):
    """ask(words…) -> (exit code, output)."""

    def call(*words):
        monkeypatch.setenv("PLUME_HOME", str(home))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        done = CliRunner().invoke(app, ["train", "compare", *map(str, words)])
        return getattr(done.exception, "exit_code", done.exit_code), f"{done.output}{done.exception or ''}"

    return call


def test_a_run_is_told_alike_by_folder_id_and_version(trained, interrupted, ask, tmp_path):
    folder, out = trained
    training = json.loads((folder / "adapter" / "training.json").read_text())
    number = out.partition("version: ")[2].split()[0]
    code, told = ask(folder, training["run_id"], number, interrupted, "--out", tmp_path / "runs.json")
    assert code == 0, told
    here, by_id, by_version, stopped = json.loads((tmp_path / "runs.json").read_text())
    assert (here["run"], by_id["run"], by_version["run"]) == (str(folder), training["run_id"], f"version {number}")
    for other in (by_id, by_version):
        assert {k: v for k, v in other.items() if k != "run"} == {
            k: pytest.approx(v) if isinstance(v, float) else v for k, v in here.items() if k != "run"
        }
    assert (here["steps"], here["planned_steps"], here["version"]) == (8, 8, int(number))
    assert here["trained_tokens"] == training["trained_tokens"]
    assert here["best_validation_loss"] == training["validation_loss"]
    assert here["test_split"] == training["dataset"]["splits"]["test"]["sha256"]
    assert (stopped["state"], stopped["version"], stopped["steps"]) == ("not finished", None, 2)
    assert stopped["validation_split"] == here["validation_split"]
    assert stopped["train_loss_at_equal_tokens"] == stopped["train_loss"]
    differing = {key for key in here if key.startswith("config.")}
    assert differing == {"config.max_steps", "config.validation.every", "config.validation.drafts"} | {
        "config.optimiser.schedule"
    }
    assert f"{interrupted}: not finished, so these are its figures so far" in told


def test_a_table_goes_to_csv_and_over_nothing(trained, interrupted, ask, tmp_path):
    file = tmp_path / "runs.csv"
    assert ask(trained[0], interrupted, "--out", file)[0] == 0
    rows = list(csv.DictReader(file.open()))
    assert [row["run"] for row in rows] == [str(trained[0]), str(interrupted)]
    assert [row["config.optimiser.schedule"] for row in rows] == ["cosine", "linear"]
    for out, why in ((file, "is there already"), (tmp_path / "runs.txt", "ends in .json or .csv")):
        code, told = ask(trained[0], interrupted, "--out", out)
        assert code == 2
        assert why in told
    assert ask(trained[0], interrupted, "--out", trained[0] / "runs.csv")[0] == 2


def test_what_is_no_run_or_damaged_is_one_line(trained, ask, tmp_path, home):
    steps = shutil.copytree(trained[0], tmp_path / "steps", ignore=shutil.ignore_patterns("*.pt"))
    lines = (steps / "steps.jsonl").read_text().splitlines(keepends=True)
    (steps / "steps.jsonl").write_text("".join([*lines[:2], '{"step": 3}\n', *lines[3:]]))
    words = shutil.copytree(steps, tmp_path / "words")
    (words / "steps.jsonl").write_text('{"step": 1, "loss": 2.5, "trained_tokens": "many"}\n')
    training = shutil.copytree(trained[0], tmp_path / "training", ignore=shutil.ignore_patterns("*.pt"))
    (training / "adapter" / "training.json").write_text("{")
    config = shutil.copytree(trained[0], tmp_path / "config", ignore=shutil.ignore_patterns("*.pt"))
    (config / "config.yaml").write_text("[1")
    for run, why in (
        (tmp_path, "not the folder of a training run"),
        (steps, "steps.jsonl, line 3: damaged"),
        (words, "steps.jsonl, line 1: damaged"),
        (training, "training.json: damaged"),
        (config, "config.yaml, line 1: not valid YAML"),
        (tmp_path / "nowhere", "no such folder"),
        ("f" * 32, f"the MLflow store has no run {'f' * 32}"),
        ("99", "no version or alias '99'"),
    ):
        code, told = ask(trained[0], run)
        assert (code, told.count("\n")) == (2, 0), told
        assert why in told
    assert "give two runs or more" in ask(trained[0])[1]


def test_a_run_that_went_on_is_its_last_adapter_and_each_version_is_its_own(trained, ask, store, tmp_path):
    """The run of `trained` as if it had gone on from step 4, where it had ended, to step 8."""
    whole = read_run(str(trained[0]))
    run = store.create_run("1", tags={"plume.kind": "train"}).info
    try:
        store.log_artifact(run.run_id, trained[0] / "config.yaml")
        for name, steps, epochs in (("adapter", 4, 1), ("adapter-8", 8, 2)):
            told = {"steps": steps, "stopped": f"at {steps}", "config": {"max_epochs": epochs}}
            (tmp_path / "training.json").write_text(json.dumps(told))
            store.log_artifact(run.run_id, tmp_path / "training.json", name)
        for row in whole.steps:
            for key in ("loss", "tokens", "trained_tokens", "epoch"):
                store.log_metric(run.run_id, key, row[key], step=row["step"])
        assert ask(run.run_id, trained[0])[0] == 0
        version = Version(5, run.run_id, f"{run.artifact_uri}/adapter")
        first, last = _of_mlflow("version 5", run.run_id, version), read_run(run.run_id)
        assert [step["step"] for step in first.steps] == [1, 2, 3, 4]
        assert (first.state, first.training["stopped"], first.config["max_epochs"]) == (FINISHED, "at 4", 1)
        assert len(last.steps) == 8
        assert (last.state, last.training["stopped"]) == ("not finished (running)", "at 8")
    finally:
        store.delete_run(run.run_id)


def test_another_kind_of_run_is_no_training(trained, ask, store):
    run = store.create_run("1", tags={"plume.kind": "compare"}).info.run_id
    try:
        code, told = ask(trained[0], run)
        assert code == 2
        assert f"MLflow's run {run} is no training of plume's (compare)" in told
    finally:
        store.delete_run(run)


def test_a_step_that_is_being_written_is_not_there_yet(interrupted, tmp_path):
    copy = shutil.copytree(interrupted, tmp_path / "run")
    with (copy / "steps.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    assert len(read_run(str(copy)).steps) == 2
    with pytest.raises(InputError, match="no such folder"):
        read_run("./nowhere")
