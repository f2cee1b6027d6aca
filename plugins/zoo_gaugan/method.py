"""GauGAN as a method of the zoo."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.adversarial import AdversarialMethod
from zoo.codes import Codes, Posterior
from zoo.config import NonNegative, Positive
from zoo.losses.adversarial import GANLoss
from zoo.nn.convolution import Norm
from zoo.nn.discriminator import MultiscaleDiscriminator
from zoo.nn.spade_decoder import Upsampling
from zoo.official import SPADE_DECODER, OfficialLayout
from zoo.registry import METHODS
from zoo_gaugan.generator import GauGANGenerator


@METHODS.register("gaugan")
class GauGAN(AdversarialMethod):
    """One picture per mask; it has no codes, so every sample of a mask is the same picture."""

    official = OfficialLayout(
        generator=SPADE_DECODER,
        decided_by=((r"mlp_shared|^fc|stem", "the number of classes of --data or method.width"),),
    )

    def __init__(
        self,
        *,
        classes: int,
        size: tuple[int, int],
        width: Positive = 64,
        upsampling: Upsampling = "normal",
        norm: Norm = "batch",
        spectral: bool = True,
        discriminator_width: Positive = 64,
        discriminator_norm: Norm = "instance",
        discriminator_scales: Positive = 2,
        discriminator_layers: Positive = 4,
        feature_matching_weight: NonNegative = 10.0,
        perceptual_weight: NonNegative = 10.0,
        gan_loss: GANLoss = "hinge",
        reuse_fake: bool = False,
    ) -> None:
        super().__init__(
            generator=GauGANGenerator(classes, size, width=width, upsampling=upsampling, norm=norm, spectral=spectral),
            encoder=None,
            discriminator=MultiscaleDiscriminator(
                classes,
                discriminator_width,
                scales=discriminator_scales,
                layers=discriminator_layers,
                norm=discriminator_norm,
            ),
            kl_weight=0.0,
            feature_matching_weight=feature_matching_weight,
            perceptual_weight=perceptual_weight,
            gan_loss=gan_loss,
            reuse_fake=reuse_fake,
        )

    @torch.no_grad()
    def encode(self, image: Tensor, label: Tensor) -> Posterior:
        """The empty posterior: a reconstruction is the one picture of the mask (the paper's Table 1 counts it so)."""
        none = Codes({}, {}, image.shape[0])
        return Posterior(none, none)
