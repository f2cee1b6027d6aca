"""The interfaces of a method, used by the core, the plugins and the bench.

Images are float ``[B, 3, H, W]`` in [-1, 1]. Labels are integer ``[B, H, W]`` in [0, C), also inside networks.

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
    """Pictures with their label maps, as passed from the data loader to a method.

    Attributes:
        image: ``[B, 3, H, W]`` float in [-1, 1].
        label: ``[B, H, W]`` int64 in [0, C).
        name: One per picture.
        weight: ``[B, 1, H, W]`` float in [0, 1], the rarity mask of GTA-5; None if the dataset has none.
    """

    image: Tensor
    label: Tensor
    name: tuple[str, ...]
    weight: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        """Move the batch to another device."""
        image, label = (tensor.to(device, non_blocking=True) for tensor in (self.image, self.label))
        weight = None if self.weight is None else self.weight.to(device, non_blocking=True)
        return Batch(image, label, self.name, weight)

    def pin_memory(self) -> Batch:
        """Copy the batch to page-locked memory, so that :meth:`to` is asynchronous; called by the DataLoader."""
        weight = None if self.weight is None else self.weight.pin_memory()
        return Batch(self.image.pin_memory(), self.label.pin_memory(), self.name, weight)

    def __len__(self) -> int:
        return self.image.shape[0]


class Generator(nn.Module, ABC):
    """Maps a label map and codes to images."""

    code_specs: Mapping[str, CodeSpec]

    @abstractmethod
    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """Synthesise S pictures for each mask; everything that depends only on the mask is computed once.

        Args:
            label: ``[B, H, W]``.
            codes: Of batch B * S. The S samples of a mask are adjacent: index b * S + s.

        Returns:
            Pictures ``[B * S, 3, H, W]`` in [-1, 1], in the order of the codes.
        """


class Encoder(nn.Module, ABC):
    """Maps an image and its label map to a posterior over the codes."""

    @abstractmethod
    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """Encode pictures ``[B, 3, H, W]`` with label ``[B, H, W]``; returns a posterior of batch B."""


class Discriminator(nn.Module, ABC):
    """Maps images and label maps to features at every scale."""

    @abstractmethod
    def forward(self, image: Tensor, label: Tensor) -> list[list[Tensor]]:
        """Features of n batches of pictures that share one batch of label maps.

        Fakes and reals are concatenated along the batch axis, fakes first (n = 2), so that the part that depends on the
        label maps is computed only once. With batch normalisation, fakes and reals would influence each other.

        Args:
            image: ``[n * B, 3, H, W]`` in [-1, 1], batch after batch.
            label: ``[B, H, W]``.

        Returns:
            For each scale, the features of every layer, ``[n * B, K, h, w]``, with the logits last.
        """


class Method(nn.Module, ABC):
    """Generator, optional encoder, optional discriminator, and the rule that trains them.

    A subclass has a keyword-only constructor and implements :meth:`train_step`. The keywords are the settings of the
    method: configs can set them, and values are checked against the annotations. ``**settings`` passes the settings of
    the base class through. ``classes`` and ``size`` (H, W) come from the dataset. The constructor assigns
    ``generator`` and, if applicable, ``encoder`` and ``discriminator``.
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
        """The config of the method, set by :func:`zoo.build` and :func:`zoo.load`.

        Raises:
            ZooError: If the method was constructed directly.
        """
        if self._config is None:
            raise ZooError(f"This {type(self).__name__} has no config: create the method with zoo.build or zoo.load.")
        return self._config

    @config.setter
    def config(self, config: Config) -> None:
        self._config = config

    @property
    def code_specs(self) -> Mapping[str, CodeSpec]:
        """The specs of the codes by name; empty for a method with one picture per mask."""
        return unwrap_ddp(self.generator).code_specs  # a distributed run wraps the networks

    def draw(self, mask: Mask, samples: int = 8, seed: int = 0) -> list[Image.Image]:
        """Draw RGB pictures, of the size of the method, for one label map.

        Args:
            mask: A label map as a file (class ids in grey, or the dataset's colours), or ids ``[H, W]`` as an array or
                tensor. It is resized to the size of the method by nearest neighbour.
            samples: Number of pictures.
            seed: Seed of the codes.

        Raises:
            ZooError: If the mask is not a label map with the method's classes, or ``samples`` is less than 1.
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
            samples: S, number of samples per mask.
            seed: Random seed.
            generator: A torch generator, instead of a seed.

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
        """Encode pictures ``[B, 3, H, W]`` with label ``[B, H, W]`` as a posterior over the codes.

        Raises:
            ZooError: If the method has no encoder, or for class ids out of range.
        """
        if self.encoder is None:
            raise ZooError(f"The method {self.name} has no encoder for pictures; draw codes with sample() instead.")
        self._check_label(label)
        posterior: Posterior = self.encoder(image, label)
        return posterior

    def _check_label(self, label: Tensor) -> None:
        """Check class ids in the public methods; in training the dataset has already checked them."""
        if self._config is not None and label.numel():
            classes, lowest, highest = self._config.data["classes"], int(label.min()), int(label.max())
            if lowest < 0 or highest >= classes:
                raise ZooError(
                    f"The label map holds ids {lowest} to {highest}, but {self.name} was built for {classes} classes "
                    f"(0 to {classes - 1}); fix the map."
                )

    @torch.no_grad()
    def synthesize(self, label: Tensor, codes: Codes) -> Tensor:
        """Synthesise pictures ``[B * S, 3, H, W]`` in [-1, 1] from label ``[B, H, W]`` and codes of batch B * S.

        Raises:
            ZooError: For class ids out of range.
        """
        self._check_label(label)
        image: Tensor = self.generator(label, codes)
        return image

    needs_vgg: ClassVar[bool] = True
    """Whether training needs VGG features; if so, the engine calls :meth:`attach_vgg` before the first step."""

    vgg_layers: ClassVar[tuple[str, ...]] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    """The VGG layers of the perceptual loss, for :func:`zoo.nn.vgg.load_vgg`."""

    vgg_pool: ClassVar[Literal["max", "avg"]] = "max"
    """The pooling of the VGG network."""

    def attach_vgg(self, vgg: VGGFeatures) -> None:
        """Set the frozen feature network, which is part of neither the parameters nor the checkpoints."""
        object.__setattr__(self, "_vgg", vgg)

    @property
    def vgg(self) -> VGGFeatures:
        """The feature network set by :meth:`attach_vgg`."""
        vgg: VGGFeatures = self.__dict__["_vgg"]
        return vgg

    def facts(self) -> dict[str, Any]:
        """Values chosen by the constructor, as plain values, for the dry run and the run's record."""
        return {}

    def optimized(self) -> dict[str, list[nn.Module]]:
        """The networks trained by each optimiser, by the optimiser's name in the config (``train.optimizers``)."""
        groups: dict[str, list[nn.Module]] = {"generator": [m for m in (self.generator, self.encoder) if m is not None]}
        if self.discriminator is not None:
            groups["discriminator"] = [self.discriminator]
        return groups

    def begin_epoch(self, epoch: int, pictures: Iterable[Batch], optimizers: Mapping[str, Any]) -> None:
        """Prepare an epoch; does nothing by default.

        The learning rates of the epoch are already set. A change made here lasts only until they are set again; use
        :meth:`rate_factor` for a permanent one. This is not called again when a run is resumed within an epoch, so
        everything prepared here must be part of the state (``get_extra_state``, plain values).

        Args:
            epoch: Number of the epoch, from 0.
            pictures: Batches of all pictures that the epoch may use, without augmentation.
            optimizers: As in :meth:`train_step`.
        """

    def rate_factor(self) -> float:
        """Current factor on all learning rates, in addition to the schedule."""
        return 1.0

    def restart_due(self, progress: float) -> bool:
        """Whether to call :meth:`restart` now; checked before every iteration and before :meth:`begin_epoch`.

        Args:
            progress: Fraction of the planned iterations that are finished, in [0, 1).
        """
        return False

    def restart(self, optimizers: Mapping[str, Any]) -> Sequence[nn.Module]:
        """Reinitialise part of the networks during training.

        Training then sets the learning rates, restarts the weight average of the returned modules (``train.ema``) and
        calls :meth:`begin_epoch`, even within an epoch. The state (``get_extra_state``) must record that this has
        happened, so that a resumed run does not repeat it.

        Args:
            optimizers: As in :meth:`train_step`; the method must reset their states for the old weights.

        Returns:
            The reinitialised modules of the generator or encoder, without distributed wrappers.
        """
        return ()

    @abstractmethod
    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        """One iteration: compute losses and update the networks.

        Args:
            batch: Pictures and label maps, on the device of the method.
            optimizers: mmengine's OptimWrappers by the names of :meth:`optimized`; a loss is minimised with
                ``optimizers[name].update_params(loss)``.

        Returns:
            Losses by name: detached scalars, kept on the device (transferring them would stall the GPU).
        """
