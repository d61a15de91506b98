"""The learning rate's course, by hand."""

import pytest
import yaml

from train.config import Optimiser, TrainConfig
from train.schedule import schedule

# 10 steps, warmup_share 0.2: w = 2 steps warm up, with 1/3 and 2/3. Then d = 0/8, 1/8 … 7/8.
WARM = [1 / 3, 2 / 3]


@pytest.mark.parametrize(
    ("name", "after"),
    [
        # (1 + cos(pi d))/2 at d = 0, 1/4, 1/2, 3/4: 1, (1 + sqrt(1/2))/2, 1/2, (1 - sqrt(1/2))/2
        ("cosine", {0: 1.0, 2: 0.853553390593, 4: 0.5, 6: 0.146446609407}),
        ("linear", {0: 1.0, 1: 0.875, 4: 0.5, 7: 0.125}),
        ("constant", {0: 1.0, 4: 1.0, 7: 1.0}),
    ],
)
def test_each_schedule_warms_up_and_then_follows_its_formula(name, after):
    factor = schedule(Optimiser(schedule=name, warmup_share=0.2), 10)
    assert [factor(0), factor(1)] == pytest.approx(WARM)
    assert {i: factor(2 + i) for i in after} == pytest.approx(after)


def test_the_default_is_the_cosine_of_before():
    assert Optimiser().schedule == "cosine"
    factor = schedule(Optimiser(), 8)  # round(8 * 0.05) = 0 steps of warm-up
    assert factor(0) == 1.0
    assert factor(4) == pytest.approx(0.5)


def test_a_run_begun_before_there_was_a_choice_goes_on_with_the_same_config(tmp_path):
    config = TrainConfig.load("configs/train/demo.yaml")
    written = yaml.safe_load(config.to_yaml())
    del written["optimiser"]["schedule"], written["base"]["adapter"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(written))
    assert TrainConfig.load(tmp_path / "config.yaml") == config


@pytest.mark.parametrize("name", ["cosine", "linear", "constant"])
@pytest.mark.parametrize(("steps", "share"), [(1, 0.0), (1, 0.9), (3, 0.99), (1000, 0.05)])
def test_every_step_has_a_rate_that_rises_and_then_never_does(name, steps, share):
    factors = [schedule(Optimiser(schedule=name, warmup_share=share), steps)(i) for i in range(steps)]
    assert all(0 < f <= 1 for f in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
