"""Runs that are stopped, killed, spoilt or begun twice: what stands afterwards, and how they go on."""

import errno
import hashlib
import json
import os
import resource
import shutil
import signal
import sqlite3
from contextlib import closing
from functools import partial

import pytest
import torch
from safetensors import SafetensorError

from plume import registry, tracking
from plume.corpus import documents
from plume.errors import InputError, PlumeError
from plume.files import folder_sha256
from train import checkpoint, ledger, loop
from train.folder import alone


def test_ctrl_c_exits_130_says_how_to_go_on_and_marks_the_run(command, run, home, store, wait_for_step):
    folder = home / "stopped"
    process = command(out=folder, max_epochs=200)
    wait_for_step(folder, 3, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in err
    assert "Traceback" not in err
    runs = store.search_runs(["1"], "attributes.run_name = 'stopped'")
    assert [r.info.status for r in runs] == ["KILLED"]


def test_ctrl_c_waits_until_the_store_has_a_step_whole(home, store, tmp_path, monkeypatch):
    """Cut in two, the write left SQLite locked, and the run could not be marked."""
    tracking.connect(f"sqlite:///{home / 'mlflow.db'}")
    run_id = store.create_run("1").info.run_id
    steps = ledger.Ledger(run_id, tmp_path / "steps.jsonl")
    real = steps._client.log_batch

    def stopped_within(*arguments, **more):
        signal.raise_signal(signal.SIGINT)
        real(*arguments, **more)

    monkeypatch.setattr(steps._client, "log_batch", stopped_within)
    with pytest.raises(KeyboardInterrupt):
        steps.log({"loss": 1.0}, 1)
    assert tracking.last_step(run_id, "loss") == 1


def test_a_run_folder_is_not_overwritten_unless_forced(trained, train_here):
    folder, _ = trained
    before = folder_sha256(folder)
    with pytest.raises(InputError, match="--force"):
        train_here(out=folder)
    assert folder_sha256(folder) == before


def test_resume_refuses_another_config_and_a_run_that_never_started(trained, train_here, tmp_path):
    other = (
        r"another config: lora\.rank=16, seed=20231005 there, lora\.rank=8, seed=1 here; .* max_steps, max_epochs, val"
    )
    with pytest.raises(InputError, match=other):
        train_here(resume=True, out=trained[0], seed=1, lora__rank=8)
    with pytest.raises(InputError, match="is finished, its adapter is never rewritten: it has made its 8 steps;"):
        train_here(resume=True, out=trained[0])
    with pytest.raises(InputError, match="no run to resume"):
        train_here(resume=True, out=tmp_path)


@pytest.fixture
def killed_at(train_here, monkeypatch):
    """A run that ends as if killed where `name` of train.run is called, moments that no kill hits twice."""

    def call(name, instead, **overrides):
        with monkeypatch.context() as patch:
            patch.setattr(f"train.run.{name}", instead)
            with pytest.raises(KeyboardInterrupt):
                train_here(**overrides)

    return call


def _interrupt(*_, **__):
    raise KeyboardInterrupt


def test_killed_where_mlflow_and_the_folder_disagree_it_goes_on_as_the_same_run(killed_at, train_here, tmp_path, store):
    import train.run as module

    options, client = {"out": tmp_path / "run", "max_steps": 2}, store
    drafts, weights = (options["out"] / name for name in ("drafts.jsonl", "adapter/adapter_model.safetensors"))
    before = {run.info.run_id for run in client.search_runs(["1"])}
    note, register = module.folder.note, module.registry.register

    killed_at("folder.note", lambda out, facts: _interrupt() if "run_id" in facts else note(out, facts), **options)
    killed_at("registry.register", _interrupt, resume=True, **options)
    with drafts.open("a") as file:  # a draft may hold what other readers take for the end of a line
        file.write(json.dumps({"step": 2, "id": "x", "draft": "a\u2028b"}, ensure_ascii=False) + '\n{"step": 2, "dr')
    written = weights.read_bytes()
    killed_at("registry.register", lambda *given: _interrupt(register(*given)), resume=True, **options)
    result = train_here(resume=True, **options)

    (opened,) = {run.info.run_id for run in client.search_runs(["1"])} - before
    assert result.run_id == opened
    assert client.get_run(opened).info.status == "FINISHED"
    assert [int(v.version) for v in client.search_model_versions(f"run_id='{opened}'")] == [result.version]
    assert weights.read_bytes() == written
    assert client.get_model_version("plume-reply", result.version).tags["adapter_sha256"] == folder_sha256(
        weights.parent
    )
    assert [json.loads(line)["draft"] for line in drafts.open()][-1] == "a\u2028b"


def test_a_run_that_the_store_does_not_have_is_one_line(killed_at, train_here, tmp_path, store):
    options = {"out": tmp_path / "run", "max_steps": 1}
    killed_at("adapter.write", _interrupt, **options)
    noted = json.loads((options["out"] / "run.json").read_text())["run_id"]
    store.delete_run(noted)
    with pytest.raises(InputError, match=rf"the run {noted} is deleted there; set MLFLOW_TRACKING_URI"):
        train_here(resume=True, **options)
    store.restore_run(noted)
    assert train_here(resume=True, **options).run_id == noted


@pytest.mark.parametrize(("validated", "told"), [(True, "validation loss is nan"), (False, "holds numbers that are")])
def test_a_last_step_that_ruins_the_adapter_registers_nothing(
    train_here, tmp_path, monkeypatch, validated, told, store
):
    if not validated:
        monkeypatch.setattr("train.loop.mean_loss", lambda *_: 1.0)  # as where there is no validation split
    known = len(store.search_model_versions("name='plume-reply'"))
    with pytest.raises(PlumeError, match=told):
        train_here(
            out=tmp_path / "run",
            max_steps=1,
            optimiser__learning_rate="1.0e+38",
            optimiser__warmup_share=0,
        )
    assert not (tmp_path / "run" / "adapter").exists()
    assert len(store.search_model_versions("name='plume-reply'")) == known


def test_steps_that_are_done_again_stand_once_in_mlflow(killed_at, train_here, tmp_path, store, steps_of):
    options = {"out": tmp_path / "run", "max_steps": 3, "checkpoint_every": 2}
    killed_at("adapter.write", _interrupt, **options)
    (options["out"] / "checkpoint.pt").unlink()  # as if killed before it was written
    result = train_here(resume=True, **options)
    assert [m.step for m in store.get_metric_history(result.run_id, "loss")] == [1, 2, 3]
    assert [s["step"] for s in steps_of(options["out"])] == [1, 2, 3]


def test_a_run_goes_on_with_the_samples_that_it_was_started_on(killed_at, train_here, small_dataset, tmp_path):
    options = {"out": tmp_path / "run", "max_steps": 1, "data": tmp_path / "dataset"}
    shutil.copytree(small_dataset, options["data"])
    killed_at("adapter.write", _interrupt, **options)
    train_split, manifest = options["data"] / "train.jsonl", options["data"] / "manifest.json"
    train_split.write_bytes(train_split.read_bytes().replace(b"Bonjour", b"Bonsoir", 1))
    described = json.loads(manifest.read_text())
    described["splits"]["train"]["sha256"] = hashlib.sha256(train_split.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(described))
    (options["data"] / "README.md").write_text(documents.card(described))  # by it `datasets` knows the folder changed
    with pytest.raises(InputError, match="was started on other samples"):
        train_here(resume=True, **options)


def test_a_run_during_which_someone_was_forgotten_registers_nothing(
    train_here, small_dataset, tmp_path, monkeypatch, store
):
    options = {"out": tmp_path / "run", "max_steps": 1, "data": tmp_path / "dataset", "validation__drafts": 0}
    shutil.copytree(small_dataset, options["data"])
    manifest, real = options["data"] / "manifest.json", loop.backward

    def forget(*arguments):  # as `plume data forget` leaves the manifest
        described = json.loads(manifest.read_text())
        manifest.write_text(json.dumps(described | {"history": [described["splits"]["train"]["sha256"]]}))
        return real(*arguments)

    monkeypatch.setattr(loop, "backward", forget)
    known = len(store.search_model_versions("name='plume-reply'"))
    with pytest.raises(InputError, match="were erased from it while this run trained"):
        train_here(**options)
    assert not (options["out"] / "adapter").exists()
    assert len(store.search_model_versions("name='plume-reply'")) == known


def test_two_processes_do_not_train_into_one_folder(trained, train_here, tmp_path):
    with alone(tmp_path / "run"), pytest.raises(InputError, match="another process trains into it"):
        train_here(out=tmp_path / "run", max_steps=1)
    with alone(trained[0]), pytest.raises(InputError, match="another process trains into it"):
        train_here(out=trained[0], force=True)


@pytest.fixture
def two_checkpoints(tmp_path):
    """Those of steps 1 and 2, and the adapter in them."""
    weight = torch.nn.Parameter(torch.ones(300))
    optimiser = torch.optim.AdamW([weight])
    for step in (1, 2):
        checkpoint.save(tmp_path, checkpoint.Standing(step=step), {"a": weight.data * step}, None, optimiser, [])
    return tmp_path / checkpoint.LATEST, tmp_path / checkpoint.PREVIOUS


@pytest.mark.parametrize("damage", ["empty", "half", "text", "zeroed", "gone"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(two_checkpoints, damage):
    latest, previous = two_checkpoints
    whole, told = latest.read_bytes(), []
    middle = len(whole) // 2
    damaged = {"empty": b"", "half": whole[:middle], "text": b"no checkpoint"}
    damaged["zeroed"] = whole[:middle] + bytes(400) + whole[middle + 400 :]
    assert checkpoint.load(latest.parent)["progress"].step == 2
    latest.unlink() if damage == "gone" else latest.write_bytes(damaged[damage])
    state = checkpoint.load(latest.parent, told.append)
    assert (state["progress"].step, state["adapter"]["a"].max()) == (1, 1)
    if damage == "gone":  # killed between the two renames
        assert not told
        return
    assert len(told) == 1
    assert f"{latest}: cannot be read" in told[0]
    assert told[0].endswith("going on from the checkpoint before, of step 1")
    previous.write_bytes(damaged[damage])
    with pytest.raises(InputError, match=r"checkpoint\.pt: cannot be read .* remove checkpoint\.pt and check"):
        checkpoint.load(latest.parent)


def test_a_full_disk_at_a_checkpoint_is_one_line_and_leaves_no_half(train_here, tmp_path, monkeypatch):
    def full(_, file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("train.checkpoint.torch.save", full)
    with pytest.raises(InputError, match=r"checkpoint\.pt: cannot be written \(No space left on device\); make room"):
        train_here(out=tmp_path / "run", max_steps=1)
    assert not list((tmp_path / "run").glob("*.partial"))


def test_a_full_disk_at_a_step_or_at_the_adapter_is_one_line_and_leaves_no_half(tmp_path, monkeypatch):
    from train import run as module

    def full(folder):
        (folder / "adapter_model.safetensors").write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with pytest.raises(InputError, match=r"adapter: cannot be written \(.*No space left.*\); make room, then go on"):
        module._write_adapter(tmp_path / "adapter", [], full)
    assert not list(tmp_path.iterdir())

    loop._append(tmp_path / "steps.jsonl", {"step": 1})
    limit, before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limit[1]))  # half of the next line has room, and no more
    try:
        with pytest.raises(InputError, match=r"steps\.jsonl: cannot be written \(.*\); make room, then go on"):
            loop._append(tmp_path / "steps.jsonl", {"step": 2, "loss": 1.25})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert (tmp_path / "steps.jsonl").read_text() == '{"step": 1}\n'


@pytest.fixture
def tables(home):
    """Take the store's metrics away, or give them back: a database that answers with errors at once."""

    def move(there, here="metrics"):
        with closing(sqlite3.connect(home / "mlflow.db")) as database:
            database.execute("PRAGMA legacy_alter_table = ON")
            database.execute(f"ALTER TABLE {here} RENAME TO {there}")

    return move


def test_a_store_that_goes_away_ends_no_run_and_misses_nothing(
    trained, train_here, tmp_path, monkeypatch, store, tables, steps_of, capsys
):
    """Away at step 2 and from step 4 on: caught up at 3; the end fails, and --resume has only the rest to tell.

    The run then goes on beyond its end: another version, the first one's files as they were.
    """
    theirs = store.search_runs(["1"], "attributes.run_name = 'whole'")[0]
    monkeypatch.setenv("MLFLOW_RUN_ID", theirs.info.run_id)
    monkeypatch.setattr(ledger, "RETRY", 0.0)
    real, calls, out = loop.backward, [], tmp_path / ("a" * 100)

    def at_step(*arguments):
        calls.append(1)
        if len(calls) in (2, 4):
            tables("gone")
        if len(calls) == 3:
            tables("metrics", here="gone")
        return real(*arguments)

    monkeypatch.setattr(loop, "backward", at_step)
    options = {"out": out, "max_steps": 4, "validation__drafts": 0}
    with pytest.raises(PlumeError, match=r"does not answer any more \(.*no such table.*\); once it does, --resume reg"):
        train_here(**options)
    tables("metrics", here="gone")
    said = capsys.readouterr().err.splitlines()  # and nothing wraps
    assert said[0].startswith("training: 13 pairs, 4 steps of 4")
    assert said[1] == "training: 0/4"
    assert [line.split("mlflow.db ")[1].split(" (")[0] for line in said if "mlflow.db " in line] == [
        "does not answer",
        "answers again, and has caught up to step 3",
        "does not answer",
    ]
    assert said[-1].startswith("training: 4/4, ")
    assert "loss " in said[-1]
    assert "validation " in said[-1]
    assert " tok/s" in said[-1]

    written = folder_sha256(out / "adapter")
    result = train_here(resume=True, **options)
    assert len(calls) == 4
    assert folder_sha256(out / "adapter") == written
    assert result.run_id != theirs.info.run_id
    assert [m.step for m in store.get_metric_history(result.run_id, "loss")] == [1, 2, 3, 4]
    assert store.get_run(theirs.info.run_id).data.tags == theirs.data.tags

    more = train_here(resume=True, **{**options, "max_steps": 6})
    assert (more.run_id, more.version) == (result.run_id, result.version + 1)
    assert [s["step"] for s in steps_of(out)] == [1, 2, 3, 4, 5, 6]
    assert [m.step for m in store.get_metric_history(result.run_id, "loss")] == [1, 2, 3, 4, 5, 6]
    assert folder_sha256(out / "adapter-4") == written
    for version, kept in ((result.version, "adapter-4"), (more.version, "adapter")):
        found = registry.find_version(str(version))
        assert found.tags["adapter_sha256"] == folder_sha256(out / kept)
        assert folder_sha256(registry.fetch_adapter(found)) == found.tags["adapter_sha256"]
    with pytest.raises(InputError, match="it has made its 6 steps"):
        train_here(resume=True, **{**options, "max_steps": 6})
    with pytest.raises(InputError, match="has made 6 steps, this config plans 5"):
        train_here(resume=True, **{**options, "max_steps": 5})


def test_a_loss_that_jumps_or_is_no_number_stops_the_run_before_the_step(
    train_here, home, monkeypatch, store, steps_of
):
    real, calls = loop.backward, []

    def broken(value, *arguments):
        calls.append(1)
        loss, count = real(*arguments)
        return (loss + value if len(calls) > 12 else loss), count

    for name, value, told in (("jump", 5.0, "the loss jumped to"), ("nan", float("nan"), "the loss is nan")):
        calls.clear()
        monkeypatch.setattr(loop, "backward", partial(broken, value))
        with pytest.raises(PlumeError, match=told) as error:
            train_here(out=home / name, max_epochs=6, validation__drafts=0)
        assert "at step 13" in str(error.value)
        assert len(steps_of(home / name)) == 12
        found = store.search_runs(["1"], f"attributes.run_name = '{name}'")
        assert [r.info.status for r in found] == ["FAILED"]


def test_a_killed_run_is_marked_failed_once_its_folder_is_overwritten(command, train_here, home, store, wait_for_step):
    folder = home / "abandoned"
    process = command(out=folder, max_epochs=200)
    wait_for_step(folder, 1, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    train_here(out=folder, force=True, max_steps=1, register_version="false")
    runs = store.search_runs(["1"], "attributes.run_name = 'abandoned'", order_by=["start_time ASC"])
    assert [r.info.status for r in runs] == ["FAILED", "FINISHED"]
