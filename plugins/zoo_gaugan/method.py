"""GauGAN (Park et al. 2019): the label map alone drives every layer of the generator (Endo & Kanamori 2020, eq. 1).

Letters: B batch, C classes, H x W picture, S samples per mask.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.adversarial import AdversarialMethod
from zoo.codes import Codes, CodeSpec, Posterior
from zoo.config import Positive
from zoo.interfaces import Generator
from zoo.nn.class_map import ClassMap, LabelConv2d
from zoo.nn.convolution import Norm
from zoo.nn.spade import SPADE, SPADEDecoder, Upsampling, start_size
from zoo.official import SPADE_DECODER, OfficialLayout
from zoo.registries import METHODS


class GauGANGenerator(Generator):
    """A convolution of the label map at the smallest size, then the SPADE decoder."""

    def __init__(
        self,
        classes: int,
        size: tuple[int, int],
        *,
        width: int,
        upsampling: Upsampling,
        norm: Norm = "batch",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        self.code_specs: dict[str, CodeSpec] = {}
        self.start = start_size(size, upsampling)
        self.fc = LabelConv2d(classes, 16 * width)
        self.decoder = SPADEDecoder(
            width, upsampling, lambda block, channels: SPADE(channels, classes, norm=norm), spectral=spectral
        )

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """Map label ``[B, H, W]`` and empty codes of batch B * S to ``[B * S, 3, H, W]``: S equal pictures per mask."""
        class_map = ClassMap(label)
        x = self.fc(class_map.resized(self.start))
        image = self.decoder(x, dict.fromkeys(self.decoder.blocks, class_map))
        return image.repeat_interleave(codes.batch_size // label.shape[0], 0)


@METHODS.register("gaugan")
class GauGAN(AdversarialMethod):
    """One picture per mask; there are no codes, so all samples of a mask are the same picture.

    Args:
        classes: C.
        size: (H, W).
        width: Base width of the generator.
        upsampling: Doublings from the first features to the picture: 5 ("normal"), 6 ("more") or 7 ("most").
        norm: Normalisation of the generator.
        spectral: Whether the generator has spectral normalisation.
        **settings: Those of :class:`zoo.adversarial.AdversarialMethod`.
    """

    official = OfficialLayout(generator=SPADE_DECODER)

    def __init__(
        self,
        *,
        classes: int,
        size: tuple[int, int],
        width: Positive = 64,
        upsampling: Upsampling = "normal",
        norm: Norm = "batch",
        spectral: bool = True,
        **settings: Any,
    ) -> None:
        generator = GauGANGenerator(classes, size, width=width, upsampling=upsampling, norm=norm, spectral=spectral)
        super().__init__(generator, classes=classes, **settings)

    @torch.no_grad()
    def encode(self, image: Tensor, label: Tensor) -> Posterior:
        """The empty posterior: the reconstruction is the one picture of the mask, as in the paper's Table 1."""
        empty = Codes({}, {}, image.shape[0])
        return Posterior(empty, empty)
