"""The strided convolutions under every encoder of the zoo (Park et al. 2019, appendix A, figure 14)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.errors import ZooError
from zoo.nn.class_map import resize_labels
from zoo.nn.convolution import Norm, NormalizedConv

TRUNK_WIDTHS = (1, 2, 4, 8, 8, 8)
"""Output channels of the six layers in units of the base width."""


def check_encoder_size(size: int) -> None:
    """Raises ZooError for a side of the encoder's square that six halvings and an instance norm cannot take."""
    if size % 64 or size < 128:
        # at 64 the last features are one pixel, which instance normalisation cannot normalise
        raise ZooError(f"method.encoder_size is {size}, but must be a multiple of 64, at least 128.")


class EncoderTrunk(nn.Module):
    """Layers of conv 3x3 stride 2 and instance norm; the activation sits before every layer but the first."""

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        *,
        groups: int = 1,
        norm: Norm = "instance",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        inputs = [in_channels, *widths[:-1]]
        self.layers = nn.ModuleList(
            NormalizedConv(fin, fout, 3, stride=2, padding=1, groups=groups, norm=norm, spectral=spectral)
            for fin, fout in zip(inputs, widths, strict=True)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """x ``[B, in, H, W]`` -> every layer's output before its activation.

        Layer i (from 0) gives ``[B, widths[i], H / 2^(i+1), W / 2^(i+1)]``.
        """
        features: list[Tensor] = []
        for layer in self.layers:
            features.append(layer(F.leaky_relu(features[-1], 0.2) if features else x))
        return features


def to_encoder_size(image: Tensor, label: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Picture (bilinear) and labels (nearest) at size x size, what the papers' encoders see whatever the picture."""
    if image.shape[-2:] == (size, size):
        return image, label
    image = F.interpolate(image, size=(size, size), mode="bilinear", align_corners=False)
    return image, resize_labels(label, (size, size))
