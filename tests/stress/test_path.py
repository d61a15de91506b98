"""The full path under SIGKILL, an hour a sitting: var/stress/state.json says with which seed the next one goes on.

PLUME_STRESS_MINUTES=5 make test-long PYTEST_ARGS=tests/stress    a shorter sitting
PLUME_STRESS_SEED=7 make test-long PYTEST_ARGS=tests/stress       round 7 alone
"""

import json
import os
import shutil
import time

import pytest

from plume.files import read_object, write
from plume.paths import ROOT
from tests.stress.path import play

STATE = ROOT / "var" / "stress" / "state.json"
LOG = STATE.with_name("log.jsonl")  # a line a stage: seconds undisturbed, kills
SERVED = 4  # every so many rounds the engine is started, too: each start takes most of a minute


@pytest.mark.long
def test_killed_at_random_moments_the_path_ends_as_if_nothing_had_happened(
    sample_export, make_tiny_mistral, embedded_model, tmp_path
):
    model = make_tiny_mistral(hidden_size=128)  # heads as large as vLLM's CPU attention wants
    alone = os.environ.get("PLUME_STRESS_SEED")
    until = time.monotonic() + 60 * float(os.environ.get("PLUME_STRESS_MINUTES", "60"))
    (ROOT / "var" / "gold").mkdir(parents=True, exist_ok=True)
    STATE.parent.mkdir(parents=True, exist_ok=True)
    while True:
        told = {"next": 0, "rounds": 0, "failed": {}} | (read_object(STATE) or {})
        seed = int(alone) if alone else told["next"]
        folder = tmp_path / f"round-{seed}"
        failure = ""
        try:
            play(seed, folder, sample_export, model, engine=seed % SERVED == SERVED - 1, log=LOG)
        except AssertionError as error:
            failure = str(error)
        if not alone:
            told |= {"next": seed + 1, "rounds": told["rounds"] + 1}
            told["failed"] |= {str(seed): failure[:2000]} if failure else {}
            write(STATE, json.dumps(told, indent=1))
        if failure:
            pytest.fail(f"round {seed}, in {folder}; repeat it with PLUME_STRESS_SEED={seed}: {failure}")
        shutil.rmtree(folder)
        if alone or time.monotonic() > until:
            return
