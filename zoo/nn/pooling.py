"""Class-wise max pooling: one scatter instead of loops over classes, samples and layers."""

from __future__ import annotations

import torch
from torch import Tensor


def class_max_pool(features: Tensor, label: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Maximum of each feature over the region of each class (Endo & Kanamori 2020, section 3.2).

    Letters: B batch, C classes, K channels. features ``[B, K, h, w]``, label ``[B, h, w]`` in [0, C) -> pooled ``[B,
    C, K]``, zero where the class does not occur, and presence ``[B, C]`` bool.
    """
    batch, channels = features.shape[:2]
    index = label.flatten(1).long()
    presence = torch.zeros(batch, classes, dtype=torch.bool, device=features.device).scatter_(1, index, True)
    start = features.new_zeros(batch, classes, channels)
    pooled = start.scatter_reduce(
        1,
        index[:, :, None].expand(-1, -1, channels),
        features.flatten(2).transpose(1, 2),
        "amax",
        include_self=False,
    )
    return pooled, presence
