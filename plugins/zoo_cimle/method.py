"""cIMLE (Li et al. 2019): every real picture attracts the nearest of several samples of its label map."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from zoo.codes import Codes
from zoo.config import Positive, Range
from zoo.distributed import merge_over_ranks, rank, unwrap_ddp, world_size
from zoo.interfaces import Batch, Method
from zoo.nn.vgg import VGGFeatures
from zoo.registries import METHODS
from zoo_cimle.loss import TERMS, VGG_LAYERS, FeatureSpace, distances
from zoo_cimle.networks import CIMLEGenerator, level_widths, seeded_noise

log = logging.getLogger(__name__)


@METHODS.register("cimle")
class CIMLE(Method):
    """A generator whose code is a noise map, without discriminator or encoder.

    At the start of an epoch, several noises are drawn for each of its pictures, and the one whose output is nearest to
    the picture is kept for the epoch. It is kept as its seed, so that a checkpoint stays small.

    Args:
        classes: C.
        size: (H, W).
        width: Channels of the levels up to 64 rows; the others have half of it.
        noise_channels: N.
        noise_encoder_width: Channels of the noise encoder.
        candidates: Number of noises among which the nearest is selected.
        search_batch: Batch size of the search; affects memory and speed, not the result.
        reinitialize_at: Fraction of the planned iterations after which the noise encoder is reinitialised, the noises
            are selected again, and the learning rate drops to a tenth; None for never. The official schedule does so
            after 5 of 16 epochs.
    """

    vgg_layers: ClassVar[tuple[str, ...]] = VGG_LAYERS
    vgg_pool: ClassVar[Literal["max", "avg"]] = "avg"

    def __init__(
        self,
        *,
        classes: int,
        size: tuple[int, int],
        width: Annotated[int, Range(at_least=2)] = 1024,
        noise_channels: Positive = 10,
        noise_encoder_width: Positive = 100,
        candidates: Positive = 10,
        search_batch: Positive = 10,
        reinitialize_at: Annotated[float, Range(at_least=0, below=1)] | None = 5 / 16,
    ) -> None:
        super().__init__()
        self.generator = CIMLEGenerator(
            classes,
            size,
            widths=level_widths(size, width),
            noise_channels=noise_channels,
            noise_encoder_width=noise_encoder_width,
        )
        self.candidates = candidates
        self.search_batch = search_batch
        self.reinitialize_at = reinitialize_at
        self.reinitialized = False
        self.seeds: dict[str, int] = {}
        """The seed of the noise of each picture of this epoch, by the picture's name."""

    def attach_vgg(self, vgg: VGGFeatures) -> None:
        """Receive the feature network, see :meth:`Method.attach_vgg`."""
        super().attach_vgg(vgg)
        self.features = FeatureSpace(vgg)

    @torch.no_grad()
    def synthesize(self, label: Tensor, codes: Codes) -> Tensor:
        """Pictures clipped to [-1, 1], see :meth:`Method.synthesize`."""
        return super().synthesize(label, codes).clamp(-1, 1)

    # --- training ---

    def rate_factor(self) -> float:
        """A tenth once the noise encoder was reinitialised."""
        return 0.1 if self.reinitialized else 1.0

    def restart_due(self, progress: float) -> bool:
        """Whether the share :attr:`reinitialize_at` is reached for the first time."""
        return self.reinitialize_at is not None and not self.reinitialized and progress >= self.reinitialize_at

    def restart(self, optimizers: Mapping[str, Any]) -> list[nn.Module]:
        """Reinitialise the noise encoder, alike on every rank, and drop its gradients and Adam moments."""
        seed = merge_over_ranks({rank(): int(torch.randint(2**62, ()))})[0]
        encoder = cast(CIMLEGenerator, unwrap_ddp(self.generator)).noise_encoder
        device = encoder.head.weight.device
        encoder.reset_parameters(torch.Generator(device).manual_seed(seed))
        for parameter in encoder.parameters():
            parameter.grad = None
            optimizers["generator"].optimizer.state.pop(parameter, None)
        self.reinitialized = True
        return [encoder]

    def begin_epoch(self, epoch: int, pictures: Iterable[Batch], optimizers: Mapping[str, Any]) -> None:
        """Choose the noise of every picture; each rank searches for its part of them."""
        log.info("epoch %d: choosing the nearest of %d noises for every picture", epoch + 1, self.candidates)
        names: list[str] = []
        chosen: list[Tensor] = []
        for batch in islice(pictures, rank(), None, world_size()):
            seeds = torch.randint(2**62, (len(batch), self.candidates))
            chosen.append(self._nearest(batch, seeds))
            names += batch.name
        seeds_of_part = torch.cat(chosen).tolist() if chosen else []
        self.seeds = merge_over_ranks(dict(zip(names, seeds_of_part, strict=True)))

    def train_step(self, batch: Batch, optimizers: Mapping[str, Any]) -> dict[str, Tensor]:
        """One step of the generator on the chosen noises, see :meth:`Method.train_step`."""
        # a picture without a chosen noise (begin_epoch was not called) gets a fresh one
        seeds = [self.seeds.get(name, int(torch.randint(2**62, ()))) for name in batch.name]
        losses = self.losses(batch, self._codes(torch.tensor(seeds), batch.label.device))
        optimizers["generator"].update_params(torch.stack(list(losses.values())).sum())
        return {name: loss.detach() for name, loss in losses.items()}

    def losses(self, batch: Batch, codes: Codes) -> dict[str, Tensor]:
        """The terms of the distance between the real pictures and those of codes of batch B: scalars by name."""
        with torch.no_grad():
            reals = self.features.views(batch.image)
        terms = distances(self.features.views(self.generator(batch.label, codes)), reals, batch.weight)
        return dict(zip(TERMS, terms.mean(1).unbind(), strict=True))

    @torch.no_grad()
    def _nearest(self, batch: Batch, seeds: Tensor) -> Tensor:
        """The seed ``[B]`` among ``[B, candidates]`` whose noise gives the smallest distance to each picture."""
        generator, reals = unwrap_ddp(self.generator), self.features.views(batch.image)
        losses = []
        for some in seeds.split(max(1, self.search_batch // len(batch)), dim=1):
            fakes = generator(batch.label, self._codes(some.flatten(), batch.label.device))
            losses.append(distances(self.features.views(fakes), reals, batch.weight).sum(0).view(len(batch), -1))
        best = torch.cat(losses, 1).argmin(1, keepdim=True)
        return seeds.to(best.device).gather(1, best)[:, 0]

    def _codes(self, seeds: Tensor, device: torch.device) -> Codes:
        """The noise of each seed ``[B]``, made on the device."""
        noise = seeded_noise(seeds.to(device, non_blocking=True), self.code_specs["noise"].shape)
        return Codes({"noise": noise}, self.code_specs)

    def get_extra_state(self) -> dict[str, Any]:
        """The chosen noises, and whether the noise encoder was reinitialised."""
        return {"seeds": dict(self.seeds), "reinitialized": self.reinitialized}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the output of :meth:`get_extra_state`."""
        self.seeds = dict(state["seeds"])
        self.reinitialized = bool(state.get("reinitialized", False))  # absent in checkpoints of version 0.1
