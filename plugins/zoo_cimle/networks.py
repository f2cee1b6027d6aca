"""cIMLE's generator (Li et al. 2019): a cascaded refinement network (Chen & Koltun 2017) behind a noise encoder.

Letters: B batch, C classes, D dense channels, H x W picture, h x w one level, N noise channels, S samples per mask.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.codes import Codes, CodeSpec
from zoo.errors import ZooError
from zoo.interfaces import Generator
from zoo.nn.class_map import ClassMap, LabelConv2d

COARSEST = 4
"""Rows of the first level."""


def level_heights(size: tuple[int, int]) -> list[int]:
    """Rows of every level, 4, 8, ... H, for pictures of ``size`` (H, W).

    Raises:
        ZooError: If doubling from 4 rows does not reach the size.
    """
    height, width = size
    levels = (height // COARSEST).bit_length()
    heights = [COARSEST << level for level in range(levels)]
    if not heights or heights[-1] != height or width % (height // COARSEST):
        raise ZooError(
            f"data.size {list(size)} does not fit cIMLE, whose pyramid doubles from {COARSEST} rows: set a height "
            f"that is {COARSEST} times a power of two (64, 128, 256, ...) and a width that is a multiple of "
            f"height / {COARSEST}."
        )
    return heights


def level_widths(size: tuple[int, int], width: int) -> list[int]:
    """Channels of every level: ``width`` up to 64 rows, half of it from 128 on."""
    return [width if height <= 64 else width // 2 for height in level_heights(size)]


def share_pyramid(label: Tensor, classes: int, levels: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Share of each class per pixel at all levels but the finest, which is the label map itself.

    Each level is the 2x2 mean of the next. The finest one is counted from the integers, so a one-hot map of the full
    size never exists.

    Args:
        label: ``[B, H, W]``.
        classes: C.
        levels: Number of levels, the finest included.
        dtype: Type of the shares.

    Returns:
        ``levels - 1`` maps ``[B, C, h, w]``, coarse to fine.
    """
    if levels == 1:
        return []
    four = F.pixel_unshuffle(label[:, None], 2)
    shares = torch.zeros(four.shape[0], classes, *four.shape[2:], dtype=dtype, device=label.device)
    pyramid = [shares.scatter_add_(1, four.long(), torch.full_like(four, 0.25, dtype=dtype))]
    while len(pyramid) < levels - 1:
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    return pyramid[::-1]


class RefinementModule(nn.Module):
    """Two layers of 3x3 convolution, layer normalisation and leaky ReLU, over the label map and dense channels.

    The normalisation takes moments over the channels and pixels of a picture, with gain and shift per channel.
    """

    def __init__(self, classes: int, dense_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = LabelConv2d(classes, width, dense_channels=dense_channels, bias=False)
        self.norm1 = nn.GroupNorm(1, width, eps=1e-12)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(1, width, eps=1e-12)
        nn.init.xavier_uniform_(self.conv1.weight)
        nn.init.xavier_uniform_(self.conv2.weight)

    def forward(self, label: Tensor, dense: Tensor) -> Tensor:
        """Refine features at one level.

        Args:
            label: Integers ``[B, h, w]``, or shares of the classes ``[B, C, h, w]``.
            dense: ``[S * B, D, h, w]``, index s * B + b.

        Returns:
            ``[S * B, width, h, w]``.
        """
        x = self.conv1.of_values(label, dense) if label.is_floating_point() else self.conv1(ClassMap(label), dense)
        x = F.leaky_relu(self.norm1(x), 0.2)
        return F.leaky_relu(self.norm2(self.conv2(x)), 0.2)


class NoiseEncoder(nn.Module):
    """Turns white noise into noise that depends on the label map."""

    def __init__(self, classes: int, channels: int, width: int) -> None:
        super().__init__()
        self.layers = RefinementModule(classes, channels, width)
        self.head = nn.Conv2d(width, channels, 1)
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the weights from a normal of deviation 0.15, cut at two deviations; training does it a second time."""
        for conv in (self.layers.conv1, self.layers.conv2, self.head):
            nn.init.trunc_normal_(conv.weight, std=0.15, a=-0.3, b=0.3, generator=generator)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        self.layers.norm1.reset_parameters()
        self.layers.norm2.reset_parameters()

    def forward(self, label: Tensor, noise: Tensor) -> Tensor:
        """Map label ``[B, H, W]``, noise ``[S * B, N, H, W]`` to ``[S * B, N, H, W]``."""
        return self.head(self.layers(label, noise))


class CIMLEGenerator(Generator):
    """Refinement modules from 4 rows up to the picture, each fed with label map, encoded noise and the module before.

    The output is not limited to [-1, 1]: training uses it unclipped, and :meth:`CIMLE.synthesize` clips it.

    Args:
        classes: C.
        size: (H, W).
        widths: Channels of the levels, coarse to fine.
        noise_channels: N.
        noise_encoder_width: Channels of the noise encoder.
    """

    def __init__(
        self, classes: int, size: tuple[int, int], *, widths: list[int], noise_channels: int, noise_encoder_width: int
    ) -> None:
        super().__init__()
        self.classes = classes
        self.code_specs = {"noise": CodeSpec((noise_channels, *size), ("channel", "row", "column"))}
        self.noise_encoder = NoiseEncoder(classes, noise_channels, noise_encoder_width)
        before = [0, *widths[:-1]]
        self.levels = nn.ModuleDict(
            {
                str(height): RefinementModule(classes, into + noise_channels, width)
                for height, into, width in zip(level_heights(size), before, widths, strict=True)
            }
        )
        self.head = nn.Conv2d(widths[-1], 3, 1)
        assert self.head.bias is not None
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """Map label ``[B, H, W]``, codes noise ``[B * S, N, H, W]`` to ``[B * S, 3, H, W]``, not clipped."""
        batch = label.shape[0]
        # index s * B + b inside, so that a module computes the label's part of a convolution once for all samples
        noise = codes["noise"].unflatten(0, (batch, -1)).transpose(0, 1).flatten(0, 1)
        noise = self.noise_encoder(label, noise)
        pyramid = share_pyramid(label, self.classes, len(self.levels), noise.dtype)
        x = None
        for level, (module, shares) in enumerate(zip(self.levels.values(), [*pyramid, label], strict=True)):
            stride = 2 ** (len(pyramid) - level)
            dense = noise[:, :, ::stride, ::stride]
            if x is not None:
                x = F.interpolate(x, dense.shape[-2:], mode="bilinear", align_corners=True)
                dense = torch.cat([x, dense], 1)
            x = module(shares, dense)
        return self.head(x).unflatten(0, (-1, batch)).transpose(0, 1).flatten(0, 1)


def seeded_noise(seeds: Tensor, shape: Sequence[int]) -> Tensor:
    """Standard normal noise of many seeds at once, the same on every device.

    Seed and position are hashed (SplitMix64) into two uniform numbers, which the Box-Muller transform turns into two
    normal ones. torch's generators would need one call per seed, and give other numbers on a GPU than on a CPU.

    Args:
        seeds: int64 ``[B]``.
        shape: Shape of the noise of one seed.

    Returns:
        ``[B, *shape]`` float32.
    """
    count = math.prod(shape)
    position = torch.arange((count + 1) // 2, device=seeds.device)
    bits = _mixed(_mixed(seeds)[:, None] + position * -7046029254386353131)
    high, low = (part.float() for part in ((bits >> 32) & 0xFFFFFFFF, bits & 0xFFFFFFFF))
    radius = torch.sqrt(-2 * torch.log((high + 0.5) * 2.0**-32))
    angle = low * (2 * math.pi * 2.0**-32)
    normal = torch.cat([radius * angle.cos(), radius * angle.sin()], 1)
    return normal[:, :count].unflatten(1, tuple(shape))


def _mixed(z: Tensor) -> Tensor:
    """The last step of SplitMix64, on int64: products wrap as unsigned ones do, and the masks make shifts logical."""
    z = (z ^ ((z >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    z = (z ^ ((z >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return z ^ ((z >> 31) & 0x1FFFFFFFF)
