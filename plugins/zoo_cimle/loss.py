"""cIMLE's distance between pictures: L1 in colours and in five depths of a VGG19 (Chen & Koltun 2017, section 3.3).

Letters: B batch, S samples per mask, H x W picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

TRUNK_LAYERS = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
TERMS = ("colour", *TRUNK_LAYERS)
DIVISORS = (1.0, 1.4, 1.8, 1.3, 2.2, 0.062)
"""What each term is divided by, so that all have a say."""

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class FeatureSpace:
    """A feature network, and what it was trained to see: ``(picture - mean) / std`` of RGB pictures in 0..255.

    ``network`` gives the features of :data:`TRUNK_LAYERS`, shallow to deep. The divisors belong to a network for
    inputs in 0..255 (``std`` 1, the Caffe release). The features of one for inputs of unit size are multiplied by the
    deviation that its inputs were divided by, which brings them to that scale: so none of the six terms of two real
    pictures vanishes. The defaults are those of torchvision's networks.
    """

    network: Callable[[Tensor], list[Tensor]]
    mean: Triple = (123.675, 116.28, 103.53)
    std: Triple = (58.395, 57.12, 57.375)

    def views(self, image: Tensor) -> list[Tensor]:
        """What the terms compare: image ``[B, 3, H, W]`` in [-1, 1] -> the picture in 0..255, then its features."""
        picture = (image.float() + 1) * 127.5
        # channel by channel with plain numbers, which need no transfer to a device
        channels = zip(picture.unbind(1), self.mean, self.std, strict=True)
        seen = torch.stack([(channel - mean) / std for channel, mean, std in channels], 1)
        scale = sum(self.std) / 3
        return [picture, *(feature.float() * scale for feature in self.network(seen))]


def distances(fakes: list[Tensor], reals: list[Tensor], mask: Tensor | None = None) -> Tensor:
    """The six terms ``[6, B * S]`` between the views of pictures; their sum over axis 0 is what training minimises.

    fakes: views of B * S pictures (index b * S + s), reals: of B. mask ``[B, 1, H, W]`` (the rarity mask; None: ones)
    weights the differences of each view after averaging over its pixels; the mean stays over all positions.
    """
    terms = []
    for fake, real, divisor in zip(fakes, reals, DIVISORS, strict=True):
        difference = (fake.unflatten(0, (real.shape[0], -1)) - real[:, None]).abs()
        if mask is not None:
            difference = difference * F.adaptive_avg_pool2d(mask.float(), (real.shape[2], real.shape[3]))[:, None]
        terms.append(difference.flatten(2).mean(2).flatten() / divisor)
    return torch.stack(terms)
