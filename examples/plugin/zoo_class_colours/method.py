"""Every class draws one colour per picture, and three convolutions paint with it: a class-wise VAE, as small as can be.

Letters: B batch, C classes, S samples per mask, H x W picture.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo import METHODS, Batch, Codes, CodeSpec, Encoder, Generator, Method, Posterior
from zoo.config import Positive
from zoo.losses.kl import kl_divergence
from zoo.nn.class_map import ClassMap
from zoo.nn.label_conv import LabelConv2d


class ColourGenerator(Generator):
    """Fills each region with the colour of its class, then adds borders and shading."""

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
        samples = codes.batch_size // label.shape[0]
        # the samples of a mask lie together, and what depends on the mask alone is computed once
        shared = self.of_label(ClassMap(label)).repeat_interleave(samples, 0)
        filled = ClassMap(label.repeat_interleave(samples, 0), codes["colour"]).dense(self.classes)
        return self.paint(shared + self.of_colour(filled))


class ColourEncoder(Encoder):
    """The mean colour of each class, made into a normal distribution by one linear layer."""

    def __init__(self, specs: Mapping[str, CodeSpec], classes: int) -> None:
        super().__init__()
        self.code_specs = specs
        self.classes = classes
        self.linear = nn.Linear(3, 6)

    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        pixels = image.flatten(2).transpose(1, 2)  # [B, H * W, 3]
        index = label.flatten(1)
        start = pixels.new_zeros(len(label), self.classes, 3)
        mean = start.scatter_reduce(1, index[..., None].expand_as(pixels), pixels, "mean", include_self=False)
        present = torch.zeros_like(start[..., 0], dtype=torch.bool).scatter_(1, index, True)  # [B, C]
        # mu = logvar = 0 where a class is absent: there the code is drawn from the prior
        mu, logvar = (self.linear(mean) * present[..., None]).chunk(2, dim=2)
        codes = (Codes({"colour": tensor}, self.code_specs) for tensor in (mu, logvar))
        return Posterior(*codes, presence={"colour": present})


@METHODS.register("class_colours")
class ClassColours(Method):
    """The keywords after ``size`` are the settings: a config may set them, and their annotations are checked."""

    needs_trunk = False  # no perceptual loss, so training loads no VGG

    def __init__(self, *, classes: int, size: tuple[int, int], width: Positive = 32, kl_weight: float = 0.01) -> None:
        super().__init__()
        specs = {"colour": CodeSpec((classes, 3), ("class", "channel"))}  # "class": editing by class works
        self.generator = ColourGenerator(specs, classes, width)
        self.encoder = ColourEncoder(specs, classes)
        self.kl_weight = kl_weight

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        posterior = self.encoder(batch.image, batch.label)
        image = self.generator(batch.label, posterior.sample())
        losses = {"l1": (image - batch.image).abs().mean(), "kl": self.kl_weight * kl_divergence(posterior)}
        optimizers["generator"].update_params(losses["l1"] + losses["kl"])
        return {name: loss.detach() for name, loss in losses.items()}
