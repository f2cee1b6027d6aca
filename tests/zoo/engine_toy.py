"""Two small methods and a dataset of a few pixels, as a third party would write them, for the tests of the engine.

Also a program, for tests that need a process of their own: ``python -m tests.zoo.engine_toy CONFIG.json WORK_DIR
[--resume]``. Under a launcher every rank then writes its weights to ``WORK_DIR.rank<N>.pth``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.config import Config
from zoo.distributed import rank, unwrap_ddp, unwrapped, world_size
from zoo.engine import RunInterruptedError, train
from zoo.interfaces import Batch, Discriminator, Encoder, Generator, Method
from zoo.metrics import Metric, Networks, ReconstructionMetric, SampleMetric
from zoo.nn.class_map import one_hot
from zoo.registries import METHODS, METRICS

built: list[Method] = []
SPECS = {"global": CodeSpec((3,), ("channel",))}


class ToyGenerator(Generator):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.code_specs = SPECS
        self.classes = classes
        self.body = nn.Sequential(nn.Conv2d(classes + 3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.Dropout(0.3))
        self.last = nn.Conv2d(6, 3, 1)

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        samples = codes.batch_size // label.shape[0]
        mask = one_hot(label, self.classes).float().repeat_interleave(samples, dim=0)
        code = codes["global"][:, :, None, None].expand(-1, -1, *mask.shape[2:])
        return torch.tanh(self.last(self.body(torch.cat([mask, code], 1))))


class ToyEncoder(Encoder):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)

    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        mu, logvar = self.conv(image).mean((2, 3)).chunk(2, dim=1)
        return Posterior(Codes({"global": mu}, SPECS), Codes({"global": logvar}, SPECS))


class ToyDiscriminator(Discriminator):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 1, 3, padding=1))

    def forward(self, image: Tensor, label: Tensor) -> list[list[Tensor]]:
        return [[self.conv(image)]]


@METHODS.register("engine_toy")
class Toy(Method):
    """A GAN with all that resuming must get right: dropout, noise, batch and spectral norm, and state per epoch."""

    needs_vgg = False
    freeze = True  # the discriminator, in the generator's step

    def __init__(self, *, classes: int, size: tuple[int, int], fail_at: int = 0) -> None:
        super().__init__()
        self.generator = ToyGenerator(classes)
        self.encoder = ToyEncoder()
        self.discriminator = ToyDiscriminator()
        self.fail_at = fail_at
        self.steps = 0
        self.shift = 0.0
        built.append(self)

    def get_extra_state(self) -> dict[str, Any]:
        return {"shift": self.shift, "steps": self.steps}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.shift, self.steps = state["shift"], state["steps"]

    def begin_epoch(self, epoch: int, pictures: Iterable[Batch], optimizers: Mapping[str, Any]) -> None:
        learnt = float(unwrap_ddp(self.generator).last.weight.detach().sum())
        self.shift = learnt + float(torch.rand(())) + sum(float(batch.image.mean()) for batch in pictures)

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        self.steps += 1
        codes = self.encoder(batch.image, batch.label).sample()
        fake = self.generator(batch.label, codes)
        if self.freeze:
            critic = unwrap_ddp(self.discriminator).requires_grad_(False)
            gan = self.shift - critic(fake, batch.label)[0][0].mean()
            critic.requires_grad_(True)
        else:
            gan = self.shift - self.discriminator(fake, batch.label)[0][0].mean()
        pixel = (fake - batch.image).abs().mean() * (float("nan") if self.steps == self.fail_at else 1)
        optimizers["generator"].update_params(gan + pixel)
        both = self.discriminator(torch.cat([fake.detach(), batch.image]), batch.label)[0][0]
        false, real = both.chunk(2)
        hinge = torch.relu(1 + false).mean() + torch.relu(1 - real).mean()
        optimizers["discriminator"].update_params(hinge)
        return {"gan": gan.detach(), "pixel": pixel.detach(), "judged": hinge.detach()}


@METHODS.register("engine_forgetful")
class Forgetful(Toy):
    """Toy, but its generator's loss also has gradients for the discriminator, which is not frozen."""

    freeze = False


@METHODS.register("engine_restarted")
class Restarted(Toy):
    """Reinitialises the generator's last layer once, at the share ``at`` of the run, with half of the rates from then
    on; ``begun`` are the iterations before which an epoch was begun, ``restarts`` those of the restart.
    """

    def __init__(self, *, classes: int, size: tuple[int, int], at: float = 0.5) -> None:
        super().__init__(classes=classes, size=size)
        self.at = at
        self.begun: list[int] = []
        self.restarts: list[int] = []

    def get_extra_state(self) -> dict[str, Any]:
        return {**super().get_extra_state(), "begun": list(self.begun), "restarts": list(self.restarts)}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        super().set_extra_state(state)
        self.begun, self.restarts = list(state["begun"]), list(state["restarts"])

    def rate_factor(self) -> float:
        return 0.5 if self.restarts else 1.0

    def restart_due(self, progress: float) -> bool:
        return progress >= self.at and not self.restarts

    def restart(self, optimizers: Mapping[str, Any]) -> list[nn.Module]:
        self.restarts.append(self.steps)
        last = unwrap_ddp(self.generator).last
        last.reset_parameters()
        return [last]

    def begin_epoch(self, epoch: int, pictures: Iterable[Batch], optimizers: Mapping[str, Any]) -> None:
        self.begun.append(self.steps)
        super().begin_epoch(epoch, pictures, optimizers)


class ColourTable(Generator):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.code_specs = {}
        self.table = nn.Parameter(torch.zeros(classes, 3))

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        return self.table[label].permute(0, 3, 1, 2)


@METHODS.register("engine_line")
class Line(Method):
    """Least squares for a colour per class: no noise, no coupling within a batch, gradients that can be written out."""

    needs_vgg = False

    def __init__(self, *, classes: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.generator = ColourTable(classes)
        built.append(self)

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        loss = (self.generator(batch.label, Codes({}, {}, len(batch))) - batch.image).square().mean()
        optimizers["generator"].update_params(loss)
        return {"loss": loss.detach()}


class WithoutNetwork(Metric):
    """Needs no feature network. Tests register it for a while only: evaluations by default take all metrics."""

    @property
    def network(self) -> str:
        return "none"


class Error(WithoutNetwork, ReconstructionMetric):
    """Mean absolute error of reconstructions, in grey values."""

    title = "Error"
    better = "lower"

    def update(self, indices: range, real: Tensor, fake: Tensor) -> None:
        errors = (real.double() - fake.double()).abs().mean((1, 2, 3))
        self.values |= dict(zip(indices, errors.tolist(), strict=True))


class Spread(WithoutNetwork, SampleMetric):
    """Standard deviation of the samples of a mask, in grey values."""

    title = "Spread"
    better = "higher"
    fewest_samples = 2

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self.fakes: list[Tensor] = []

    def update(self, real: Tensor, fake: Tensor) -> None:
        self.fakes.append(fake.double())

    def of_mask(self, real: Tensor) -> float:
        fakes, self.fakes = torch.cat(self.fakes), []
        return float(fakes.std(0).mean())


TOY_METRICS = {"engine_error": Error, "engine_spread_{samples}": Spread}


def write_pictures(root: Path, *, train: int = 10, test: int = 3, classes: int = 4, size: int = 8) -> Path:
    """A dataset in the layout ``folder``."""
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        for kind in ("images", "labels"):
            (root / split / kind).mkdir(parents=True)
        for i in range(count):
            label = rng.integers(0, classes, (size, size), dtype=np.uint8)
            image = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
            Image.fromarray(image).save(root / split / "images" / f"{i}.png")
            Image.fromarray(label).save(root / split / "labels" / f"{i}.png")
    return root


def make_config(
    root: Path, method: str = "engine_toy", *, settings: Mapping[str, Any] | None = None, **train: Any
) -> Config:
    """A config for :func:`write_pictures`: five iterations per epoch at the batch size of 2."""
    quiet = {
        "batch_size": 2,
        "workers": 0,
        "log_every": 1,
        "sample_every": 1000,
        "checkpoint_every": 1000,
        "device": "cpu",
    }
    content = {
        "method": {"name": method, **(settings or {})},
        "data": {"name": "folder", "root": str(root), "size": [8, 8], "classes": 4},
        "train": {**quiet, **train},
    }
    return Config.from_dict(content, "a test")


def main() -> None:
    for name, metric in TOY_METRICS.items():
        METRICS.register(name)(metric)
    config = Config.from_dict(json.loads(Path(sys.argv[1]).read_text()), sys.argv[1])
    try:
        train(config, work_dir=Path(sys.argv[2]), resume="--resume" in sys.argv)
    except RunInterruptedError as error:
        sys.exit(f"interrupted: {error}")
    if world_size() > 1:
        with unwrapped(built[-1]) as method:
            torch.save(dict(method.named_parameters()), f"{sys.argv[2]}.rank{rank()}.pth")


if __name__ == "__main__":
    main()
