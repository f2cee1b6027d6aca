"""GroupDNet's generator: a SPADE decoder with fewer and fewer groups (Zhu et al. 2020, section 3.3 and figure 3)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from zoo.codes import Codes, CodeSpec
from zoo.errors import ZooError
from zoo.interfaces import Generator
from zoo.nn.class_map import ClassMap
from zoo.nn.convolution import Norm, conv2d
from zoo.nn.spade import SPADE
from zoo.nn.spade_decoder import BlockDecoder, start_size
from zoo_groupdnet.layout import GroupLayout

GroupDNetUpsampling = Literal["normal", "more"]
"""The published setting is "more" (start at 1/64 of the picture); "normal" starts at 1/32, for small pictures."""


class GroupDNetGenerator(Generator):
    """A grouped convolution of the codes of all classes, then residual blocks with grouped SPADE on the label map.

    Letters: B batch, S samples per mask, C classes, N code channels, H x W picture, h x w its size at the start.

    Raises ZooError for an ``upsampling`` that does not fit ``size``, and for a start that cannot be normalised.
    """

    def __init__(
        self,
        layout: GroupLayout,
        size: tuple[int, int],
        *,
        upsampling: GroupDNetUpsampling,
        local_code_width: int,
        norm: Norm = "batch",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        if upsampling not in ("normal", "more"):
            raise ZooError(f'method.upsampling is "{upsampling}", but GroupDNet has "normal" and "more" only.')
        self.start = start_size(size, upsampling)
        if norm == "instance" and self.start == (1, 1):
            raise ZooError(
                f'method.norm "instance" cannot normalise features of one pixel, with which data.size {list(size)} '
                f'starts at method.upsampling "{upsampling}"; set a larger size, upsampling "normal" or norm "batch".'
            )
        classes = layout.classes
        self.code_specs = {
            "local": CodeSpec((classes, local_code_width, *self.start), ("class", "channel", "row", "column"))
        }
        self.fc = conv2d(local_code_width * classes, layout.fc_channels, 3, padding=1, groups=layout.fc_groups)

        def modulation(block: str, channels: int) -> SPADE:
            return SPADE(
                channels,
                classes,
                norm=norm,
                hidden=layout.hidden[block],
                shared_groups=layout.shared_groups[block],
                groups=layout.blocks[block].groups,
            )

        self.decoder = BlockDecoder(layout.blocks, upsampling, modulation, spectral=spectral)

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """label ``[B, H, W]``, codes local ``[B * S, C, N, h, w]`` -> ``[B * S, 3, H, W]``."""
        x = self.fc(codes["local"].flatten(1, 2))
        return self.decoder(x, dict.fromkeys(self.decoder.blocks, ClassMap(label)))
