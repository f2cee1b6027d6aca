"""GauGAN-VAE as a method of the zoo."""

from __future__ import annotations

from zoo.adversarial import AdversarialMethod
from zoo.config import NonNegative, Positive
from zoo.losses.adversarial import GANLoss
from zoo.nn.convolution import Norm
from zoo.nn.discriminator import MultiscaleDiscriminator
from zoo.nn.spade_decoder import Upsampling
from zoo.official import ENCODER_TRUNK, SPADE_DECODER, OfficialLayout
from zoo.registry import METHODS
from zoo_gaugan_vae.networks import GauGANVAEEncoder, GauGANVAEGenerator


@METHODS.register("gaugan_vae")
class GauGANVAE(AdversarialMethod):
    """A global code of a picture sets its look; the paper's row "GauGAN-VAE*" is ``kl_weight=0.0005``."""

    official = OfficialLayout(
        generator=SPADE_DECODER,
        encoder=ENCODER_TRUNK,
        decided_by=(
            (r"mlp_shared|stem", "the number of classes of --data"),
            (r"^fc\.", "method.width, data.size, method.upsampling or method.global_code_width"),
            (r"^fc_", "method.width, method.encoder_size or method.global_code_width"),
        ),
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
        global_code_width: Positive = 256,
        encoder_size: Positive = 256,
        encoder_norm: Norm = "instance",
        discriminator_width: Positive = 64,
        discriminator_norm: Norm = "instance",
        discriminator_scales: Positive = 2,
        discriminator_layers: Positive = 4,
        kl_weight: NonNegative = 0.05,
        feature_matching_weight: NonNegative = 10.0,
        perceptual_weight: NonNegative = 10.0,
        gan_loss: GANLoss = "hinge",
        reuse_fake: bool = False,
    ) -> None:
        super().__init__(
            generator=GauGANVAEGenerator(
                classes,
                size,
                width=width,
                upsampling=upsampling,
                global_code_width=global_code_width,
                norm=norm,
                spectral=spectral,
            ),
            encoder=GauGANVAEEncoder(
                width=width, global_code_width=global_code_width, encoder_size=encoder_size, norm=encoder_norm
            ),
            discriminator=MultiscaleDiscriminator(
                classes,
                discriminator_width,
                scales=discriminator_scales,
                layers=discriminator_layers,
                norm=discriminator_norm,
            ),
            kl_weight=kl_weight,
            feature_matching_weight=feature_matching_weight,
            perceptual_weight=perceptual_weight,
            gan_loss=gan_loss,
            reuse_fake=reuse_fake,
        )
