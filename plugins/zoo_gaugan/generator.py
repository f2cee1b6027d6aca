"""GauGAN's generator: the label map alone drives every layer (Park et al. 2019, figure 4)."""

from __future__ import annotations

from torch import Tensor

from zoo.codes import Codes, CodeSpec
from zoo.interfaces import Generator
from zoo.nn.class_map import ClassMap
from zoo.nn.convolution import Norm
from zoo.nn.label_conv import LabelConv2d
from zoo.nn.spade import SPADE
from zoo.nn.spade_decoder import SPADEDecoder, Upsampling, start_size


class GauGANGenerator(Generator):
    """A convolution of the shrunken label map, then the SPADE decoder.

    Letters: B batch, S samples per mask, C classes, H x W picture. ``edges``: an instance edge map follows the classes
    as last channel.
    """

    def __init__(
        self,
        classes: int,
        size: tuple[int, int],
        *,
        width: int,
        upsampling: Upsampling,
        norm: Norm = "batch",
        spectral: bool = True,
        edges: bool = False,
    ) -> None:
        super().__init__()
        self.code_specs: dict[str, CodeSpec] = {}
        self.start = start_size(size, upsampling)
        self.fc = LabelConv2d(classes, 16 * width, dense_channels=int(edges))
        self.decoder = SPADEDecoder(
            width,
            upsampling,
            lambda block, channels: SPADE(channels, classes, edges=edges, norm=norm),
            spectral=spectral,
        )

    def forward(self, label: Tensor, codes: Codes, edges: Tensor | None = None) -> Tensor:
        """label ``[B, H, W]``, empty codes of batch B * S -> ``[B * S, 3, H, W]``: S equal pictures per mask."""
        class_map = ClassMap(label, edges=edges)
        x = self.fc(class_map.resized(self.start))
        image = self.decoder(x, dict.fromkeys(self.decoder.blocks, class_map))
        return image.repeat_interleave(codes.batch_size // label.shape[0], 0)
