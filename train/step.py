"""One optimiser step: the mean loss over the reply tokens of the whole batch, however it is cut up."""

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from train.samples import MicroBatch


def token_losses(model: Any, batch: MicroBatch) -> torch.Tensor:
    """Cross-entropy (nats) of each trained token: [trained tokens], float32.

    Logits are computed at the trained positions only: with tens of thousands of vocabulary entries they cost more
    memory than all the rest at once.
    """
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = core.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, use_cache=False)[0]
    logits = core.lm_head(hidden.flatten(0, 1)[batch.targets])
    return F.cross_entropy(logits.float(), batch.labels, reduction="none")


def backward(model: Any, batches: list[MicroBatch], device: Any) -> tuple[float, int]:
    """Accumulate the gradient of the mean loss over all trained tokens of a step, on every process together.

    Each micro-batch's sum is divided by the step's token count, so 1 × 8 = 8 × 1 = 4 × 2, last partial window included.
    Returns the mean loss (nats a token) and the number of trained tokens.
    """
    count = torch.tensor([float(sum(len(b.labels) for b in batches))], device=device)
    _sum_over_processes(count)
    total = torch.zeros(1, device=device)
    for batch in batches:
        losses = token_losses(model, batch.to(device)).sum() / count[0]
        losses.backward()
        total += losses.detach()
    for parameter in trainable(model):
        if parameter.grad is None:  # this process had no micro-batch in this step
            parameter.grad = torch.zeros_like(parameter)
        _sum_over_processes(parameter.grad)
    _sum_over_processes(total)
    return total.item(), int(count.item())


@torch.no_grad()
def mean_loss(model: Any, batches: list[MicroBatch], device: Any) -> float:
    """Mean loss over all trained tokens of the batches (nats a token)."""
    model.eval()
    total = sum(token_losses(model, b.to(device)).sum().item() for b in batches)
    model.train()
    return total / sum(len(b.labels) for b in batches)


def trainable(model: Any) -> list[torch.nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def _sum_over_processes(tensor: torch.Tensor) -> None:
    if dist.is_initialized():
        dist.all_reduce(tensor)
