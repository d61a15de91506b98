"""trl's losses as plume asks for them: what they are before anything is learnt, and by their formulae afterwards."""

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from train.preferences.loop import with_mismatched
from train.preferences.trl_trainer import ADAPTER, REFERENCE


def _shift(model, by: float = 0.05) -> None:
    """Move the adapter away from where it began."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if f".{ADAPTER}." in name:
                weight += by * torch.randn_like(weight)


def _by_hand(model, row, key: str, adapter: str) -> float:
    """The log-probability of a text by transformers' own logits."""
    ids = torch.tensor([row["prompt_ids"] + row[key]])
    model.set_adapter(adapter)
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, len(row["prompt_ids"]) - 1 : -1]
    model.set_adapter(ADAPTER)
    return float(F.log_softmax(logits, -1).gather(1, torch.tensor(row[key])[:, None]).sum())


def _away(model, row, key: str) -> float:
    return _by_hand(model, row, key, ADAPTER) - _by_hand(model, row, key, REFERENCE)


def test_dpo_begins_at_ln_2_whatever_the_pairs(begun, configured, rows):
    losses = begun(configured(decisions="d", anchor=0)).losses
    loss, told = losses.of(rows[:5])
    assert loss.item() == pytest.approx(math.log(2), rel=1e-6)
    assert told["rewards/margins"] == told["rewards/chosen"] == told["rewards/rejected"] == 0
    loss.backward()
    grads = {name: weight.grad for name, weight in losses.model.named_parameters() if weight.grad is not None}
    assert all(f".{ADAPTER}." in name for name in grads)
    assert max(float(grad.abs().max()) for grad in grads.values()) > 0


def test_kto_begins_at_a_half(begun, configured, rows, as_texts):
    config = configured(decisions="d", method="kto", batch_size=6)
    texts = as_texts(rows)
    losses = begun(config, texts[:6], texts[6:]).losses
    loss, told = losses.of(with_mismatched(texts[:6], config))
    assert loss.item() == pytest.approx(0.5, rel=1e-6)
    assert told["kl"] == 0


def test_dpo_is_its_formula(begun, configured, rows):
    """-log σ(β(r(wanted) - r(unwanted))), r the log-probability less the reference's."""
    losses = begun(configured(decisions="d", beta=0.3, anchor=0)).losses
    _shift(losses.model)
    margins = torch.tensor(
        [_away(losses.model, r, "chosen_ids") - _away(losses.model, r, "rejected_ids") for r in rows[:3]]
    )
    loss, told = losses.of(rows[:3])
    assert loss.item() == pytest.approx(float(-F.logsigmoid(0.3 * margins).mean()), rel=1e-4)
    assert told["rewards/margins"] == pytest.approx(0.3 * float(margins.mean()), rel=1e-3, abs=1e-5)
    for reference, adapter in ((False, ADAPTER), (True, REFERENCE)):
        asked = losses.log_probability(rows[0]["prompt_ids"], rows[0]["chosen_ids"], reference=reference)
        assert asked == pytest.approx(_by_hand(losses.model, rows[0], "chosen_ids", adapter), rel=1e-5)


def test_the_anchor_adds_the_mean_loss_of_wanted_tokens(begun, configured, rows):
    config = configured(decisions="d", beta=0.3, anchor=0.5)
    plain, losses = (begun(c).losses for c in (configured(decisions="d", beta=0.3, anchor=0), config))
    for each in (plain, losses):
        _shift(each.model)
    nats = -sum(_by_hand(losses.model, row, "chosen_ids", ADAPTER) for row in rows[:3])
    per_token = nats / sum(len(row["chosen_ids"]) for row in rows[:3])
    loss, told = losses.of(rows[:3])
    assert loss.item() == pytest.approx(plain.of(rows[:3])[0].item() + 0.5 * per_token, rel=1e-4)
    assert told["logps/chosen"] == pytest.approx(-nats / 3, rel=1e-4)


def test_kto_is_its_formula(begun, configured, rows, as_texts):
    """1 - σ(±β(r - z)), z the mean of r over the texts of other prompts, at least 0."""
    config = configured(decisions="d", method="kto", beta=0.3)
    texts = with_mismatched(as_texts(rows[:3]), config)
    losses = begun(config, texts, texts).losses
    _shift(losses.model)
    z = max(0.0, sum(_away(losses.model, row, "KL_completion_ids") for row in texts) / len(texts))
    signed = [(1 if row["label"] else -1) * (_away(losses.model, row, "completion_ids") - z) for row in texts]
    loss, told = losses.of(texts)
    assert loss.item() == pytest.approx(float((1 - torch.sigmoid(0.3 * torch.tensor(signed))).mean()), rel=1e-4)
    assert told["kl"] == pytest.approx(z, rel=1e-3, abs=1e-5)
