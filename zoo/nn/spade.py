"""SPADE (Park et al. 2019): modulation of normalised features by the class map, residual blocks, and decoders.

GauGAN, GauGAN-VAE and CLVAE use :class:`SPADEDecoder`, GroupDNet a :class:`BlockDecoder` with its own widths and
groups. They differ in the class map of each block, and in the ``modulation`` layers.

Letters: B batch, S samples per mask, H x W picture, K feature channels, h x w feature size, nf base width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.errors import ZooError
from zoo.nn.class_map import ClassMap, LabelConv2d
from zoo.nn.convolution import Norm, conv2d, parameter_free_norm

Upsampling = Literal["normal", "more", "most"]

_DOUBLINGS = {"normal": 5, "more": 6, "most": 7}

# GauGAN's blocks in order with their input and output channels, in units of nf
_BLOCKS = {
    "head_0": (16, 16),
    "G_middle_0": (16, 16),
    "G_middle_1": (16, 16),
    "up_0": (16, 8),
    "up_1": (8, 4),
    "up_2": (4, 2),
    "up_3": (2, 1),
}


class SPADE(nn.Module):
    """Spatially-adaptive denormalisation: parameter-free normalisation, then scale and shift by maps of the class map.

    Args:
        channels: K.
        map_channels: Channels of the class map.
        norm: The normalisation.
        hidden: Channels of the layer between class map and scale; 128 in the paper, whatever the width.
        shared_groups: Groups of the convolution of the class map (GroupDNet).
        groups: Groups of the convolutions that give scale and shift (GroupDNet).
    """

    def __init__(
        self,
        channels: int,
        map_channels: int,
        *,
        norm: Norm = "batch",
        hidden: int = 128,
        shared_groups: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.param_free_norm = parameter_free_norm(norm, channels)
        self.mlp_shared = LabelConv2d(map_channels, hidden, groups=shared_groups)
        self.mlp_gamma = conv2d(hidden, channels, 3, padding=1, groups=groups)
        self.mlp_beta = conv2d(hidden, channels, 3, padding=1, groups=groups)

    def forward(self, x: Tensor, class_map: ClassMap) -> Tensor:
        """Normalise and modulate features.

        Args:
            x: ``[B * S, K, h, w]``.
            class_map: Of batch B or B * S, of any size. A map of batch B serves all samples of a mask, so its
                modulation is computed once.

        Returns:
            ``[B * S, K, h, w]``.
        """
        hidden = F.relu(self.mlp_shared(class_map.resized((x.shape[2], x.shape[3]))))
        gamma, beta = self.mlp_gamma(hidden), self.mlp_beta(hidden)
        normalized = self.param_free_norm(x)
        if gamma.shape[0] == x.shape[0]:
            return normalized * (1 + gamma) + beta
        samples = normalized.unflatten(0, (gamma.shape[0], -1))
        return (samples * (1 + gamma[:, None]) + beta[:, None]).flatten(0, 1)


class SPADEResnetBlock(nn.Module):
    """Two SPADE-normalised 3x3 convolutions with a skip, which is a 1x1 convolution where the width changes.

    Args:
        in_channels: Input channels.
        out_channels: Output channels.
        modulation: Makes the SPADE layer for a number of channels.
        groups: Groups of the convolutions.
        spectral: Whether the convolutions have spectral normalisation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        modulation: Callable[[int], SPADE],
        *,
        groups: int = 1,
        spectral: bool = True,
    ) -> None:
        super().__init__()
        middle = min(in_channels, out_channels)
        self.conv_0 = conv2d(in_channels, middle, 3, padding=1, groups=groups, spectral=spectral)
        self.conv_1 = conv2d(middle, out_channels, 3, padding=1, groups=groups, spectral=spectral)
        self.norm_0, self.norm_1 = modulation(in_channels), modulation(middle)
        self.learned_shortcut = in_channels != out_channels
        if self.learned_shortcut:
            self.conv_s = conv2d(in_channels, out_channels, 1, bias=False, groups=groups, spectral=spectral)
            self.norm_s = modulation(in_channels)

    def forward(self, x: Tensor, class_map: ClassMap) -> Tensor:
        """Map x ``[B * S, in, h, w]`` to ``[B * S, out, h, w]``."""
        shortcut = self.conv_s(self.norm_s(x, class_map)) if self.learned_shortcut else x
        dx = self.conv_0(F.leaky_relu(self.norm_0(x, class_map), 0.2))
        dx = self.conv_1(F.leaky_relu(self.norm_1(dx, class_map), 0.2))
        return shortcut + dx


class BlockShape(NamedTuple):
    """Channels into and out of a residual block, and the groups of its convolutions."""

    inputs: int
    outputs: int
    groups: int = 1


class BlockDecoder(nn.Module):
    """Residual blocks of any widths with upsampling between them, then a convolution that gives the picture.

    Args:
        shapes: The blocks in order, by name.
        upsampling: How often the size doubles: 5, 6 or 7 times.
        modulation: Makes the SPADE layer of a block (its name) for a number of channels.
        spectral: Whether the blocks have spectral normalisation.
    """

    def __init__(
        self,
        shapes: Mapping[str, BlockShape],
        upsampling: Upsampling,
        modulation: Callable[[str, int], SPADE],
        *,
        spectral: bool = True,
    ) -> None:
        super().__init__()
        self.upsampling = upsampling

        def block(name: str, shape: BlockShape) -> SPADEResnetBlock:
            return SPADEResnetBlock(
                shape.inputs,
                shape.outputs,
                lambda channels: modulation(name, channels),
                groups=shape.groups,
                spectral=spectral,
            )

        self.blocks = nn.ModuleDict({name: block(name, shape) for name, shape in shapes.items()})
        self.conv_img = conv2d(list(shapes.values())[-1].outputs, 3, 3, padding=1)

    def forward(self, x: Tensor, class_maps: Mapping[str, ClassMap]) -> Tensor:
        """Decode features under one class map per block.

        Args:
            x: ``[B * S, inputs of the first block, h, w]``, with (h, w) from :func:`start_size`.
            class_maps: By the name of the block, each of batch B or B * S.

        Returns:
            Pictures ``[B * S, 3, H, W]`` in [-1, 1].
        """
        for name, block in self.blocks.items():
            # "normal" keeps the size between the two middle blocks
            if name != "head_0" and not (name == "G_middle_1" and self.upsampling == "normal"):
                with torch.autocast(x.device.type, enabled=False):  # it would copy in single precision on a GPU
                    x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(x, class_maps[name])
        return torch.tanh(self.conv_img(F.leaky_relu(x, 0.2)))


class SPADEDecoder(BlockDecoder):
    """GauGAN's blocks at base width nf = ``width``; the input has 16 nf channels."""

    def __init__(
        self,
        width: int,
        upsampling: Upsampling,
        modulation: Callable[[str, int], SPADE],
        *,
        spectral: bool = True,
    ) -> None:
        shapes = {name: BlockShape(fin * width, fout * width) for name, (fin, fout) in _BLOCKS.items()}
        if upsampling == "most":
            shapes["up_4"] = BlockShape(width, width // 2)
        super().__init__(shapes, upsampling, modulation, spectral=spectral)


def start_size(size: tuple[int, int], upsampling: Upsampling) -> tuple[int, int]:
    """Feature size (h, w) before the first block, for pictures of ``size`` (H, W).

    Raises:
        ZooError: If ``upsampling`` is unknown or does not divide ``size``.
    """
    if upsampling not in _DOUBLINGS:
        raise ZooError(f'method.upsampling is "{upsampling}", but must be one of {", ".join(_DOUBLINGS)}.')
    factor = 2 ** _DOUBLINGS[upsampling]
    if size[0] % factor or size[1] % factor or min(size) < factor:
        raise ZooError(
            f'data.size {list(size)} does not fit method.upsampling "{upsampling}": '
            f"height and width must be multiples of {factor}."
        )
    return size[0] // factor, size[1] // factor
