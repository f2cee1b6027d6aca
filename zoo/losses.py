"""The losses of the VAE-GAN methods: adversarial, feature matching, Kullback-Leibler and perceptual.

In losses on a discriminator, ``fake`` and ``real`` are its outputs for fake and real pictures: for each scale, the
features of every layer, with the logits last. These losses are averaged over positions and pictures, then over scales.

Letters: B batch, C classes, H x W picture, L code layers, N code channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.codes import Posterior

GANLoss = Literal["hinge", "least_squares", "original", "wasserstein"]

# (loss of logits with target real, loss of logits with target fake, loss of the generator)
_GAN_LOSSES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "hinge": (lambda x: F.relu(1 - x), lambda x: F.relu(1 + x), lambda x: -x),
    "least_squares": (lambda x: (x - 1) ** 2, lambda x: x**2, lambda x: (x - 1) ** 2),
    "original": (lambda x: F.softplus(-x), lambda x: F.softplus(x), lambda x: F.softplus(-x)),
    "wasserstein": (lambda x: -x, lambda x: x, lambda x: -x),
}

SLICE_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Weight of each depth of the feature network in the perceptual loss, shallow to deep (pix2pixHD)."""


def generator_loss(fake: list[list[Tensor]], kind: GANLoss = "hinge") -> Tensor:
    """The adversarial loss of the generator."""
    return _over_scales(fake, _GAN_LOSSES[kind][2])


def discriminator_losses(
    fake: list[list[Tensor]], real: list[list[Tensor]], kind: GANLoss = "hinge"
) -> tuple[Tensor, Tensor]:
    """The losses of the discriminator on fake and on real pictures; the total is their sum, without a factor 0.5."""
    as_real, as_fake, _ = _GAN_LOSSES[kind]
    return _over_scales(fake, as_fake), _over_scales(real, as_real)


def _over_scales(features: list[list[Tensor]], loss: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.stack([loss(scale[-1].float()).mean() for scale in features]).mean()


def feature_matching_loss(fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
    """L1 between discriminator features of fake and real pictures (Wang et al. 2018).

    Summed over the layers without the logits, averaged over the scales; the real features are detached.
    """
    scales = [
        torch.stack(
            [F.l1_loss(f.float(), r.detach().float()) for f, r in zip(fakes[:-1], reals[:-1], strict=True)]
        ).sum()
        for fakes, reals in zip(fake, real, strict=True)
    ]
    return torch.stack(scales).mean()


def kl_divergence(posterior: Posterior) -> Tensor:
    """KL(q || N(0, 1)), summed over pictures, layers and channels, and averaged over the classes that are present.

    As in the official implementations, it is summed, not averaged, over the batch;
    :class:`zoo.adversarial.VAEGANMethod` scales its weight for other batch sizes. If a code has a class mask (Endo &
    Kanamori 2020, eq. 18), the mean is over the classes present, per picture and layer: a class that vanished at a
    coarse layer counts neither in the sum nor in the number of classes there. The paper divides by the number of
    classes in the whole mask; its code computes the same as this function.

    Args:
        posterior: Of batch B; codes without a class mask are summed over all entries.

    Returns:
        A float32 scalar.
    """
    total = torch.zeros((), device=next(iter(posterior.mu.values())).device)
    for name, mu in posterior.mu.items():
        mu, logvar = mu.float(), posterior.logvar[name].float()
        divergence = -0.5 * (1 + logvar - mu**2 - logvar.exp())
        class_mask = posterior.class_mask.get(name)
        if class_mask is None:
            total = total + divergence.sum()
            continue
        class_axis = posterior.mu.specs[name].axis("class")
        assert class_axis is not None, f"code {name!r} has a class mask but no class axis"
        per_class = torch.where(class_mask, divergence.flatten(class_mask.dim()).sum(-1), 0.0)
        count = class_mask.sum(class_axis).clamp(min=1)
        total = total + (per_class.sum(class_axis) / count).sum()
    return total


def perceptual_loss(
    network: Callable[[Tensor], list[Tensor]], fake: Tensor, real: Tensor, weight_mask: Tensor | None = None
) -> Tensor:
    """Weighted L1 between the features of fake and real pictures (Johnson et al. 2016, weights of pix2pixHD).

    Args:
        network: Frozen feature network with as many layers as :data:`SLICE_WEIGHTS`; see :mod:`zoo.nn.vgg`.
        fake: ``[B, 3, H, W]`` in [-1, 1].
        real: The same shape; its features are detached.
        weight_mask: Rarity mask ``[B, 1, H, W]``. Both features are multiplied by the mask, resized by nearest
            neighbour; the loss is still the plain mean over all positions, as in CLVAE's training on GTA-5.

    Returns:
        A float32 scalar.
    """
    with torch.no_grad():
        targets = network(real)
    loss = torch.zeros((), device=fake.device)
    for slice_weight, feature, target in zip(SLICE_WEIGHTS, network(fake), targets, strict=True):
        # a mean over millions of values would be inaccurate in half precision
        difference = (feature.float() - target.float()).abs()
        if weight_mask is not None:
            difference = difference * F.interpolate(weight_mask.float(), size=difference.shape[-2:])
        loss = loss + slice_weight * difference.mean()
    return loss
