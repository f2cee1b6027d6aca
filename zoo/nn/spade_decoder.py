"""The decoder of GauGAN that GauGAN-VAE, GroupDNet and CLVAE share (Park et al. 2019, appendix A, figure 12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.errors import ZooError
from zoo.nn.class_map import ClassMap
from zoo.nn.convolution import conv2d
from zoo.nn.spade import SPADE, SPADEResnetBlock

Upsampling = Literal["normal", "more", "most"]

_DOUBLINGS = {"normal": 5, "more": 6, "most": 7}

# Blocks in order with their input and output width, in units of the base width.
_BLOCKS = {
    "head_0": (16, 16),
    "G_middle_0": (16, 16),
    "G_middle_1": (16, 16),
    "up_0": (16, 8),
    "up_1": (8, 4),
    "up_2": (4, 2),
    "up_3": (2, 1),
}


def start_size(size: tuple[int, int], upsampling: Upsampling) -> tuple[int, int]:
    """Feature size (h, w) before the first block for pictures of ``size`` (H, W).

    Raises ZooError when the doublings would not end at ``size``.
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


def block_names(upsampling: Upsampling) -> list[str]:
    """Names of the residual blocks in order."""
    return [*_BLOCKS, "up_4"] if upsampling == "most" else list(_BLOCKS)


class BlockShape(NamedTuple):
    """Channels into and out of a residual block, and the groups of its convolutions."""

    inputs: int
    outputs: int
    groups: int = 1


class BlockDecoder(nn.Module):
    """Residual blocks of any widths with upsampling between them, then an image.

    Letters: B batch, S samples per mask. ``shapes`` names the blocks in order, ``modulation(block, channels)`` builds
    the SPADE layers of a block.
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
        """x ``[B * S, inputs, h, w]``, one class map per block -> image ``[B * S, 3, H, W]`` in [-1, 1]."""
        for name, block in self.blocks.items():
            # "normal" keeps the size between the two middle blocks
            if name != "head_0" and not (name == "G_middle_1" and self.upsampling == "normal"):
                with torch.autocast(x.device.type, enabled=False):  # it would copy in single precision on a GPU
                    x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(x, class_maps[name])
        return torch.tanh(self.conv_img(F.leaky_relu(x, 0.2)))


class SPADEDecoder(BlockDecoder):
    """The blocks of GauGAN at base width nf = ``width``; its input has 16 nf channels."""

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
