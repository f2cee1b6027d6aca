"""Convolutions with the papers' initialisation and normalisation, and the convolutional encoder.

Letters: B batch, H x W picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from zoo.errors import ZooError
from zoo.nn.class_map import resize_labels

Norm = Literal["instance", "batch", "none"]


class SpectralNorm(nn.Module):
    """Weight divided by its largest singular value (Miyato et al. 2018), as a parametrization of a convolution.

    Each training-mode forward pass performs one power iteration. torch's own parametrization updates u before v; the
    implementation used to train GauGAN, GroupDNet and CLVAE updates v before u, which gives different numbers in
    training. The state has the same names as torch's: ``original``, ``0._u`` ``[out]`` and ``0._v``
    ``[in * k * k]``.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        self.register_buffer("_u", _unit(torch.randn(matrix.shape[0])))
        self.register_buffer("_v", _unit(torch.randn(matrix.shape[1])))
        for _ in range(15):  # so that the outputs of untrained networks are well scaled
            self._iterate(matrix)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        self._v.copy_(_unit(matrix.T @ self._u))
        self._u.copy_(_unit(matrix @ self._v))

    def forward(self, weight: Tensor) -> Tensor:
        """The normalised weight, of the same shape."""
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            if self.training:
                self._iterate(matrix)
            # clones, since a second forward before backward changes the buffers
            sigma = self._u.clone() @ (matrix @ self._v.clone())
            return weight / sigma


def _unit(vector: Tensor) -> Tensor:
    return F.normalize(vector, dim=0, eps=1e-12)


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
    """Convolution with Xavier-normal weights (gain 0.02) and zero bias, with spectral normalisation if ``spectral``."""
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias, groups=groups)
    nn.init.xavier_normal_(layer.weight, gain=0.02)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    if spectral:  # after the initialisation, from which the power iteration starts
        register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return layer


def linear(in_features: int, out_features: int) -> nn.Linear:
    """Linear layer with the same initialisation as :func:`conv2d`."""
    layer = nn.Linear(in_features, out_features)
    nn.init.xavier_normal_(layer.weight, gain=0.02)
    nn.init.zeros_(layer.bias)
    return layer


def parameter_free_norm(kind: Norm, channels: int) -> nn.Module:
    """Normalisation without scale and shift, eps 1e-5.

    Raises:
        ValueError: If ``kind`` is not one of "instance", "batch" and "none".
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels, affine=False)
    if kind == "instance":
        return nn.InstanceNorm2d(channels, affine=False)
    if kind == "none":
        return nn.Identity()
    raise ValueError(f'normalisation {kind!r} is not one of "instance", "batch", "none"')


class NormalizedConv(nn.Module):
    """Convolution and parameter-free normalisation: the layer of the encoders and discriminators.

    The convolution has a bias only if there is no normalisation, which would remove it.
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
        """Map x ``[B, in, H, W]`` to ``[B, out, H', W']``."""
        out: Tensor = self.norm(self.conv(x))
        return out


class ConvEncoder(nn.Module):
    """Strided 3x3 convolutions, each halving the size: GauGAN's image encoder without its linear heads.

    The activation comes before every layer but the first, so the features are those after the normalisation.

    Args:
        in_channels: Channels of the input.
        widths: Output channels of the layers.
        groups: Groups of all convolutions.
        norm: Normalisation of all layers.
        spectral: Whether the convolutions have spectral normalisation.
    """

    FACTORS = (1, 2, 4, 8, 8, 8)
    """Output channels of GauGAN's six layers, in units of the base width."""

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
        """Map x ``[B, in, H, W]`` to the features of each layer i, ``[B, widths[i], H / 2^(i+1), W / 2^(i+1)]``."""
        features: list[Tensor] = []
        for layer in self.layers:
            features.append(layer(F.leaky_relu(features[-1], 0.2) if features else x))
        return features


def check_encoder_size(size: int) -> None:
    """Check the side of the square to which an encoder resizes pictures.

    Raises:
        ZooError: If it does not allow six halvings with instance normalisation.
    """
    if size % 64 or size < 128:
        # at 64 the last features are one pixel, which instance normalisation cannot normalise
        raise ZooError(f"method.encoder_size is {size}, but must be a multiple of 64, at least 128.")


def to_encoder_size(image: Tensor, label: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Resize picture (bilinear) and label map (nearest) to size x size, ignoring the aspect ratio, as in the papers.

    Args:
        image: ``[B, 3, H, W]``.
        label: ``[B, H, W]``.
        size: Side of the square.
    """
    if image.shape[-2:] == (size, size):
        return image, label
    image = F.interpolate(image, size=(size, size), mode="bilinear", align_corners=False)
    return image, resize_labels(label, (size, size))
