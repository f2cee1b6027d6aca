"""cIMLE's distance between pictures (Chen & Koltun 2017): L1 in colours and in five depths of a VGG19.

Letters: B batch, H x W picture, S samples per mask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

VGG_LAYERS = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
TERMS = ("colour", *VGG_LAYERS)
DIVISORS = (1.0, 1.4, 1.8, 1.3, 2.2, 0.062)
"""Divisors of the terms, so that all have a comparable magnitude."""

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class FeatureSpace:
    """A feature network and the normalisation of its inputs.

    :data:`DIVISORS` are for a network with inputs in 0..255 (the Caffe release). The features of a network with
    normalised inputs are multiplied by the mean of the input standard deviations, which brings them to that scale, so
    that none of the six terms vanishes.

    Attributes:
        network: Gives the features of :data:`VGG_LAYERS`, shallow to deep.
        mean: Subtracted from RGB pictures in 0..255; torchvision's by default.
        std: What the difference is divided by; torchvision's by default, 1 for the Caffe release.
    """

    network: Callable[[Tensor], list[Tensor]]
    mean: Triple = (123.675, 116.28, 103.53)
    std: Triple = (58.395, 57.12, 57.375)

    def views(self, image: Tensor) -> list[Tensor]:
        """What the terms compare of image ``[B, 3, H, W]`` in [-1, 1]: the picture in 0..255, then its features."""
        picture = (image.float() + 1) * 127.5
        # plain numbers channel by channel need no transfer to the device
        channels = zip(picture.unbind(1), self.mean, self.std, strict=True)
        normalized = torch.stack([(channel - mean) / std for channel, mean, std in channels], 1)
        scale = sum(self.std) / 3
        return [picture, *(feature.float() * scale for feature in self.network(normalized))]


def distances(fakes: list[Tensor], reals: list[Tensor], mask: Tensor | None = None) -> Tensor:
    """The six terms of the distance between pictures, whose sum training minimises.

    Args:
        fakes: Views (see :meth:`FeatureSpace.views`) of B * S pictures, index b * S + s.
        reals: Views of B pictures.
        mask: Rarity mask ``[B, 1, H, W]``, None for ones. Averaged to the size of a view, it weights the differences
            there; the mean stays over all positions.

    Returns:
        ``[6, B * S]``.
    """
    terms = []
    for fake, real, divisor in zip(fakes, reals, DIVISORS, strict=True):
        difference = (fake.unflatten(0, (real.shape[0], -1)) - real[:, None]).abs()
        if mask is not None:
            difference = difference * F.adaptive_avg_pool2d(mask.float(), (real.shape[2], real.shape[3]))[:, None]
        terms.append(difference.flatten(2).mean(2).flatten() / divisor)
    return torch.stack(terms)
