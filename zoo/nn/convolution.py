"""Convolutions and linear layers with the papers' initialisation and normalisations."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from zoo.nn.spectral_norm import spectral_norm

Norm = Literal["instance", "batch", "none"]


def conv2d(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    *,
    stride: int = 1,
    padding: int = 0,
    bias: bool = True,
    groups: int = 1,
    spectral: bool = False,
) -> nn.Conv2d:
    """Convolution with Xavier-normal weights (gain 0.02) and zero bias, under spectral normalisation where asked.

    The power iteration starts after the initialisation and so knows the true singular value: an untrained network
    already gives meaningful pictures in eval mode.
    """
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias, groups=groups)
    nn.init.xavier_normal_(layer.weight, gain=0.02)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer) if spectral else layer


def linear(in_features: int, out_features: int) -> nn.Linear:
    """Linear layer with the same initialisation as :func:`conv2d`."""
    layer = nn.Linear(in_features, out_features)
    nn.init.xavier_normal_(layer.weight, gain=0.02)
    nn.init.zeros_(layer.bias)
    return layer


def parameter_free_norm(kind: Norm, channels: int) -> nn.Module:
    """Normalisation without scale and shift, eps 1e-5. Raises ValueError for an unknown kind."""
    if kind == "batch":
        return nn.BatchNorm2d(channels, affine=False)
    if kind == "instance":
        return nn.InstanceNorm2d(channels, affine=False)
    if kind == "none":
        return nn.Identity()
    raise ValueError(f'normalisation {kind!r} is not one of "instance", "batch", "none"')


class NormalizedConv(nn.Module):
    """Convolution, then parameter-free normalisation: the layer of the encoders and discriminators.

    The convolution has a bias only where nothing follows that would remove it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int,
        padding: int,
        groups: int = 1,
        norm: Norm = "instance",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        self.conv = conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            bias=norm == "none",
            groups=groups,
            spectral=spectral,
        )
        self.norm = parameter_free_norm(norm, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """x ``[B, in, H, W]`` -> ``[B, out, H', W']``."""
        out: Tensor = self.norm(self.conv(x))
        return out
