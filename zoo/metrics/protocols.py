"""The metrics of the tables. A name fixes the whole protocol: which pictures, which network, how they are averaged.

All pictures reach a metric as uint8, so that a number computed in memory is the number computed from files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor

from zoo.interfaces import Method
from zoo.metrics.diversity import DiversityAccumulator
from zoo.metrics.fid import FeatureStatistics, frechet_distance
from zoo.metrics.networks import AlexLPIPS, Inception, load_inception, load_lpips, lpips_distance
from zoo.metrics.pictures import signed
from zoo.registry import METRICS


@dataclass(frozen=True)
class MetricResult:
    """One number with the protocol that gave it.

    ``protocol`` has the keys dataset, split, classes, resolution ("HxW"), images (how many masks), codes (how they were
    chosen), samples (per mask) and network (the feature network, or "random features").
    """

    name: str
    value: float
    better: Literal["lower", "higher"]
    protocol: dict[str, str | int] = field(default_factory=dict)


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

    @property
    @abstractmethod
    def network(self) -> str:
        """What the feature network is, for the protocol."""

    @abstractmethod
    def value(self) -> float:
        """The number over everything seen so far."""


class ReconstructionMetric(Metric):
    """Judges one picture per mask, synthesised with the codes of the ground truth."""

    codes = "encoded"

    @abstractmethod
    def update(self, real: Tensor, fake: Tensor) -> None:
        """Ground truth and reconstructions, both uint8 ``[B, 3, H, W]``."""


class SampleMetric(Metric):
    """Judges samples with random codes, which come mask by mask, and for each mask in chunks."""

    codes = "random"

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self._values: list[float] = []

    @property
    def network(self) -> str:
        return self.networks.lpips.features

    @abstractmethod
    def update(self, real: Tensor, fake: Tensor) -> None:
        """Ground truth uint8 ``[3, H, W]`` and further samples uint8 ``[n, 3, H, W]`` of its mask."""

    @abstractmethod
    def of_mask(self, real: Tensor) -> float:
        """The number of the mask whose samples have all come, and a fresh start for the next one."""

    def close_mask(self, real: Tensor) -> None:
        self._values.append(self.of_mask(real))

    def value(self) -> float:
        return sum(self._values) / len(self._values)


@METRICS.register("fid_val_inception2015")
class ReconstructionFID(ReconstructionMetric):
    """FID between reconstructions and ground truth, on pytorch-fid's 2048 features (Table 1)."""

    title = "FID"
    better = "lower"
    fewest_images = 2

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self.real, self.fake = FeatureStatistics(self.network), FeatureStatistics(self.network)

    @property
    def network(self) -> str:
        return self.networks.inception.features

    def update(self, real: Tensor, fake: Tensor) -> None:
        self.real.update(self.networks.inception(real.float() / 255))
        self.fake.update(self.networks.inception(fake.float() / 255))

    def value(self) -> float:
        return frechet_distance(self.real, self.fake)


@METRICS.register("lpips_alex_reconstruction")
class ReconstructionLPIPS(ReconstructionMetric):
    """Mean LPIPS between reconstructions and ground truth: GT-similarity (Table 1)."""

    title = "GT-similarity"
    better = "lower"

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self.total, self.count = 0.0, 0

    @property
    def network(self) -> str:
        return self.networks.lpips.features

    def update(self, real: Tensor, fake: Tensor) -> None:
        self.total += float(lpips_distance(self.networks.lpips, signed(real), signed(fake)).sum())
        self.count += real.shape[0]

    def value(self) -> float:
        return self.total / self.count


@METRICS.register("diversity_lpips_alex")
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


@METRICS.register("top1_lpips_alex_l1")
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


def applicable(method: Method) -> list[str]:
    """The metrics that a method can be judged by: reconstructions need an encoder, or a single picture per mask.

    Samples need codes to draw.
    """
    kinds = set()
    if method.encoder is not None or not method.code_specs:
        kinds.add("encoded")
    if method.code_specs:
        kinds.add("random")
    return [name for name in METRICS.names() if METRICS.get(name).codes in kinds]
