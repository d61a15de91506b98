"""One optimiser step: the mean loss over the reply tokens of the whole batch, however it is cut up."""

from collections.abc import Sequence
from typing import Any

import torch

from train import processes
from train.batches import MicroBatch
from train.products import product, widen

CHUNK = 1024  # rows of logits at once: 192 MiB in float32 at 49,152 vocabulary entries


def hidden_states(model: Any, batch: MicroBatch) -> torch.Tensor:
    """The last layer's output at the positions that predict a trained token: [trained tokens, hidden size]."""
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    given = {"input_ids": batch.input_ids, "position_ids": batch.position_ids, "layout": batch.layout}
    hidden = core.model(**given, targets=batch.targets, use_cache=False)[0][0]
    # `train.fused` gives the targets alone; where all are targets, both are the same.
    return hidden if len(hidden) == len(batch.targets) else hidden.index_select(0, batch.targets)


def token_losses(model: Any, batch: MicroBatch) -> torch.Tensor:
    """Cross-entropy (nats) of each trained token: [trained tokens], float32.

    Logits are computed at the trained positions only, a chunk at a time: with tens of thousands of vocabulary entries
    they would cost more memory than all the rest at once.
    """
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    head = core.lm_head
    assert type(head) is torch.nn.Linear, "lm_head carries an adapter or is quantised"
    assert head.bias is None
    assert not head.weight.requires_grad, "lm_head is frozen"
    return _HeadLoss.apply(hidden_states(model, batch), head.weight, batch.labels)


class _HeadLoss(torch.autograd.Function):
    """Cross-entropy through a frozen head. The gradient of the hidden states is made while the logits are there:
    a row's gradient is its upstream gradient times `(softmax - one-hot) @ weight`, so no logits are kept."""

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        losses = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(hidden) if wanted else None
        wide = widen(weight)
        for at in range(0, len(hidden), CHUNK):
            rows = slice(at, at + CHUNK)
            logits = product(hidden[rows].to(wide.dtype), wide).float()
            picked = logits.gather(1, labels[rows, None])
            largest = logits.amax(1, keepdim=True)
            probabilities = logits.softmax(1)  # one pass, where logsumexp and exp took four times as long
            losses[rows] = (largest - probabilities.amax(1, keepdim=True).log() - picked)[:, 0]
            if wanted:
                probabilities.scatter_add_(1, labels[rows, None], torch.full_like(picked, -1.0))
                gradient[rows] = product(probabilities.to(wide.dtype), wide.t()).to(hidden.dtype)
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[Any, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream[:, None].to(gradient.dtype), None, None


def backward(
    model: Any, batches: Sequence[MicroBatch], device: Any, count: int | None = None
) -> tuple[torch.Tensor, int]:
    """Accumulate the gradient of the mean loss over all trained tokens of a step, on every process together.

    Each micro-batch's sum is divided by the step's token count, so 1 × 8 = 8 × 1 = 4 × 2, last partial window included.
    `count` are the trained tokens of all processes; without it, `batches` are all there are. Returns the mean loss
    (nats a token, a tensor: reading it waits for the device) and the number of trained tokens.
    """
    count = count or sum(len(b.labels) for b in batches)
    total = torch.zeros(1, device=device)
    for batch in batches:
        loss = token_losses(model, batch.to(device)).sum() / count
        loss.backward()
        total += loss.detach()
    if processes.count() > 1:
        for parameter in (weights := trainable(model)):
            if parameter.grad is None:  # this process had no micro-batch in this step
                parameter.grad = torch.zeros_like(parameter)
        processes.add_up([total, *(parameter.grad for parameter in weights)])
    return total[0], count


def descend(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Take the optimiser's step at this rate, and forget the gradients."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)


@torch.no_grad()
def mean_loss(model: Any, batches: Sequence[MicroBatch], device: Any) -> float:
    """Mean loss over all trained tokens of the batches of all processes (nats a token)."""
    was_training = model.training
    model.eval()
    sums = torch.zeros(2, device=device)  # of the losses, of the tokens
    for batch in batches:
        losses = token_losses(model, batch.to(device))
        sums += torch.stack([losses.sum(), losses.new_tensor(len(losses))])
    model.train(was_training)
    processes.add_up([sums])
    processes.wait_for(sums.device)
    total, count = sums.tolist()
    return total / count


def trainable(model: Any) -> list[torch.nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]
