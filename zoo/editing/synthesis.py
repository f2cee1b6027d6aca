"""Edited codes -> pictures of 8 bits, a few at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.codes import Codes
from zoo.distributed import evaluating
from zoo.interfaces import Method
from zoo.metrics.pictures import written

AT_ONCE = 8
"""Pictures that are synthesised together; more would only take more memory."""


@torch.no_grad()
def pictures(method: Method, label: Tensor, codes: Codes) -> Tensor:
    """uint8 ``[S, 3, H, W]`` on the CPU for a mask ``[1, H, W]`` and codes of batch S."""
    chunks = []
    with evaluating(method):
        for first in range(0, codes.batch_size, AT_ONCE):
            some = codes.rows(slice(first, first + AT_ONCE))
            chunks.append(written(method.synthesize(label, some)).cpu())
    return torch.cat(chunks)
