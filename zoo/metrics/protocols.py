"""The metrics of the tables. A name fixes the whole protocol: which pictures, which network, how they are averaged.

All pictures reach a metric as uint8, so that a number computed in memory is the number computed from files.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor

from zoo.data import PairedDataset
from zoo.distributed import merge_over_ranks, rank
from zoo.errors import ZooError, nearest
from zoo.metrics.diversity import DiversityAccumulator
from zoo.metrics.fid import FeatureStatistics, frechet_distance
from zoo.metrics.networks import AlexLPIPS, Inception, load_inception, load_lpips, lpips_distance
from zoo.metrics.pictures import signed
from zoo.metrics.reference import ReferenceStatistics
from zoo.registry import METRICS


@dataclass(frozen=True)
class MetricResult:
    """One number with the protocol that gave it.

    ``protocol`` has the keys dataset, split, classes, resolution ("HxW"), images (how many masks), codes (how they were
    chosen), samples (per mask) and network (the feature network, or "random features"). ``warnings``: what a reader of
    the number must know.
    """

    name: str
    value: float
    better: Literal["lower", "higher"]
    protocol: dict[str, str | int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass
class Networks:
    """The feature networks of one evaluation: each is built when a metric first asks for it, and shared by all."""

    device: torch.device | str = "cpu"
    allow_random: bool = False

    @cached_property
    def lpips(self) -> AlexLPIPS:
        return load_lpips(allow_random=self.allow_random).to(self.device)

    @cached_property
    def inception(self) -> Inception:
        return load_inception(allow_random=self.allow_random).to(self.device)


class Metric(ABC):
    """A number over a test set, computed as the pictures come by."""

    name: ClassVar[str]  # set by the registry
    title: ClassVar[str]
    better: ClassVar[Literal["lower", "higher"]]
    codes: ClassVar[Literal["encoded", "random"]]
    """Whether it judges reconstructions, one per mask, or random samples of each mask."""
    fewest_samples: ClassVar[int] = 1
    fewest_images: ClassVar[int] = 1

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self.values: dict[int, float] = {}
        """The number of every picture, by its place in the test set; empty for a metric of whole sets."""

    @property
    def network(self) -> str:
        """What the feature network is, for the protocol."""
        return self.networks.lpips.features

    def begin(self, dataset: PairedDataset, count: int, statistics: Path | None) -> None:
        """Called once before the first ``count`` pictures of a dataset; ``statistics`` is a folder for what depends on
        them alone.
        """
        return

    def merge(self) -> None:
        """Take in what the other ranks have seen; every rank calls this once, after its share of the pictures."""
        self.values = dict(sorted(merge_over_ranks(self.values).items()))

    def value(self) -> float:
        """The number over everything seen: the mean over pictures, which no order of them changes."""
        return math.fsum(self.values.values()) / len(self.values)

    def warnings(self) -> tuple[str, ...]:
        """What a reader of the number must know."""
        return ()


class ReconstructionMetric(Metric):
    """Judges one picture per mask, synthesised with the codes of the ground truth."""

    codes = "encoded"

    @abstractmethod
    def update(self, indices: range, real: Tensor, fake: Tensor) -> None:
        """Ground truth and reconstructions, both uint8 ``[B, 3, H, W]``, of the pictures at ``indices``."""


class SampleMetric(Metric):
    """Judges samples with random codes, which come mask by mask, and for each mask in chunks."""

    codes = "random"

    @abstractmethod
    def update(self, real: Tensor, fake: Tensor) -> None:
        """Ground truth uint8 ``[3, H, W]`` and further samples uint8 ``[n, 3, H, W]`` of its mask."""

    @abstractmethod
    def of_mask(self, real: Tensor) -> float:
        """The number of the mask whose samples have all come, and a fresh start for the next one."""

    def close_mask(self, index: int, real: Tensor) -> None:
        self.values[index] = self.of_mask(real)


@METRICS.register("fid_val_inception2015")
class ReconstructionFID(ReconstructionMetric):
    """FID between reconstructions and ground truth, on pytorch-fid's 2048 features (Table 1)."""

    title = "FID"
    better = "lower"
    fewest_images = 2

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self.fake = FeatureStatistics(self.network)
        self.reference = ReferenceStatistics(self.network)

    @property
    def network(self) -> str:
        return self.networks.inception.features

    def begin(self, dataset: PairedDataset, count: int, statistics: Path | None) -> None:
        self.reference = ReferenceStatistics.of(dataset, count, self.network, statistics)

    def update(self, indices: range, real: Tensor, fake: Tensor) -> None:
        if not self.reference.known:
            self.reference.update(self.networks.inception(real.float() / 255))
        self.fake.update(self.networks.inception(fake.float() / 255))

    def merge(self) -> None:
        parts = merge_over_ranks({rank(): self.fake})
        self.fake = FeatureStatistics.merged([parts[number] for number in sorted(parts)])
        self.reference.merge()

    def value(self) -> float:
        return frechet_distance(self.reference.statistics, self.fake)

    def warnings(self) -> tuple[str, ...]:
        dimensions = self.networks.inception.dims
        if self.fake.count >= dimensions:
            return ()
        return (f"FID from {self.fake.count} pictures, fewer than its {dimensions} dimensions",)


@METRICS.register("lpips_alex_reconstruction")
class ReconstructionLPIPS(ReconstructionMetric):
    """Mean LPIPS between reconstructions and ground truth: GT-similarity (Table 1)."""

    title = "GT-similarity"
    better = "lower"

    def update(self, indices: range, real: Tensor, fake: Tensor) -> None:
        distances = lpips_distance(self.networks.lpips, signed(real), signed(fake))
        self.values |= dict(zip(indices, distances.tolist(), strict=True))


@METRICS.register("diversity_lpips_alex_{samples}")
class Diversity(SampleMetric):
    """Mean LPIPS over all pairs of the samples of a mask, averaged over masks (Tables 2 to 5)."""

    title = "Diversity"
    better = "higher"
    fewest_samples = 2

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self._of_mask = DiversityAccumulator(networks.lpips)

    def update(self, real: Tensor, fake: Tensor) -> None:
        self._of_mask.update(signed(fake))

    def of_mask(self, real: Tensor) -> float:
        result = self._of_mask.result()
        self._of_mask = DiversityAccumulator(self.networks.lpips)
        return result


@METRICS.register("top1_lpips_alex_{samples}_l1")
class TopOne(SampleMetric):
    """LPIPS to the ground truth of the sample that is nearest to it in L1, averaged over masks (Tables 2 to 5)."""

    title = "Top-1 GT-similarity"
    better = "lower"

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self._distance = float("inf")
        self._nearest: Tensor | None = None

    def update(self, real: Tensor, fake: Tensor) -> None:
        distances = (fake.int() - real.int()).abs().flatten(1).sum(dim=1)
        best = int(distances.argmin())
        if int(distances[best]) < self._distance:
            self._distance, self._nearest = int(distances[best]), fake[best]

    def of_mask(self, real: Tensor) -> float:
        assert self._nearest is not None, "a mask without samples"
        result = lpips_distance(self.networks.lpips, signed(real[None]), signed(self._nearest[None]))
        self._distance, self._nearest = float("inf"), None
        return float(result)


SAMPLES = "{samples}"
"""In a registered name: the place of the number of samples per mask, which the full name fixes."""


@dataclass(frozen=True)
class NamedMetric:
    """A metric under its full name; ``samples`` is the number per mask, 1 for reconstructions."""

    name: str
    cls: type[Metric]
    samples: int


def named(name: str) -> NamedMetric:
    """The metric of a full name: ``diversity_lpips_alex_40`` is ``diversity_lpips_alex_{samples}`` with 40 samples.

    Raises ZooError for an unknown name, and for fewer samples than the metric needs.
    """
    for known in METRICS.names():
        found = re.fullmatch(re.escape(known).replace(re.escape(SAMPLES), r"(\d{1,6})"), name)
        if found:
            cls: type[Metric] = METRICS.get(known)
            samples = int(found[1]) if SAMPLES in known else 1
            if samples < cls.fewest_samples:
                raise ZooError(
                    f"The metric {name} needs at least {cls.fewest_samples} samples per mask, but its name says "
                    f"{samples}; use {full_name(known, 40)}, say."
                )
            return NamedMetric(name, cls, samples)
    examples = [full_name(known, 40) for known in METRICS.names()]
    raise ZooError(
        f'There is no metric "{name}"{nearest(name, examples) or "."} Known, with any number of samples per mask in '
        f"place of 40: {', '.join(examples)}."
    )


def full_name(registered: str, samples: int) -> str:
    """The name of a registered metric with the number of samples per mask in its place."""
    return registered.replace(SAMPLES, str(samples))
