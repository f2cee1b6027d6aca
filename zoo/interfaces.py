"""What a method is made of: the contract between the core, the plugins and the bench.

Letters: B batch, C classes, H x W picture, S samples per mask.

Shapes are the contract. Images are float ``[B, 3, H, W]`` in [-1, 1]; labels are integer ``[B, H, W]`` in [0, C) and
stay integers all the way into the networks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.distributed import bare
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.config import Config
    from zoo.losses.perceptual import FeatureTrunk


@dataclass(frozen=True)
class Batch:
    """Pictures with their label maps, as the data layer hands them to a method.

    image ``[B, 3, H, W]`` float in [-1, 1]; label ``[B, H, W]`` int64 in [0, C); name: one per picture; weight
    ``[B, 1, H, W]`` float in [0, 1], the rarity mask of GTA-5, or None where the dataset has none.
    """

    image: Tensor
    label: Tensor
    name: tuple[str, ...]
    weight: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        image, label = (tensor.to(device, non_blocking=True) for tensor in (self.image, self.label))
        weight = None if self.weight is None else self.weight.to(device, non_blocking=True)
        return Batch(image, label, self.name, weight)

    def pin_memory(self) -> Batch:
        """In page-locked memory, from which :meth:`to` copies while the GPU works; a DataLoader calls this."""
        weight = None if self.weight is None else self.weight.pin_memory()
        return Batch(self.image.pin_memory(), self.label.pin_memory(), self.name, weight)

    def __len__(self) -> int:
        return self.image.shape[0]


class Generator(nn.Module, ABC):
    """Label map and codes in, image out."""

    code_specs: Mapping[str, CodeSpec]

    @abstractmethod
    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """label ``[B, H, W]``, codes of batch B * S -> image ``[B * S, 3, H, W]`` in [-1, 1].

        The S pictures of one mask lie together (index b * S + s), and what depends on the mask alone is computed once.
        """


class Encoder(nn.Module, ABC):
    """Image and label map in, a posterior over the codes out."""

    @abstractmethod
    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """image ``[B, 3, H, W]``, label ``[B, H, W]`` -> posterior of batch B."""


class Discriminator(nn.Module, ABC):
    """Image and label map in, features of every scale out."""

    @abstractmethod
    def forward(self, image: Tensor, label: Tensor) -> list[list[Tensor]]:
        """image ``[B, 3, H, W]``, label ``[B, H, W]`` -> per scale the features of every layer, the logits last."""


class Method(nn.Module, ABC):
    """Generator, optional encoder, optional discriminator, and the rule that trains them.

    A plugin's method is a keyword-only constructor (its keywords are the settings that a config may set, their
    annotations the types that are checked) plus ``train_step``. ``classes`` and ``size`` (H, W) come from the dataset.
    """

    name: ClassVar[str]  # set by the registry
    generator: Generator
    encoder: Encoder | None
    discriminator: Discriminator | None
    config: Config | None = None  # how it was built, from zoo.build or zoo.load

    def __init__(self) -> None:
        super().__init__()
        self.encoder = None
        self.discriminator = None

    @property
    def code_specs(self) -> Mapping[str, CodeSpec]:
        """The codes of this method, by name; empty for a method that gives one picture per mask."""
        return bare(self.generator).code_specs  # a distributed run wraps the networks

    @torch.no_grad()
    def sample(
        self,
        label: Tensor,
        samples: int = 1,
        *,
        seed: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Codes:
        """Draw codes from the prior: ``samples`` for each mask of label ``[B, H, W]``, as a batch of B * S (index b *
        S + s).

        ``seed`` or a torch ``generator`` fixes the draw; giving both is an error (ValueError).
        """
        if seed is not None:
            if generator is not None:
                raise ValueError("give either seed or generator, not both")
            generator = torch.Generator().manual_seed(seed)
        return Codes.normal(self.code_specs, label.shape[0] * samples, generator=generator, device=label.device)

    @torch.no_grad()
    def encode(self, image: Tensor, label: Tensor) -> Posterior:
        """Posterior of the codes of pictures ``[B, 3, H, W]``. Raises ZooError for a method without an encoder."""
        if self.encoder is None:
            raise ZooError(
                f"The method {self.name} has no encoder, so it cannot encode a picture; draw codes with sample()."
            )
        self._check_label(label)
        posterior: Posterior = self.encoder(image, label)
        return posterior

    def _check_label(self, label: Tensor) -> None:
        """For the entrances that people use; training reads labels that the dataset has checked."""
        if self.config is not None and label.numel():
            classes, lowest, highest = self.config.data["classes"], int(label.min()), int(label.max())
            if lowest < 0 or highest >= classes:
                raise ZooError(
                    f"The label map holds ids {lowest} to {highest}, but {self.name} was built for {classes} classes "
                    f"(0 to {classes - 1}); mend the map."
                )

    @torch.no_grad()
    def synthesize(self, label: Tensor, codes: Codes) -> Tensor:
        """Pictures ``[B * S, 3, H, W]`` in [-1, 1] for label ``[B, H, W]`` and codes of batch B * S.

        Raises ZooError for class ids that the method does not know.
        """
        self._check_label(label)
        image: Tensor = self.generator(label, codes)
        return image

    # --- training ---

    needs_trunk: ClassVar[bool] = True
    """Whether training compares VGG features; the engine then calls :meth:`attach_trunk` before the first step."""

    trunk_layers: ClassVar[tuple[str, ...]] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    """The depths of VGG that the perceptual loss compares, for :func:`zoo.losses.perceptual.load_trunk`."""

    trunk_pool: ClassVar[Literal["max", "avg"]] = "max"
    """How that network pools."""

    def attach_trunk(self, trunk: FeatureTrunk) -> None:
        """Receive the frozen feature network of the perceptual loss; it is kept out of parameters and checkpoints."""
        object.__setattr__(self, "_trunk", trunk)

    @property
    def trunk(self) -> FeatureTrunk:
        """The attached feature network; training calls :meth:`attach_trunk` first."""
        trunk: FeatureTrunk = self.__dict__["_trunk"]
        return trunk

    def facts(self) -> dict[str, Any]:
        """What the method decided by itself, as plain values for the dry run and the run's record."""
        return {}

    def optimized(self) -> dict[str, list[nn.Module]]:
        """The networks each optimiser trains, by the optimiser's name in the config (``train.optimizers``)."""
        groups: dict[str, list[nn.Module]] = {"generator": [m for m in (self.generator, self.encoder) if m is not None]}
        if self.discriminator is not None:
            groups["discriminator"] = [self.discriminator]
        return groups

    def begin_epoch(self, epoch: int, pictures: Iterable[Batch], optimizers: Mapping[str, Any]) -> None:
        """Called before an epoch (from 0) with the pictures that it may show; most methods need nothing here.

        The pictures are not augmented. The learning rates of the epoch are set already; a change made here holds until
        the rates are set next (at the next epoch, or at the next step of a decay that ``train.iterations`` stretches
        over the run): a lasting change belongs into :meth:`rate_factor`. A run resumed within an epoch does not call
        this again: what is prepared here must be part of the state (``get_extra_state``, of plain values).
        """
        return

    def rate_factor(self) -> float:
        """Factor of all learning rates beside the run's schedule, at this state of the method."""
        return 1.0

    def restart_due(self, progress: float) -> bool:
        """Whether :meth:`restart` is to be called now. Asked before every iteration and before :meth:`begin_epoch`.

        Args:
            progress: Share of the planned iterations that are done, in [0, 1).
        """
        return False

    def restart(self, optimizers: Mapping[str, Any]) -> Sequence[nn.Module]:
        """Reinitialise a part of the networks in the middle of the training.

        Afterwards the learning rates are set again, the average of the weights (``train.ema``) starts anew for the
        returned modules, and :meth:`begin_epoch` is called, also within an epoch. Whether it has happened must be
        part of the state (``get_extra_state``), so that it happens once in a resumed run, too.

        Returns:
            The modules with new weights, unwrapped, as parts of the generator or the encoder.
        """
        return ()

    @abstractmethod
    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        """One iteration: compute losses, update through ``optimizers[name].update_params(loss)``, return detached
        losses.

        ``optimizers`` holds mmengine OptimWrappers under the names of :meth:`optimized`. Losses stay on the device:
        reading one on the host inside a step would stall a GPU.
        """
