"""The training of GauGAN, shared by GauGAN-VAE, GroupDNet and CLVAE.

A method of this family passes its networks to :class:`AdversarialMethod` or, with an encoder, :class:`VAEGANMethod`. It
declares the settings of its networks as keywords of its constructor and passes the others to the base class::

    class MyMethod(VAEGANMethod):
        def __init__(self, *, classes: int, size: tuple[int, int], width: Positive = 64, **settings: Any) -> None:
            super().__init__(MyGenerator(classes, size, width), MyEncoder(width), classes=classes, **settings)

``**settings`` stands for the keywords of the base class: configs can set these as well, and their types are checked.
Single parts can be replaced:

- another modulation or decoder: implement it in the method's generator, see :mod:`zoo.nn.spade`;
- another discriminator: assign ``self.discriminator`` after ``super().__init__()``; if it does not return the feature
  lists of :class:`zoo.interfaces.Discriminator`, override the two losses below as well;
- other losses: override :meth:`~AdversarialMethod.generator_losses` or
  :meth:`~AdversarialMethod.discriminator_losses`, call ``super()`` and add to the dict, whose values are summed;
- another use of the codes in training: override :meth:`~AdversarialMethod.reconstruct` or
  :meth:`~AdversarialMethod.posterior_losses`.

Letters: B batch, H x W picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from zoo.codes import Codes, Posterior
from zoo.config import NonNegative, Positive
from zoo.distributed import unwrap_ddp
from zoo.interfaces import Batch, Encoder, Generator, Method
from zoo.losses import (
    GANLoss,
    discriminator_losses,
    feature_matching_loss,
    generator_loss,
    kl_divergence,
    perceptual_loss,
)
from zoo.nn.convolution import Norm
from zoo.nn.discriminator import MultiscaleDiscriminator

KL_BATCH = 4
"""Batch size that ``kl_weight`` refers to: that of the papers, whose code sums the divergence over the batch."""

Features = list[list[Tensor]]
"""Output of a discriminator: for each scale, the features of every layer."""


class AdversarialMethod(Method):
    """GAN with feature matching and perceptual loss; alternates generator and discriminator steps.

    The discriminator step synthesises new fake pictures, with the updated generator and new noise, as in the official
    implementations.

    Args:
        generator: The generator.
        classes: C, for the discriminator.
        discriminator_width: Channels of the discriminator's first layer.
        discriminator_norm: Normalisation of the discriminator.
        discriminator_scales: Number of input resolutions of the discriminator, each half of the previous one.
        discriminator_layers: Convolutions of each scale before the logits.
        feature_matching_weight: Weight of the feature matching loss.
        perceptual_weight: Weight of the perceptual loss.
        gan_loss: Kind of the adversarial loss.
        reuse_fake: Reuse the generator step's fake pictures in the discriminator step: faster, but changes the results.
    """

    def __init__(
        self,
        generator: Generator,
        /,
        *,
        classes: int,
        discriminator_width: Positive = 64,
        discriminator_norm: Norm = "instance",
        discriminator_scales: Positive = 2,
        discriminator_layers: Positive = 4,
        feature_matching_weight: NonNegative = 10.0,
        perceptual_weight: NonNegative = 10.0,
        gan_loss: GANLoss = "hinge",
        reuse_fake: bool = False,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = MultiscaleDiscriminator(
            classes,
            discriminator_width,
            scales=discriminator_scales,
            layers=discriminator_layers,
            norm=discriminator_norm,
        )
        self.feature_matching_weight = feature_matching_weight
        self.perceptual_weight = perceptual_weight
        self.gan_loss: GANLoss = gan_loss
        self.reuse_fake = reuse_fake

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        """One step of the generator (and encoder), then one of the discriminator; see :meth:`Method.train_step`."""
        fake, losses = self.generator_losses(batch)
        optimizers["generator"].update_params(total(losses))
        d_losses = self.discriminator_losses(batch, fake=fake.detach() if self.reuse_fake else None)
        optimizers["discriminator"].update_params(total(d_losses))
        return {name: loss.detach() for name, loss in (losses | d_losses).items()}

    def reconstruct(self, batch: Batch, noise: Codes | None = None) -> tuple[Tensor, Posterior | None]:
        """Synthesise fake pictures for a batch; returns them with the posterior of their codes.

        Args:
            batch: The real pictures and their label maps.
            noise: Standard normal noise of batch B; drawn if None.

        Returns:
            Pictures ``[B, 3, H, W]``, and here None, since the codes are drawn from the prior.
        """
        codes = noise if noise is not None else Codes.normal(self.code_specs, len(batch), device=batch.image.device)
        return self.generator(batch.label, codes), None

    def posterior_losses(self, posterior: Posterior | None) -> dict[str, Tensor]:
        """Weighted losses of the posterior, by name; none by default."""
        return {}

    def generator_losses(self, batch: Batch, noise: Codes | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """Fake pictures, and the weighted losses of generator and encoder.

        Args:
            batch: The real pictures and their label maps.
            noise: As in :meth:`reconstruct`.

        Returns:
            Pictures ``[B, 3, H, W]``, and scalars by name.
        """
        fake, posterior = self.reconstruct(batch, noise)
        with frozen(self.discriminator) as discriminator:
            fakes, reals = _discriminate(discriminator, fake, batch)
        losses = {"gan": generator_loss(fakes, self.gan_loss), **self.posterior_losses(posterior)}
        if self.feature_matching_weight:
            losses["feature_matching"] = self.feature_matching_weight * feature_matching_loss(fakes, reals)
        if self.perceptual_weight:
            losses["perceptual"] = self.perceptual_weight * perceptual_loss(self.vgg, fake, batch.image, batch.weight)
        return fake, losses

    def discriminator_losses(
        self, batch: Batch, noise: Codes | None = None, *, fake: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Losses of the discriminator.

        Args:
            batch: The real pictures and their label maps.
            noise: As in :meth:`reconstruct`.
            fake: Fake pictures ``[B, 3, H, W]`` without gradient; synthesised if None.

        Returns:
            Scalars by name.
        """
        if fake is None:
            with torch.no_grad():
                fake, _ = self.reconstruct(batch, noise)
        fakes, reals = _discriminate(self.discriminator, fake, batch)
        d_fake, d_real = discriminator_losses(fakes, reals, self.gan_loss)
        return {"d_fake": d_fake, "d_real": d_real}


class VAEGANMethod(AdversarialMethod):
    """An :class:`AdversarialMethod` with an encoder: the VAE-GAN of Endo & Kanamori 2020, eq. 7.

    Args:
        generator: The generator.
        encoder: The encoder, trained by the generator's optimiser.
        kl_weight: Weight of the KL loss (eq. 9, 18) at the papers' batch size of 4. The official code sums this loss
            over the batch and averages all others, so the weight is scaled by 4 / B for B pictures. The relative weight
            of the KL loss is then independent of the batch size.
        **settings: Those of :class:`AdversarialMethod`.
    """

    def __init__(
        self, generator: Generator, encoder: Encoder, /, *, kl_weight: NonNegative = 0.05, **settings: Any
    ) -> None:
        super().__init__(generator, **settings)
        self.encoder = encoder
        self.kl_weight = kl_weight

    def reconstruct(self, batch: Batch, noise: Codes | None = None) -> tuple[Tensor, Posterior]:
        """Synthesise pictures ``[B, 3, H, W]`` with codes drawn from the posterior; returns them and the posterior."""
        assert self.encoder is not None
        posterior: Posterior = self.encoder(batch.image, batch.label)
        return self.generator(batch.label, posterior.sample(noise)), posterior

    def posterior_losses(self, posterior: Posterior | None) -> dict[str, Tensor]:
        """The weighted KL loss."""
        assert posterior is not None
        return {"kl": self.kl_weight * KL_BATCH / posterior.mu.batch_size * kl_divergence(posterior)}


def total(losses: Mapping[str, Tensor]) -> Tensor:
    """Sum of scalars."""
    return torch.stack(list(losses.values())).sum()


def _discriminate(discriminator: nn.Module | None, fake: Tensor, batch: Batch) -> tuple[Features, Features]:
    """Features of the fake and the real pictures, computed in one call (instance norm does not mix them)."""
    assert discriminator is not None
    scales = discriminator(torch.cat([fake, batch.image.to(fake.dtype)]), batch.label)
    split = [[f.chunk(2) for f in features] for features in scales]
    return [[f[0] for f in features] for features in split], [[f[1] for f in features] for features in split]


@contextmanager
def frozen(module: nn.Module | None) -> Iterator[nn.Module]:
    """Context with the parameters of a network frozen, and without its distributed wrapper.

    The generator step needs gradients through the discriminator but not for its parameters; the wrapper would wait for
    these.
    """
    assert module is not None
    network = unwrap_ddp(module)
    parameters = [p for p in network.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield network
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
