"""GAN losses on the logits of a multi-scale discriminator.

Every loss is averaged over positions and pictures, then over the scales. ``features`` are what a Discriminator
returns: per scale the features of every layer, the logits last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

GANLoss = Literal["hinge", "least_squares", "original", "wasserstein"]

# (loss of logits that should look real, loss of logits that should look fake, loss of the generator)
_LOSSES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "hinge": (lambda x: F.relu(1 - x), lambda x: F.relu(1 + x), lambda x: -x),
    "least_squares": (lambda x: (x - 1) ** 2, lambda x: x**2, lambda x: (x - 1) ** 2),
    "original": (lambda x: F.softplus(-x), lambda x: F.softplus(x), lambda x: F.softplus(-x)),
    "wasserstein": (lambda x: -x, lambda x: x, lambda x: -x),
}


def _over_scales(features: list[list[Tensor]], loss: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.stack([loss(scale[-1].float()).mean() for scale in features]).mean()


def generator_loss(fake: list[list[Tensor]], kind: GANLoss = "hinge") -> Tensor:
    """What the generator pays for pictures that the discriminator takes for fake."""
    return _over_scales(fake, _LOSSES[kind][2])


def discriminator_losses(
    fake: list[list[Tensor]], real: list[list[Tensor]], kind: GANLoss = "hinge"
) -> tuple[Tensor, Tensor]:
    """What the discriminator pays on fake and on real pictures; their sum (no factor 0.5) is its loss."""
    as_real, as_fake, _ = _LOSSES[kind]
    return _over_scales(fake, as_fake), _over_scales(real, as_real)


def feature_matching_loss(fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
    """L1 between discriminator features of fake and real pictures: summed over layers, averaged over scales (Wang et
    al. 2018, eq. 4).

    The logits take no part; the real features are constants.
    """
    scales = [
        torch.stack(
            [F.l1_loss(f.float(), r.detach().float()) for f, r in zip(fakes[:-1], reals[:-1], strict=True)]
        ).sum()
        for fakes, reals in zip(fake, real, strict=True)
    ]
    return torch.stack(scales).mean()
