"""CLVAE as a method of the zoo, with the paper's ablations as settings."""

from __future__ import annotations

from zoo.adversarial import AdversarialMethod
from zoo.config import NonNegative, Positive
from zoo.losses.adversarial import GANLoss
from zoo.nn.convolution import Norm
from zoo.nn.discriminator import MultiscaleDiscriminator
from zoo.nn.spade_decoder import Upsampling
from zoo.official import ENCODER_TRUNK, SPADE_DECODER, OfficialLayout
from zoo.registry import METHODS
from zoo_clvae.encoder import CLVAEEncoder
from zoo_clvae.generator import CLVAEGenerator
from zoo_clvae.layout import CodeLayout


@METHODS.register("clvae")
class CLVAE(AdversarialMethod):
    """A code for every class at every encoder layer but the last, which gives the global one.

    ``local_code_width`` is N (None: the number of classes, as in the paper). ``class_wise``, ``layer_wise`` and
    ``layers`` are the ablations of the paper's Table 5: see :class:`zoo_clvae.layout.CodeLayout`.
    """

    official = OfficialLayout(
        generator=SPADE_DECODER,
        encoder=(
            *ENCODER_TRUNK,
            (r"^fc_(mu|var)([1-5])\.", lambda m: f"local_{m[1]}.{int(m[2]) - 1}."),
        ),
        decided_by=(
            (r"^embedding", "the number of classes of --data or method.local_code_width"),
            (r"blocks\.up_[34].*mlp_shared|stem", "the number of classes of --data"),
            (r"mlp_shared|^local_", "method.local_code_width"),
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
        local_code_width: Positive | None = None,
        class_wise: bool = True,
        layer_wise: bool = True,
        layers: int = 6,
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
        layout = CodeLayout(
            classes, local_code_width or classes, layers=layers, class_wise=class_wise, layer_wise=layer_wise
        )
        super().__init__(
            generator=CLVAEGenerator(
                layout,
                size,
                width=width,
                upsampling=upsampling,
                global_code_width=global_code_width,
                norm=norm,
                spectral=spectral,
            ),
            encoder=CLVAEEncoder(
                layout, width=width, global_code_width=global_code_width, encoder_size=encoder_size, norm=encoder_norm
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
