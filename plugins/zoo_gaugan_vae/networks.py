"""GauGAN's generator from a global code, and the image encoder that gives the code (Park et al. 2019, appendix A)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.interfaces import Encoder, Generator
from zoo.nn.class_map import ClassMap
from zoo.nn.convolution import Norm, linear
from zoo.nn.encoder_trunk import TRUNK_WIDTHS, EncoderTrunk, check_encoder_size, to_encoder_size
from zoo.nn.spade import SPADE
from zoo.nn.spade_decoder import SPADEDecoder, Upsampling, start_size


class GauGANVAEGenerator(Generator):
    """A linear layer of the global code, then the SPADE decoder on the label map.

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
        global_code_width: int,
        norm: Norm = "batch",
        spectral: bool = True,
        edges: bool = False,
    ) -> None:
        super().__init__()
        self.start = start_size(size, upsampling)
        self.code_specs = {"global": CodeSpec((global_code_width,), ("channel",))}
        self.fc = linear(global_code_width, 16 * width * self.start[0] * self.start[1])
        self.decoder = SPADEDecoder(
            width,
            upsampling,
            lambda block, channels: SPADE(channels, classes, edges=edges, norm=norm),
            spectral=spectral,
        )

    def forward(self, label: Tensor, codes: Codes, edges: Tensor | None = None) -> Tensor:
        """label ``[B, H, W]``, codes global ``[B * S, 256]``, edges ``[B, 1, H, W]`` -> ``[B * S, 3, H, W]``."""
        x = self.fc(codes["global"]).unflatten(1, (-1, *self.start))
        return self.decoder(x, dict.fromkeys(self.decoder.blocks, ClassMap(label, edges=edges)))


class GauGANVAEEncoder(Encoder):
    """Six strided convolutions and two linear heads; the label map is not looked at."""

    def __init__(
        self,
        *,
        width: int,
        global_code_width: int,
        encoder_size: int = 256,
        norm: Norm = "instance",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        check_encoder_size(encoder_size)
        self.size = encoder_size
        self.code_specs = {"global": CodeSpec((global_code_width,), ("channel",))}
        self.trunk = EncoderTrunk(3, [width * factor for factor in TRUNK_WIDTHS], norm=norm, spectral=spectral)
        inputs = 8 * width * (encoder_size // 64) ** 2
        self.fc_mu, self.fc_var = linear(inputs, global_code_width), linear(inputs, global_code_width)

    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """image ``[B, 3, H, W]`` -> posterior of the global code ``[B, 256]``."""
        image, _ = to_encoder_size(image, label, self.size)
        x = F.leaky_relu(self.trunk(image)[-1], 0.2).flatten(1)
        return Posterior(
            Codes({"global": self.fc_mu(x)}, self.code_specs), Codes({"global": self.fc_var(x)}, self.code_specs)
        )
