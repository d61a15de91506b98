"""Matrix products as fast as the machine makes them, with frozen weights that may lie side by side.

A CPU without bfloat16 units multiplies bfloat16 matrices 8 to 80 times slower than float32 ones (docs/log.md). There,
products are computed in float32 and rounded once, which is what such units do: the same result up to summation order.
"""

from collections.abc import Sequence
from typing import Any

import torch

from plume.models import cpu_has_bfloat16
from train.device_kind import kind_of


def widen(tensor: torch.Tensor) -> torch.Tensor:
    """float32 where this machine multiplies bfloat16 matrices in software, else the tensor itself."""
    if tensor.dtype == torch.bfloat16 and kind_of(tensor) == "cpu" and not cpu_has_bfloat16():
        return tensor.float()
    return tensor


def product(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`x @ weight.t()` of matrices, `weight` or its transpose without gaps: with them oneDNN takes 800 times as long.

    On CPUs in float32 it is oneDNN's product, not MKL's, which leaves AMD's AVX-512 unused.
    """
    if x.dtype == torch.float32 and kind_of(x) == "cpu" and torch.backends.mkldnn.is_available():
        return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    return x @ weight.t()


def side_by_side(linears: Sequence[Any]) -> torch.Tensor:
    """Give the layers' frozen weights as one matrix, of which theirs are parts from then on: nothing is kept twice."""
    weights = [linear.weight for linear in linears]
    if len(weights) == 1:
        return weights[0].detach()
    if not _adjacent(weights):
        joined = torch.cat([weight.data for weight in weights])
        for weight, part in zip(weights, joined.split([len(w) for w in weights]), strict=True):
            weight.data = part
    width = weights[0].shape[1]
    return weights[0].detach().as_strided((sum(map(len, weights)), width), (width, 1))


def _adjacent(weights: Sequence[torch.Tensor]) -> bool:
    storages = {weight.untyped_storage()._cdata for weight in weights}
    at, ends = weights[0].storage_offset(), []
    for weight in weights:
        ends.append(weight.is_contiguous() and weight.storage_offset() == at)
        at += weight.numel()
    return len(storages) == 1 and all(ends)
