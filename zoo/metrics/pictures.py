"""Synthesised pictures as metrics see them: the 8 bits that a file would hold."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.errors import ZooError


def to_uint8_truncated(images: Tensor) -> Tensor:
    """Synthesised pictures ``[..., 3, H, W]`` in [-1, 1] as uint8, as the official GauGAN and CLVAE code writes them.

    The fraction is cut off, values outside the range are clipped. This is for synthesised pictures only: a picture that
    came from an 8-bit file must be rounded (:func:`zoo.visual.to_uint8`), since in float32 a cut would take one from a
    quarter of the 256 values. Raises ZooError where a value is not finite.
    """
    if not bool(torch.isfinite(images).all()):
        raise ZooError("The synthesised pictures hold values that are not finite; use an earlier checkpoint.")
    return ((images.float() + 1) / 2 * 255).clamp(0, 255).to(torch.uint8)


def from_uint8(pixels: Tensor) -> Tensor:
    """uint8 pictures as float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1
