"""GroupDNet as a method of the zoo."""

from __future__ import annotations

import logging
from typing import Any, Literal

from zoo.adversarial import AdversarialMethod
from zoo.config import NonNegative, Positive
from zoo.errors import ZooError
from zoo.losses.adversarial import GANLoss
from zoo.nn.convolution import Norm
from zoo.nn.discriminator import MultiscaleDiscriminator
from zoo.official import ENCODER_TRUNK, SPADE_DECODER, OfficialLayout
from zoo.registry import METHODS
from zoo_groupdnet.encoder import GroupDNetEncoder
from zoo_groupdnet.generator import GroupDNetGenerator, GroupDNetUpsampling
from zoo_groupdnet.layout import choose_layout, group_layout

log = logging.getLogger(__name__)


@METHODS.register("groupdnet")
class GroupDNet(AdversarialMethod):
    """A code map for every class, kept apart by group convolutions.

    ``layout`` chooses between the two published networks; ``"auto"`` takes the DeepFashion one where its group counts
    divide the number of classes (8, 16, 20, 32 ...), else the ADE20K one. :attr:`groups` and the log say which counts
    it picked.

    ``width`` None is the published base width (160 and 64). ``encoder_width`` None is the published one (256 and 4 per
    class), scaled with ``width``; it is rounded up to a multiple of the number of classes. ``encoder_size`` is the
    shorter side of the stretched crops. Codes have the size at which the generator starts: 4x4 for 256x256 and 4x8 for
    256x512 with ``upsampling="more"``; small pictures (64x64, 64x128) take ``"normal"`` and start at 2x2 and 2x4.
    """

    official = OfficialLayout(
        generator=SPADE_DECODER,
        encoder=ENCODER_TRUNK,
        decided_by=(
            (r"^fc\.", "the number of classes of --data, method.layout, method.width or method.local_code_width"),
            (r"^fc_", "the number of classes of --data, method.encoder_width or method.local_code_width"),
            (r"^trunk", "the number of classes of --data or method.encoder_width"),
            (r"mlp_shared|stem", "the number of classes of --data or method.layout"),
            (r"^decoder", "method.width, method.layout or the number of classes of --data"),
        ),
        dropped=(r"^up_4\.",),
    )

    def __init__(
        self,
        *,
        classes: int,
        size: tuple[int, int],
        layout: Literal["auto", "deepfashion", "ade20k"] = "auto",
        width: Positive | None = None,
        upsampling: GroupDNetUpsampling = "more",
        norm: Norm = "batch",
        spectral: bool = True,
        local_code_width: Positive = 8,
        encoder_size: Positive = 256,
        encoder_width: Positive | None = None,
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
        if layout not in ("auto", "deepfashion", "ade20k"):
            raise ZooError(f'method.layout is "{layout}", but must be one of auto, deepfashion, ade20k.')
        chosen = group_layout(
            classes,
            choose_layout(classes) if layout == "auto" else layout,
            width=width,
            encoder_width=encoder_width,
        )
        generator = GroupDNetGenerator(
            chosen, size, upsampling=upsampling, local_code_width=local_code_width, norm=norm, spectral=spectral
        )
        super().__init__(
            generator=generator,
            encoder=GroupDNetEncoder(
                chosen,
                generator.start,
                local_code_width=local_code_width,
                encoder_size=encoder_size,
                norm=encoder_norm,
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
        self.layout, self.groups = chosen.name, chosen.groups
        counts = ", ".join(f"{part} {count}" for part, count in self.groups.items())
        log.info(
            "GroupDNet takes the %s layout for %d classes, with the group counts %s.", chosen.name, classes, counts
        )

    def facts(self) -> dict[str, Any]:
        return {"layout": self.layout, "groups": dict(self.groups)}
