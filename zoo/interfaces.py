"""What a method consists of: the contract between the core, the plugins and the bench.

Images are float ``[B, 3, H, W]`` in [-1, 1]; labels are integer ``[B, H, W]`` in [0, C) and stay integers all the way
into the networks.

Letters: B batch, C classes, H x W picture, K feature channels, S samples per mask.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.distributed import unwrap_ddp
from zoo.errors import ZooError

if TYPE_CHECKING:
    from PIL import Image

    from zoo.config import Config
    from zoo.nn.vgg import VGGFeatures
    from zoo.sampling import Mask


@dataclass(frozen=True)
class Batch:
    """Pictures with their label maps, as the data layer gives them to a method.

    Attributes:
        image: ``[B, 3, H, W]`` float in [-1, 1].
        label: ``[B, H, W]`` int64 in [0, C).
        name: One per picture.
        weight: ``[B, 1, H, W]`` float in [0, 1], the rarity mask of GTA-5; None where the dataset has none.
    """

    image: Tensor
    label: Tensor
    name: tuple[str, ...]
    weight: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        """The batch on another device."""
        image, label = (tensor.to(device, non_blocking=True) for tensor in (self.image, self.label))
        weight = None if self.weight is None else self.weight.to(device, non_blocking=True)
        return Batch(image, label, self.name, weight)

    def pin_memory(self) -> Batch:
        """The batch in page-locked memory, from which :meth:`to` copies asynchronously; a DataLoader calls this."""
        weight = None if self.weight is None else self.weight.pin_memory()
        return Batch(self.image.pin_memory(), self.label.pin_memory(), self.name, weight)

    def __len__(self) -> int:
        return self.image.shape[0]


class Generator(nn.Module, ABC):
    """Label map and codes in, image out."""

    code_specs: Mapping[str, CodeSpec]

    @abstractmethod
    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """Synthesise S pictures for each mask; what depends on the mask alone is computed once.

        Args:
            label: ``[B, H, W]``.
            codes: Of batch B * S. The S samples of a mask are adjacent: index b * S + s.

        Returns:
            Pictures ``[B * S, 3, H, W]`` in [-1, 1], in the order of the codes.
        """


class Encoder(nn.Module, ABC):
    """Image and label map in, a posterior over the codes out."""

    @abstractmethod
    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """The posterior, of batch B, of the codes that give pictures ``[B, 3, H, W]`` with label ``[B, H, W]``."""


class Discriminator(nn.Module, ABC):
    """Images and label map in, features of every scale out."""

    @abstractmethod
    def forward(self, image: Tensor, label: Tensor) -> list[list[Tensor]]:
        """Features of n batches of pictures over one batch of label maps.

        Fakes and reals share one call: both are concatenated along the batch axis, fakes first (n = 2), and the part of
        the label maps is computed once. With batch normalisation, fakes and reals would influence each other.

        Args:
            image: ``[n * B, 3, H, W]`` in [-1, 1], batch after batch.
            label: ``[B, H, W]``.

        Returns:
            Per scale the features of every layer, each ``[n * B, K, h, w]``, the logits last.
        """


class Method(nn.Module, ABC):
    """Generator, optional encoder, optional discriminator, and the rule that trains them.

    A subclass has a constructor with keywords alone, and :meth:`train_step`. The keywords are the settings that a
    config may set, their annotations the types that are checked; ``**settings`` stands for those of the base class.
    ``classes`` and ``size`` (H, W) come from the dataset. The constructor assigns ``generator``, and ``encoder`` and
    ``discriminator`` if there are any.
    """

    name: ClassVar[str]  # set by METHODS.register
    generator: Generator
    encoder: Encoder | None
    discriminator: Discriminator | None
    _config: Config | None = None

    def __init__(self) -> None:
        super().__init__()
        self.encoder = self.discriminator = None

    @property
    def config(self) -> Config:
        """The config that the method was built from; :func:`zoo.build` and :func:`zoo.load` set it.

        Raises:
            ZooError: For a method that was constructed directly.
        """
        if self._config is None:
            raise ZooError(f"This {type(self).__name__} has no config: make the method with zoo.build or zoo.load.")
        return self._config

    @config.setter
    def config(self, config: Config) -> None:
        self._config = config

    @property
    def code_specs(self) -> Mapping[str, CodeSpec]:
        """The codes of this method, by name; empty for a method that gives one picture per mask."""
        return unwrap_ddp(self.generator).code_specs  # a distributed run wraps the networks

    def draw(self, mask: Mask, samples: int = 8, seed: int = 0) -> list[Image.Image]:
        """Draw RGB pictures, of the size of the method, for one label map.

        Args:
            mask: A label map as a file (class ids in grey, or the dataset's colours), or ids ``[H, W]`` as an array or
                tensor. It is resized to the size of the method by nearest neighbour.
            samples: Number of pictures.
            seed: Fixes the codes.

        Raises:
            ZooError: If the mask is no label map of the method's classes, or ``samples`` is less than 1.
        """
        from zoo.sampling import draw  # reading files is not needed to train

        return draw(self, mask, samples, seed)

    @torch.no_grad()
    def sample(
        self, label: Tensor, samples: int = 1, *, seed: int | None = None, generator: torch.Generator | None = None
    ) -> Codes:
        """Draw codes from the prior, a standard normal distribution (Endo & Kanamori 2020, eq. 3 and 11).

        Args:
            label: ``[B, H, W]``.
            samples: S, codes for each mask.
            seed: Fixes the draw.
            generator: A torch generator, in place of a seed.

        Returns:
            Codes of batch B * S; index b * S + s is sample s of mask b.

        Raises:
            ValueError: If both ``seed`` and ``generator`` are given.
        """
        if seed is not None:
            if generator is not None:
                raise ValueError("give either seed or generator, not both")
            generator = torch.Generator().manual_seed(seed)
        return Codes.normal(self.code_specs, label.shape[0] * samples, generator=generator, device=label.device)

    @torch.no_grad()
    def encode(self, image: Tensor, label: Tensor) -> Posterior:
        """The posterior of the codes of pictures ``[B, 3, H, W]`` with label ``[B, H, W]``.

        Raises:
            ZooError: For a method without an encoder, and for class ids that it does not have.
        """
        if self.encoder is None:
            raise ZooError(f"The method {self.name} has no encoder for pictures; draw codes with sample() instead.")
        self._check_label(label)
        posterior: Posterior = self.encoder(image, label)
        return posterior

    def _check_label(self, label: Tensor) -> None:
        """Check class ids in the calls that people make; in training the dataset has checked them."""
        if self._config is not None and label.numel():
            classes, lowest, highest = self._config.data["classes"], int(label.min()), int(label.max())
            if lowest < 0 or highest >= classes:
                raise ZooError(
                    f"The label map holds ids {lowest} to {highest}, but {self.name} was built for {classes} classes "
                    f"(0 to {classes - 1}); fix the map."
                )

    @torch.no_grad()
    def synthesize(self, label: Tensor, codes: Codes) -> Tensor:
        """Pictures ``[B * S, 3, H, W]`` in [-1, 1] for label ``[B, H, W]`` and codes of batch B * S, in their order.

        Raises:
            ZooError: For class ids that the method does not have.
        """
        self._check_label(label)
        image: Tensor = self.generator(label, codes)
        return image

    needs_vgg: ClassVar[bool] = True
    """Whether training needs VGG features; the engine then calls :meth:`attach_vgg` before the first step."""

    vgg_layers: ClassVar[tuple[str, ...]] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    """The layers of VGG that the perceptual loss compares, for :func:`zoo.nn.vgg.load_vgg`."""

    vgg_pool: ClassVar[Literal["max", "avg"]] = "max"
    """The pooling of that network."""

    def attach_vgg(self, vgg: VGGFeatures) -> None:
        """Receive the frozen feature network; it belongs neither to the parameters nor to the checkpoints."""
        object.__setattr__(self, "_vgg", vgg)

    @property
    def vgg(self) -> VGGFeatures:
        """The attached feature network; training calls :meth:`attach_vgg` first."""
        vgg: VGGFeatures = self.__dict__["_vgg"]
        return vgg

    def facts(self) -> dict[str, Any]:
        """What the constructor decided by itself, as plain values; for the dry run and the run's record."""
        return {}

    def optimized(self) -> dict[str, list[nn.Module]]:
        """The networks that each optimiser trains, by the optimiser's name in the config (``train.optimizers``)."""
        groups: dict[str, list[nn.Module]] = {"generator": [m for m in (self.generator, self.encoder) if m is not None]}
        if self.discriminator is not None:
            groups["discriminator"] = [self.discriminator]
        return groups

    def begin_epoch(self, epoch: int, pictures: Iterable[Batch], optimizers: Mapping[str, Any]) -> None:
        """Prepare an epoch; most methods have nothing to do.

        The learning rates of the epoch are already set; a change made here holds until they are set next, so a lasting
        one is the task of :meth:`rate_factor`. A run that is resumed within an epoch does not call this again, so what
        is prepared here must be part of the state (``get_extra_state``, plain values).

        Args:
            epoch: Number of the epoch, from 0.
            pictures: Batches of the pictures that the epoch may show, not augmented.
            optimizers: As in :meth:`train_step`.
        """

    def rate_factor(self) -> float:
        """Factor of all learning rates, on top of the run's schedule, in the present state of the method."""
        return 1.0

    def restart_due(self, progress: float) -> bool:
        """Whether training calls :meth:`restart` now; asked before every iteration and before :meth:`begin_epoch`.

        Args:
            progress: Share of the planned iterations that are done, in [0, 1).
        """
        return False

    def restart(self, optimizers: Mapping[str, Any]) -> Sequence[nn.Module]:
        """Reinitialise a part of the networks in the middle of training.

        Training then sets the learning rates, restarts the average of the returned modules' weights (``train.ema``) and
        calls :meth:`begin_epoch`, even within an epoch. That it has happened must be part of the state
        (``get_extra_state``), so that a resumed run does not repeat it.

        Args:
            optimizers: As in :meth:`train_step`; their states of the old weights are the method's to drop.

        Returns:
            The modules with new weights, without distributed wrappers: parts of the generator or the encoder.
        """
        return ()

    @abstractmethod
    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        """One iteration: compute losses and update the networks.

        Args:
            batch: Pictures and label maps, on the device of the method.
            optimizers: mmengine's OptimWrappers under the names of :meth:`optimized`; a loss is minimised with
                ``optimizers[name].update_params(loss)``.

        Returns:
            Losses by name: scalars, detached, left on the device (reading one on the host would stall a GPU).
        """
