import json

import numpy as np
import pytest

from eval.time.minutes.constants import NAMES
from eval.time.minutes.model import Prior, minutes
from eval.time.minutes.timed_decisions import measured, outcomes, read, recalibrate
from plume.errors import InputError

WORDS = ["bonjour", "nous", "regrettons", "cette", "attente", "et", "transmettons", "votre", "avis", "merci"]


def decisions(n, seconds, seed=1):
    """Rows of decisions.jsonl; `seconds(features) -> s` is filled in by `timed`."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        outcome = ("accepted", "edited", "rejected")[i % 3]
        draft = " ".join(random.choice(WORDS, random.integers(60, 160)))
        final = draft
        if outcome == "edited":
            tokens = draft.split()
            for at in random.integers(0, len(tokens), random.integers(1, 30)):
                tokens[at] = "autrement"
            final = " ".join(tokens)
        elif outcome == "rejected":
            final = " ".join(random.choice(WORDS, random.integers(60, 160)))
        rows.append(
            {"id": f"{i}-1", "draft": draft, "final": final, "outcome": outcome, "version": "4", "seconds": seconds}
        )
    return rows


@pytest.fixture
def write(tmp_path):
    def call(rows):
        path = tmp_path / "decisions.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return call


@pytest.fixture
def timed(write):
    """Decisions whose seconds follow known constants, with a log-normal error of 0.3."""

    def call(n, **true):
        rows = decisions(n, None)
        found = read(write(rows), {f"{i}-1": 80 for i in range(n)}, 80)
        prior = Prior.of()
        values = prior.constants.values(np.zeros((n, len(NAMES)))) | {k: np.full(n, v) for k, v in true.items()}
        error = np.random.default_rng(2).normal(0, 0.3, n)
        seconds = 60 * minutes(found.features, values)[0] * np.exp(error)
        for row, value in zip(rows, seconds, strict=True):
            row["seconds"] = float(value)
        return read(write(rows), {f"{i}-1": 80 for i in range(n)}, 80)

    return call


def test_mean_and_median_minutes_by_outcome(write):
    rows = decisions(30, 60.0)
    rows[0]["seconds"] = None
    rows[1]["seconds"] = 6000.0
    found = {row["group"]: row for row in measured(read(write(rows), {}, 80))}
    assert found["all"]["n"] == 29
    assert found["accepted"]["estimate"] == pytest.approx(1)
    assert found["edited"]["median"] == pytest.approx(1)
    assert found["edited"]["estimate"] == pytest.approx((9 + 100) / 10)
    assert found["edited"]["upper"] > found["edited"]["estimate"] > found["edited"]["lower"] >= 0


def test_shares_of_outcomes(write):
    found = outcomes(read(write(decisions(30, None)), {}, 80))
    assert [row["estimate"] for row in found] == pytest.approx([1 / 3] * 3)


def test_timed_data_move_the_constants_to_the_truth(timed):
    prior = Prior.of()
    before = prior.marginal("composition_wpm")
    after = recalibrate(timed(300, composition_wpm=13.0), prior).marginal("composition_wpm")
    assert before[0] > 13.0  # the literature alone would hardly expect it
    assert after[0] < 14.5
    assert after[2] - after[0] < 0.5 * (before[2] - before[0])


def test_what_the_data_do_not_tell_keeps_its_prior(timed):
    prior = Prior.of()
    after = recalibrate(timed(300), prior)
    for name in ("words_per_edit", "review_words"):
        assert after.marginal(name) == pytest.approx(prior.marginal(name), rel=0.02)


def test_predictions_agree_with_the_clock_after_recalibration(timed):
    done = timed(300, composition_wpm=13.0, keystroke_seconds=0.5)
    prior = recalibrate(done, Prior.of())
    values = prior.constants.values(np.broadcast_to(prior.mean, (300, len(NAMES))))
    predicted = np.log(60 * minutes(done.features, values)[0])
    assert np.mean(np.log(done.seconds) - predicted) == pytest.approx(0, abs=0.06)


def test_too_few_timed_decisions_move_nothing(timed, write):
    assert recalibrate(timed(9), Prior.of()) is None
    assert recalibrate(read(write(decisions(40, None)), {}, 80), Prior.of()) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": "kept"}, "outcome 'kept'"),
        ({"seconds": -3}, "seconds -3"),
        ({"seconds": "vite"}, "seconds 'vite'"),
        ({"draft": ["x"]}, "draft and final"),
    ],
)
def test_bad_decisions_are_refused_with_their_line(write, change, message):
    rows = decisions(3, 60.0)
    rows[1] |= change
    with pytest.raises(InputError, match=f"line 2: {message}"):
        read(write(rows), {}, 80)
