"""What must not change what is learnt of preferences, and that a taste is learnt at all."""

import json
from dataclasses import replace

import pytest
import torch

from plume.models import write_greedily
from train import checkpoint
from train.preferences import loop
from train.preferences.trl_trainer import ADAPTER, REFERENCE

TIMED = ("tokens_per_second", "samples_per_second", "peak_memory_gib", "seconds", "seconds_left")


def _weights(losses, adapter: str = ADAPTER) -> dict[str, torch.Tensor]:
    mark = f".{adapter}."
    return {n.replace(mark, "."): w.detach().clone() for n, w in losses.model.named_parameters() if mark in n}


def _alike(one, other) -> bool:
    there = _weights(other)
    return all(torch.equal(weight, there[name]) for name, weight in _weights(one).items())


def _steps(config) -> list[dict]:
    lines = (config.out / "steps.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMED} for line in lines]


@pytest.fixture(scope="module")
def learnt(begun, configured, tmp_path_factory):
    """`learnt("name", key=value)`: 14 rows in batches of 4, 2 epochs: 8 steps, the last of each epoch of two rows."""

    home = tmp_path_factory.mktemp("learnt")

    def call(name, *, rows=(), log=lambda *_: None, resume=False, **overrides):
        given = {"validation__every": 4, "checkpoint_every": 2, "optimiser__learning_rate": 0.01, "max_epochs": 2}
        config = configured(decisions="d", out=home / name, **given | overrides)
        made = begun(config, *rows)
        at, held_out = loop.learn(made.losses, made.samples, config, log, resume=resume)
        return config, made.losses, at, held_out

    return call


@pytest.fixture(scope="module")
def whole(learnt):
    return learnt("whole")


def test_a_taste_is_learnt_beyond_chance_and_the_reference_stays(whole, begun, configured):
    config, losses, at, held_out = whole
    steps = _steps(config)
    # Beside the anchor, which is the recipe's 1, a step begins at ln 2; and what is wanted becomes likelier.
    assert steps[0]["loss"] - steps[0]["wanted_loss"] == pytest.approx(0.693147, rel=1e-5)
    assert steps[-1]["loss"] - steps[-1]["wanted_loss"] < 0.6
    assert steps[-1]["wanted_loss"] < steps[0]["wanted_loss"]
    assert (at.step, held_out.won, held_out.n) == (8, 8, 8)
    assert held_out.loss - held_out.wanted_loss < 0.6
    assert steps[-1]["validation_wanted_loss"] == held_out.wanted_loss
    assert held_out.interval[0] == pytest.approx(0.025 ** (1 / 8))  # by hand: 8 of 8, 0.63; chance is 0.5
    assert steps[-1]["validation_win_rate"] == 1
    began = begun(configured(decisions="d")).losses
    before = _weights(began)
    assert all(torch.equal(weight, before[name]) for name, weight in _weights(losses, REFERENCE).items())
    assert not _alike(losses, began)


def test_kto_learns_it_too(learnt, rows, as_texts):
    texts = as_texts(rows)
    config, _, _, held_out = learnt("kto", rows=(texts[:28], texts[28:]), method="kto", max_epochs=4)
    assert _steps(config)[0]["loss"] == pytest.approx(0.5, rel=1e-5)
    assert held_out.n == 16
    assert held_out.interval[0] > 0.5, held_out


def test_one_seed_gives_one_adapter_and_another_seed_another(whole, learnt):
    again = learnt("again")
    assert _steps(again[0]) == _steps(whole[0])
    assert _alike(again[1], whole[1])
    assert _steps(learnt("other", seed=1)[0]) != _steps(whole[0])


def test_how_a_step_is_cut_changes_nothing(whole, learnt):
    """Three at once: of four rows and of two, what is left over counts for as many as it is. Made again: the same."""
    for size, recompute in ((1, "true"), (3, "false")):
        config, losses, _, held_out = learnt(f"cut-{size}", micro_batch=size, recompute=recompute)
        assert losses.model.is_gradient_checkpointing is (recompute == "true")
        for one, other in zip(_steps(whole[0]), _steps(config), strict=True):
            assert other["loss"] == pytest.approx(one["loss"], rel=1e-5)
            assert other["margin"] == pytest.approx(one["margin"], rel=1e-3, abs=1e-5)
        there = _weights(whole[1])
        for name, weight in _weights(losses).items():
            torch.testing.assert_close(weight, there[name], rtol=1e-3, atol=5e-4)  # Adam divides small by small
        assert held_out.won == whole[3].won


@pytest.mark.parametrize("at", [3, 5])
def test_stopped_and_resumed_is_never_interrupted(whole, learnt, at):
    """Checkpoints stand after steps 2 and 4. `train.folder` cuts the log there; here the lines are there twice."""

    def stop(_, step):
        if step == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learnt(f"stopped-{at}", log=stop)
    config, losses, standing, held_out = learnt(f"stopped-{at}", resume=True)
    lines = _steps(config)
    assert [row["step"] for row in lines] == [*range(1, at + 1), *range(at, 9)]
    assert lines[: at - 1] + lines[at:] == _steps(whole[0])
    assert lines[at - 1] == lines[at]
    assert _alike(losses, whole[1])
    assert held_out == whole[3]
    assert standing.resumed_at == at - 1


def test_the_adapter_of_the_lowest_held_out_loss_is_left(learnt, monkeypatch):
    told, real = iter([0.5, 0.4, 0.6, 0.7]), loop.judge  # after steps 2, 4, 6, 8; then at the end

    def judge(*arguments):
        held_out = real(*arguments)
        return held_out if (loss := next(told, None)) is None else replace(held_out, loss=loss)

    monkeypatch.setattr(loop, "judge", judge)
    config, losses, at, _ = learnt("best", validation__every=2)
    assert at.best_step == 4
    best = checkpoint.load(config.out)["best"]
    left = {name.removeprefix("base_model.model."): weight for name, weight in _weights(losses).items()}
    assert best
    assert all(torch.equal(weight, left[name.removeprefix("base_model.model.")]) for name, weight in best.items())


def test_no_taste_wins_half_at_most_beyond_chance(learnt, rows):
    """Judgements that fall either way by chance: what is held out is not won beyond its interval."""
    torn = [
        r if i % 2 else r | {"chosen_ids": r["rejected_ids"], "rejected_ids": r["chosen_ids"]}
        for i, r in enumerate(rows)
    ]
    *_, held_out = learnt("torn", rows=(torn[:14], torn[14:]))
    low, high = held_out.interval
    assert low < 0.5 < high


def test_what_it_writes_by_itself_takes_the_taste(learnt, rows):
    """Agents want every text to begin with 700: no held-out prompt's likeliest first token is that, then all are."""

    def first_tokens(model):
        prompts = [row["prompt_ids"] for row in rows[14:]]
        return [ids[0] for ids in write_greedily(model, prompts, end=2, pad=2, max_new_tokens=1)]

    opening = [row | {"chosen_ids": [700, *row["rejected_ids"]]} for row in rows]
    given = {"rows": (opening[:14], opening[14:]), "validation__every": 1000, "optimiser__learning_rate": 0.05}
    _, before, *_ = learnt("before", max_steps=1, **given | {"optimiser__learning_rate": 1e-9})
    _, after, *_ = learnt("opening", **given)
    assert 700 not in first_tokens(before.finish())
    assert set(first_tokens(after.finish())) == {700}
