"""Conversion of synthesised pictures to 8 bits, as in files, for metrics."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.errors import ZooError


def to_uint8_truncated(images: Tensor) -> Tensor:
    """Convert synthesised pictures ``[..., 3, H, W]`` in [-1, 1] to uint8 like the official GauGAN and CLVAE code.

    Values are truncated and clipped. Use this for synthesised pictures only. Pictures from 8-bit files must be rounded
    (:func:`zoo.visual.to_uint8`), since truncation in float32 would decrement a quarter of the 256 values. Raises
    ZooError for non-finite values.
    """
    if not bool(torch.isfinite(images).all()):
        raise ZooError("The synthesised pictures contain values that are not finite; use an earlier checkpoint.")
    return ((images.float() + 1) / 2 * 255).clamp(0, 255).to(torch.uint8)


def from_uint8(pixels: Tensor) -> Tensor:
    """Convert uint8 pictures to float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1
