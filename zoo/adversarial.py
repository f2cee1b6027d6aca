"""The training rule of GauGAN, which GauGAN-VAE, GroupDNet and CLVAE share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from zoo.codes import Codes, Posterior
from zoo.distributed import bare
from zoo.interfaces import Batch, Discriminator, Encoder, Generator, Method
from zoo.losses.adversarial import GANLoss, discriminator_losses, feature_matching_loss, generator_loss
from zoo.losses.kl import kl_divergence
from zoo.losses.perceptual import perceptual_loss

KL_BATCH = 4
"""Pictures for which ``kl_weight`` is meant: the batch of the papers, over which their code sums the divergence."""


class AdversarialMethod(Method):
    """Hinge GAN with feature matching, perceptual and KL loss; one generator step, then one discriminator step.

    ``kl_weight`` is the papers' number, for a sum over four pictures. All other losses are means, so the weight is
    scaled by 4 / B for B pictures: the KL divergence then has the same share of the total at every batch size.

    The discriminator step makes its own fake pictures, with the updated generator and fresh noise, as the official
    implementations do. ``reuse_fake`` takes the pictures of the generator step instead: faster, with other numbers.
    """

    def __init__(
        self,
        *,
        generator: Generator,
        encoder: Encoder | None,
        discriminator: Discriminator,
        kl_weight: float,
        feature_matching_weight: float,
        perceptual_weight: float,
        gan_loss: GANLoss,
        reuse_fake: bool,
    ) -> None:
        super().__init__()
        self.generator = generator
        if encoder is not None:
            self.encoder = encoder
        self.discriminator = discriminator
        self.kl_weight = kl_weight
        self.feature_matching_weight = feature_matching_weight
        self.perceptual_weight = perceptual_weight
        self.gan_loss: GANLoss = gan_loss
        self.reuse_fake = reuse_fake

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        fake, losses = self.generator_losses(batch)
        optimizers["generator"].update_params(total(losses))
        judged = self.discriminator_losses(batch, fake=fake.detach() if self.reuse_fake else None)
        optimizers["discriminator"].update_params(total(judged))
        return {name: loss.detach() for name, loss in (losses | judged).items()}

    def reconstruct(self, batch: Batch, noise: Codes | None = None) -> tuple[Tensor, Posterior | None]:
        """Pictures ``[B, 3, H, W]`` from a posterior draw (fresh noise unless given), and the posterior."""
        if self.encoder is None:
            codes = noise if noise is not None else Codes.normal(self.code_specs, len(batch), device=batch.image.device)
            return self.generator(batch.label, codes), None
        posterior: Posterior = self.encoder(batch.image, batch.label)
        return self.generator(batch.label, posterior.sample(noise)), posterior

    def generator_losses(self, batch: Batch, noise: Codes | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """The fake pictures and the weighted losses that generator and encoder minimise together."""
        fake, posterior = self.reconstruct(batch, noise)
        with frozen(self.discriminator) as discriminator:
            fakes, reals = _judge(discriminator, fake, batch)
        losses = {"gan": generator_loss(fakes, self.gan_loss)}
        if posterior is not None:
            losses["kl"] = self.kl_weight * KL_BATCH / len(batch) * kl_divergence(posterior)
        if self.feature_matching_weight:
            losses["feature_matching"] = self.feature_matching_weight * feature_matching_loss(fakes, reals)
        if self.perceptual_weight:
            losses["perceptual"] = self.perceptual_weight * perceptual_loss(self.trunk, fake, batch.image, batch.weight)
        return fake, losses

    def discriminator_losses(
        self, batch: Batch, noise: Codes | None = None, *, fake: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The losses that the discriminator minimises, on given or fresh fake pictures."""
        if fake is None:
            with torch.no_grad():
                fake, _ = self.reconstruct(batch, noise)
        fakes, reals = _judge(self.discriminator, fake, batch)
        d_fake, d_real = discriminator_losses(fakes, reals, self.gan_loss)
        return {"d_fake": d_fake, "d_real": d_real}


def total(losses: Mapping[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


def _judge(
    discriminator: nn.Module | None, fake: Tensor, batch: Batch
) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
    """Features of fake and real pictures from one pass over both (instance norm keeps the pictures apart)."""
    assert discriminator is not None
    scales = discriminator(torch.cat([fake, batch.image.to(fake.dtype)]), batch.label)
    split = [[f.chunk(2) for f in features] for features in scales]
    return [[f[0] for f in features] for features in split], [[f[1] for f in features] for features in split]


@contextmanager
def frozen(module: nn.Module | None) -> Iterator[nn.Module]:
    """The network without gradients for its own parameters, taken out of its distributed wrapper.

    The generator's step needs gradients through the discriminator, not for it; a wrapper would wait for them.
    """
    assert module is not None
    network = bare(module)
    parameters = [p for p in network.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield network
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
