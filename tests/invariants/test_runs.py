"""What must not change what is learnt: how a batch is cut, sharing the prefix, being killed, being run again.

Losses are compared to 1e-5 relative in float32 (sums in another order); resumed and repeated runs to the last bit.
"""

import os
import random
import signal
import subprocess
import sys
import time

import mlflow
import pytest

from plume.paths import ROOT

WEIGHTS = "adapter/adapter_model.safetensors"


def _same_losses(one, other, rel=1e-5):
    assert len(one) == len(other) == 8
    for a, b in zip(one, other, strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=rel)
        assert b["trained_tokens"] == a["trained_tokens"]
        assert b["learning_rate"] == a["learning_rate"]


@pytest.fixture(scope="module")
def plain(plume_train, steps):
    return steps(plume_train("plain"))


def test_a_shared_prefix_changes_nothing_but_the_tokens_computed(plain, plume_train, steps):
    unshared = steps(plume_train("unshared", share_prefix="false"))
    _same_losses(plain, unshared)
    assert [s["validation_loss"] for s in unshared if "validation_loss" in s] == pytest.approx(
        [s["validation_loss"] for s in plain if "validation_loss" in s], rel=1e-5
    )
    assert plain[-1]["tokens"] < 0.8 * unshared[-1]["tokens"]


@pytest.mark.parametrize("budget", [256, 400, 700])
def test_how_a_step_is_cut_changes_nothing(plain, plume_train, steps, budget):
    """256: one pair at a time; 400 and 700: two or more. 13 pairs in batches of 4: the last window holds one pair."""
    cut = steps(plume_train(f"cut-{budget}", micro_batch_tokens=budget, max_tokens=256))
    _same_losses(plain, cut)


def test_recomputed_activations_change_nothing(plain, plume_train, steps):
    _same_losses(plain, steps(plume_train("recompute", recompute="true")))


def test_two_runs_with_one_seed_are_identical_and_with_another_are_not(whole, plume_train, steps):
    again = plume_train("again", lora__dropout=0.1)
    assert steps(again) == steps(whole)
    assert (again / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    other = plume_train("other", lora__dropout=0.1, seed=1)
    assert steps(other) != steps(whole)


@pytest.mark.parametrize("every", [2, 1000], ids=["after a checkpoint", "before any"])
def test_killed_at_a_random_step_and_resumed_is_never_interrupted(
    whole, plume_train, steps, words, environment, home, every
):
    """Losses, learning rates, data order and token counters, to the last bit; the same MLflow run goes on."""
    # A step is logged before its checkpoint is written: from step 3 on that of step 2 is there, a later one maybe half.
    name, at = f"killed-{every}", random.Random().randint(3, 7)
    options = {"lora__dropout": 0.1, "checkpoint_every": every}
    process = subprocess.Popen(
        [sys.executable, "-m", "plume.cli", *words(out=home / name, **options)],
        cwd=ROOT,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    log, deadline = home / name / "steps.jsonl", time.monotonic() + 300
    while not (log.is_file() and len(log.read_text().splitlines()) >= at):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    client = mlflow.MlflowClient(environment["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name("plume").experiment_id
    find = lambda: client.search_runs([experiment], f"attributes.run_name = '{name}'")  # noqa: E731
    before = find()
    assert (home / name / "checkpoint.pt").exists() is (every == 2)
    resumed = plume_train(name, "--resume", **options)
    assert steps(resumed) == steps(whole), f"killed after step {at}"
    assert (resumed / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    after = find()
    assert [r.info.run_id for r in after] == [r.info.run_id for r in before]
    assert after[0].info.status == "FINISHED"
    history = client.get_metric_history(after[0].info.run_id, "trained_tokens")
    assert {m.step: m.value for m in history} == {s["step"]: s["trained_tokens"] for s in steps(whole)}
