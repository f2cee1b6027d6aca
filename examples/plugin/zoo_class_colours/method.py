"""A minimal class-wise VAE: every class draws one colour per picture, and three convolutions paint with it.

Letters: B batch, C classes, H x W picture, S samples per mask.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo import METHODS, Batch, Codes, CodeSpec, Encoder, Generator, Method, Posterior
from zoo.config import Positive
from zoo.losses import kl_divergence
from zoo.nn.class_map import ClassMap, LabelConv2d


class ColourGenerator(Generator):
    """Fills each region with the colour of its class; the convolutions add borders and shading."""

    def __init__(self, specs: Mapping[str, CodeSpec], classes: int, width: int) -> None:
        super().__init__()
        self.code_specs = specs
        self.classes = classes
        self.of_label = LabelConv2d(classes, width)
        self.of_colour = nn.Conv2d(3, width, 3, padding=1)
        self.paint = nn.Sequential(
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 3, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """Map label ``[B, H, W]`` and codes ``[B * S, C, 3]`` to ``[B * S, 3, H, W]``."""
        samples = codes.batch_size // label.shape[0]
        # the samples of a mask are adjacent, and what depends on the mask alone is computed once
        shared = self.of_label(ClassMap(label)).repeat_interleave(samples, 0)
        filled = ClassMap(label.repeat_interleave(samples, 0), codes["colour"]).dense(self.classes)
        return self.paint(shared + self.of_colour(filled))


class ColourEncoder(Encoder):
    """One linear layer turns the mean colour of each class into a normal distribution of its code."""

    def __init__(self, specs: Mapping[str, CodeSpec], classes: int) -> None:
        super().__init__()
        self.code_specs = specs
        self.classes = classes
        self.linear = nn.Linear(3, 6)

    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """Map image ``[B, 3, H, W]`` and label ``[B, H, W]`` to the posterior of the codes ``[B, C, 3]``."""
        pixels = image.flatten(2).transpose(1, 2)  # [B, H * W, 3]
        index = label.flatten(1)
        start = pixels.new_zeros(len(label), self.classes, 3)
        mean = start.scatter_reduce(1, index[..., None].expand_as(pixels), pixels, "mean", include_self=False)
        present = torch.zeros_like(start[..., 0], dtype=torch.bool).scatter_(1, index, True)  # [B, C]
        # mu = logvar = 0, the prior, where a class is absent
        mu, logvar = (self.linear(mean) * present[..., None]).chunk(2, dim=2)
        return Posterior(
            Codes({"colour": mu}, self.code_specs), Codes({"colour": logvar}, self.code_specs), {"colour": present}
        )


@METHODS.register("class_colours")
class ClassColours(Method):
    """One colour per class; ``width`` and ``kl_weight`` are its settings, which a config may set."""

    needs_vgg = False  # no perceptual loss, so training loads no VGG

    def __init__(self, *, classes: int, size: tuple[int, int], width: Positive = 32, kl_weight: float = 0.01) -> None:
        super().__init__()
        specs = {"colour": CodeSpec((classes, 3), ("class", "channel"))}  # "class": editing by class works
        self.generator = ColourGenerator(specs, classes, width)
        self.encoder = ColourEncoder(specs, classes)
        self.kl_weight = kl_weight

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        """Minimise L1 and KL loss."""
        assert self.encoder is not None
        posterior = self.encoder(batch.image, batch.label)
        image = self.generator(batch.label, posterior.sample())
        losses = {"l1": (image - batch.image).abs().mean(), "kl": self.kl_weight * kl_divergence(posterior)}
        optimizers["generator"].update_params(losses["l1"] + losses["kl"])
        return {name: loss.detach() for name, loss in losses.items()}
