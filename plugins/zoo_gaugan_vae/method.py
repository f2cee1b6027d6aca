"""GauGAN-VAE (Park et al. 2019): one code per picture starts the generator (Endo & Kanamori 2020, eq. 2 to 6).

Letters: B batch, C classes, H x W picture, N1 channels of the global code, S samples per mask.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from zoo.adversarial import VAEGANMethod
from zoo.codes import Codes, CodeSpec, Posterior
from zoo.config import Positive
from zoo.interfaces import Encoder, Generator
from zoo.nn.class_map import ClassMap
from zoo.nn.convolution import ConvEncoder, Norm, check_encoder_size, linear, to_encoder_size
from zoo.nn.spade import SPADE, SPADEDecoder, Upsampling, start_size
from zoo.official import CONV_ENCODER, SPADE_DECODER, OfficialLayout
from zoo.registries import METHODS


class GauGANVAEGenerator(Generator):
    """A linear layer of the global code, then the SPADE decoder on the label map (eq. 2)."""

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
    ) -> None:
        super().__init__()
        self.start = start_size(size, upsampling)
        self.code_specs = {"global": CodeSpec((global_code_width,), ("channel",))}
        self.fc = linear(global_code_width, 16 * width * self.start[0] * self.start[1])
        self.decoder = SPADEDecoder(
            width, upsampling, lambda block, channels: SPADE(channels, classes, norm=norm), spectral=spectral
        )

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """Map label ``[B, H, W]``, codes global ``[B * S, N1]`` to ``[B * S, 3, H, W]``."""
        x = self.fc(codes["global"]).unflatten(1, (-1, *self.start))
        return self.decoder(x, dict.fromkeys(self.decoder.blocks, ClassMap(label)))


class GauGANVAEEncoder(Encoder):
    """Six strided convolutions and two linear heads (eq. 4 to 6); the label map is not used.

    Raises:
        ZooError: For an ``encoder_size`` that is no multiple of 64 from 128 on.
    """

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
        self.convs = ConvEncoder(3, [width * factor for factor in ConvEncoder.FACTORS], norm=norm, spectral=spectral)
        inputs = 8 * width * (encoder_size // 64) ** 2
        self.fc_mu, self.fc_var = linear(inputs, global_code_width), linear(inputs, global_code_width)

    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """Map image ``[B, 3, H, W]`` to the posterior of the global code ``[B, N1]``."""
        image, _ = to_encoder_size(image, label, self.size)
        x = F.leaky_relu(self.convs(image)[-1], 0.2).flatten(1)
        return Posterior(
            Codes({"global": self.fc_mu(x)}, self.code_specs), Codes({"global": self.fc_var(x)}, self.code_specs)
        )


@METHODS.register("gaugan_vae")
class GauGANVAE(VAEGANMethod):
    """A global code sets the appearance of the picture; ``kl_weight=0.0005`` is GauGAN-VAE* of the paper's Table 2.

    Args:
        classes: C.
        size: (H, W).
        width: Base width of generator and encoder.
        upsampling: Doublings from the first features to the picture: 5 ("normal"), 6 ("more") or 7 ("most").
        norm: Normalisation of the generator.
        spectral: Whether the generator has spectral normalisation.
        global_code_width: N1.
        encoder_size: Side of the square to which the encoder resizes pictures.
        encoder_norm: Normalisation of the encoder.
        **settings: Those of :class:`zoo.adversarial.VAEGANMethod`.
    """

    official = OfficialLayout(generator=SPADE_DECODER, encoder=CONV_ENCODER)

    def __init__(
        self,
        *,
        classes: int,
        size: tuple[int, int],
        width: Positive = 64,
        upsampling: Upsampling = "normal",
        norm: Norm = "batch",
        spectral: bool = True,
        global_code_width: Positive = 256,
        encoder_size: Positive = 256,
        encoder_norm: Norm = "instance",
        **settings: Any,
    ) -> None:
        generator = GauGANVAEGenerator(
            classes,
            size,
            width=width,
            upsampling=upsampling,
            global_code_width=global_code_width,
            norm=norm,
            spectral=spectral,
        )
        encoder = GauGANVAEEncoder(
            width=width, global_code_width=global_code_width, encoder_size=encoder_size, norm=encoder_norm
        )
        super().__init__(generator, encoder, classes=classes, **settings)
