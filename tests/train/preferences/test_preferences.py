"""From the drafts that were served to a version that learnt from what agents made of them, then compare and promote."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
from typer.testing import CliRunner

from eval.systems import resolve
from plume import lineage
from plume.adapters import Adapter
from plume.cli import app
from plume.errors import InputError
from plume.files import file_sha256, read_jsonl
from serve.guard.journal import Journal
from serve.state import State
from train.preferences.run import find_start

RECIPE = "configs/train/preferences.yaml"


@pytest.fixture(scope="module")
def served(tmp_path_factory, trained, home, pairs, decision, small_dataset):
    """A store of its own with version 1, and the state folder of a server: 12 drafts edited, one accepted."""
    folder = tmp_path_factory.mktemp("loop")
    shutil.copy(home / "mlflow.db", folder / "mlflow.db")
    state = State(folder / "state")
    state.folder.mkdir()
    journal = Journal(state.journal)
    for number, pair in enumerate(pairs["train"]):
        row = decision(pair, outcome="edited" if number else "accepted")
        shown = {key: pair[key] for key in ("network", "structure", "title", "review")}
        kept = {**shown, "draft": row["draft"], "failed": [], "prompt": "short-1"}
        journal.add_draft(f"draft-{number}", float(number), "agents", 1, kept)
        journal.add_decision(
            f"draft-{number}", float(number), {key: row[key] for key in ("outcome", "final", "seconds")}
        )
    journal.close()
    return SimpleNamespace(folder=folder, state=state, store=f"sqlite:///{folder / 'mlflow.db'}")


@pytest.fixture
def plume(served, monkeypatch):
    """Run a command in this process; returns what it prints."""
    monkeypatch.setenv("PLUME_HOME", str(served.folder))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", served.store)

    def call(*arguments, codes=(0,)):
        done = CliRunner().invoke(app, [str(a) for a in arguments])
        assert done.exit_code in codes, done.exception or done.output
        return done.output

    return call


def _words(served, small_dataset, *more):
    words = {
        "data": small_dataset,
        "out": served.folder / "run",
        "decisions": served.folder / "decisions.jsonl",
        "base.adapter": "1",
        "dtype": "float32",
        "ner": "false",
        "recompute": "false",
        "least_judgements": 5,
        "batch_size": 5,
        "micro_batch": 5,
        "validation.share": 0.25,
        "optimiser.learning_rate": 0.01,
    }
    return ["train", "preferences", RECIPE, *(f"{key}={value}" for key, value in words.items()), *more]


def test_the_loop_from_served_drafts_to_the_next_champion(plume, served, small_dataset, trained):
    decisions = served.folder / "decisions.jsonl"
    plume("serve", "decisions", "--out", decisions, f"state={served.state.folder}")
    assert "review" not in read_jsonl(decisions)[0]  # what is shown of a review leaves only where it is asked for
    plume("serve", "decisions", "--reviews", "--out", decisions, f"state={served.state.folder}")
    assert len(read_jsonl(decisions)) == 13

    shown = plume(*_words(served, small_dataset, "--preview", "1"))
    assert "13 judgements: 12 edited; 9 samples to learn from, 3 held out, 1 judgements left out" in shown
    assert "left out: 1 × accepted: no second text, and dpo learns from pairs" in shown
    assert not (served.folder / "run").exists()

    told = plume(*_words(served, small_dataset))
    assert "version: 2" in told
    _check_folder(served, trained, small_dataset)
    _check_ledger(served)

    # The verdict is on reviews that nothing was learnt from. Three items cannot pass: the rule says so, and holds.
    drafts = {version: served.folder / f"v{version}.jsonl" for version in (1, 2)}
    for version, out in drafts.items():
        plume("eval", "generate", "--system", version, "--data", small_dataset, "--out", out, "--max-new-tokens", 8)
    out = served.folder / "verdict"
    plume("eval", "compare", drafts[1], drafts[2], "--data", small_dataset, "--out", out, codes=(10, 20))
    verdict = json.loads((out / "verdict.json").read_text())
    assert verdict["inputs"]["challenger_adapter_sha256"] == Adapter.load(served.folder / "run" / "adapter").sha256
    plume("eval", "promote", "1", "--initial", "--reason", "the first", "--by", "a test")
    refused = CliRunner().invoke(app, ["eval", "promote", "2", "--verdict", str(out / "verdict.json")])
    assert f"{verdict['outcome']}, not PASS" in str(refused.exception)


def _check_folder(served, trained, small_dataset):
    run = served.folder / "run"
    steps = read_jsonl(run / "steps.jsonl")
    assert [row["step"] for row in steps] == [1, 2]
    assert steps[0]["loss"] - steps[0]["wanted_loss"] == pytest.approx(0.693147, rel=1e-5)
    assert steps[-1]["validation_n"] == 3
    assert [row["reason"] for row in read_jsonl(run / "dropped.jsonl")] == [
        "accepted: no second text, and dpo learns from pairs"
    ]
    adapter = Adapter.load(run / "adapter")
    first = Adapter.load(trained[0] / "adapter")
    assert sorted(path.name for path in adapter.folder.iterdir()) == sorted(p.name for p in first.folder.iterdir())
    training = adapter.training
    assert training["base"] == first.training["base"]
    assert (adapter.prompt, adapter.rank) == (first.prompt, first.rank)
    assert training["started_from"] == {"version": 1, "adapter_sha256": first.sha256}
    assert training["dataset"]["splits"] == first.training["dataset"]["splits"]
    digest = file_sha256(served.folder / "decisions.jsonl")
    assert training["preferences"]["inputs"] == [{"kind": "decisions", "name": "decisions.jsonl", "sha256": digest}]
    assert training["preferences"]["said"] == {"edited": 12}
    assert training["preferences"]["held_out"]["n"] == 3
    assert "decisions" not in training["config"]  # of this machine
    card = (adapter.folder / "README.md").read_text()
    for text in (
        "by DPO (beta 0.1",
        "Of 3 held-out judgements",
        "12 edited; 3 of 12 samples held out",
        "from version 1",
    ):
        assert text in card
    assert digest[:16] in card


def _check_ledger(served):
    client = mlflow.MlflowClient(served.store, registry_uri=served.store)
    version = client.get_model_version("plume-reply", "2")
    digest = file_sha256(served.folder / "decisions.jsonl")
    first = client.get_model_version("plume-reply", "1")
    run = client.get_run(version.run_id)
    for tags in (version.tags, run.data.tags):
        assert tags[lineage.STARTED_FROM] == first.tags["adapter_sha256"]
        assert tags["preferences.decisions.1.sha256"] == digest
    assert version.tags["train_split_sha256"] == first.tags["train_split_sha256"] == version.tags[lineage.EARLIER]
    assert run.data.params["method"] == "dpo"
    assert {m.step for m in client.get_metric_history(version.run_id, "validation_win_rate")} == {2}
    assert resolve("2").describe()["trained_on"][lineage.EARLIER] == [first.tags["train_split_sha256"]]


def test_a_finished_run_goes_on_with_more_epochs_as_another_version(plume, served, small_dataset):
    if not (served.folder / "run").exists():
        pytest.skip("needs the loop before")
    words = _words(served, small_dataset, "--resume")
    assert "is finished" in str(CliRunner().invoke(app, words).exception)
    changed = CliRunner().invoke(app, [*words, "beta=0.2"])
    assert "was started with another config: beta=0.1 there, beta=0.2 here" in str(changed.exception)
    assert "version: 3" in plume(*words, "max_epochs=2")
    assert [row["step"] for row in read_jsonl(served.folder / "run" / "steps.jsonl")] == [1, 2, 3, 4]
    assert (served.folder / "run" / "adapter-2").is_dir()


def test_too_few_judgements_are_refused_in_one_line(learn_here, pairs, decision, write_rows):
    rows = [decision(pair) for pair in pairs["train"]] + [decision(pairs["test"][0])]
    path = write_rows("decisions.jsonl", rows)
    with pytest.raises(InputError) as refused:
        learn_here(decisions=path, least_judgements=50)
    assert str(refused.value) == (
        "12 judgements to learn from, of 14 that were read, and least_judgements=50: give more (left out, most often: "
        "1 × its review is of the test split)"
    )


def test_the_base_is_noted_by_its_full_path(configured, trained, monkeypatch):
    """`./tiny` in an adapter would mean another folder, or none, to whoever serves it from elsewhere."""
    folder = Path(Adapter.load(trained[0] / "adapter").base.model)
    config = configured(decisions="d", base__adapter=trained[0] / "adapter", base__model=f"./{folder.name}")
    monkeypatch.chdir(folder.parent)
    assert find_start(config)[0].base.model == str(folder)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"base__adapter": "null"}, "base.adapter: missing; name where learning starts"),
        ({"base__model": "smollm2-135m-instruct"}, "was trained on .* not on base.model=smollm2-135m-instruct"),
        ({"prompt": "v1"}, "prompt=v1: the adapter was trained with short-1"),
    ],
)
def test_another_start_than_the_adapters_is_refused(learn_here, overrides, message):
    with pytest.raises(InputError, match=message):
        learn_here(decisions="decisions.jsonl", **overrides)
