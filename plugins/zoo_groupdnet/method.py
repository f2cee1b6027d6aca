"""GroupDNet (Zhu et al. 2020): its settings. The networks are in networks.py, their groups and widths in groups.py."""

from __future__ import annotations

import logging
from typing import Any, Literal

from zoo.adversarial import VAEGANMethod
from zoo.config import Positive
from zoo.errors import ZooError
from zoo.nn.convolution import Norm
from zoo.official import CONV_ENCODER, SPADE_DECODER, OfficialLayout
from zoo.registries import METHODS
from zoo_groupdnet.groups import choose_layout, group_layout
from zoo_groupdnet.networks import GroupDNetEncoder, GroupDNetGenerator, GroupDNetUpsampling

log = logging.getLogger(__name__)


@METHODS.register("groupdnet")
class GroupDNet(VAEGANMethod):
    """A code map for every class, kept apart from the others by group convolutions.

    The group counts in use are in :attr:`groups` and in the log.

    Args:
        classes: C.
        size: (H, W).
        layout: Which of the two published networks; "auto" takes the DeepFashion one where its group counts divide C
            (8, 16, 20, 32, ...), else the ADE20K one.
        width: Base width of the generator; None for the published one (160 and 64).
        upsampling: Doublings from the codes to the picture. The published "more" (6) gives 4x4 codes at 256x256 and
            4x8 at 256x512; "normal" (5) suits small pictures: 2x2 at 64x64.
        norm: Normalisation of the generator.
        spectral: Whether the generator has spectral normalisation.
        local_code_width: N, channels of a class's code.
        encoder_size: Shorter side of the stretched crops.
        encoder_width: Base width of the encoder, rounded up to a multiple of C; None for the published one (256, and 4
            per class), scaled with ``width``.
        encoder_norm: Normalisation of the encoder.
        **settings: Those of :class:`zoo.adversarial.VAEGANMethod`.

    Raises:
        ZooError: For settings that do not fit each other.
    """

    official = OfficialLayout(generator=SPADE_DECODER, encoder=CONV_ENCODER, dropped=(r"^up_4\.",))

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
        **settings: Any,
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
        encoder = GroupDNetEncoder(
            chosen,
            generator.start,
            local_code_width=local_code_width,
            encoder_size=encoder_size,
            norm=encoder_norm,
        )
        super().__init__(generator, encoder, classes=classes, **settings)
        self.layout, self.groups = chosen.name, chosen.groups
        counts = ", ".join(f"{part} {count}" for part, count in self.groups.items())
        log.info(
            "GroupDNet takes the %s layout for %d classes, with the group counts %s.", chosen.name, classes, counts
        )

    def facts(self) -> dict[str, Any]:
        """The published network in use and its group counts."""
        return {"layout": self.layout, "groups": dict(self.groups)}
