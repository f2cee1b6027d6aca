"""What a metric is. Its name fixes the whole protocol: which pictures, which network, how they are averaged.

All pictures reach a metric as uint8, so that a number computed in memory is the number computed from files.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from torch import Tensor

from zoo.data import PairedDataset
from zoo.distributed import merge_over_ranks
from zoo.errors import ZooError, nearest
from zoo.metrics.networks import Networks
from zoo.registries import METRICS


@dataclass(frozen=True)
class MetricResult:
    """One number with the protocol that gave it.

    Attributes:
        name: The full name of the metric.
        value: The number.
        better: Its direction.
        protocol: dataset, split, classes, resolution ("HxW"), images (how many masks), codes (how they were chosen),
            samples (per mask) and network (the feature network, "random features" or "none").
        warnings: What a reader of the number must know.
    """

    name: str
    value: float
    better: Literal["lower", "higher"]
    protocol: dict[str, str | int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Metric(ABC):
    """A number over a test set, computed as the pictures come.

    A metric is a subclass of :class:`ReconstructionMetric` or :class:`SampleMetric` that is registered in
    :data:`zoo.registries.METRICS`. Its name fixes the protocol; ``{samples}`` in it is the number of samples per mask.

    Args:
        networks: Feature networks, which all metrics of an evaluation share.
    """

    name: ClassVar[str]  # set by the registry
    title: ClassVar[str]
    """Name for the heading of a table."""
    better: ClassVar[Literal["lower", "higher"]]
    """Direction in which it improves."""
    digits: ClassVar[int] = 3
    """Digits after the point in tables."""
    by_default: ClassVar[bool] = False
    """Whether it is evaluated when nobody names the metrics."""
    codes: ClassVar[Literal["encoded", "random"]]
    """Whether it evaluates reconstructions, one per mask, or random samples of each mask."""
    fewest_samples: ClassVar[int] = 1
    """Samples per mask that it needs."""
    fewest_images: ClassVar[int] = 1
    """Masks that it needs."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self.values: dict[int, float] = {}
        """The number of every picture, by its index in the test set; empty for a metric of whole sets."""

    @classmethod
    def needs(cls) -> str:
        """The pictures that it needs, in words."""
        return {"encoded": "a reconstruction of each mask", "random": "random samples of each mask"}[cls.codes]

    @property
    def network(self) -> str:
        """The name of the feature network, for the protocol."""
        return "none"

    def begin(self, dataset: PairedDataset, count: int, statistics: Path | None) -> None:
        """Called once before the first picture.

        Args:
            dataset: The test set.
            count: How many of its pictures are evaluated.
            statistics: A folder for what depends on these pictures alone.
        """
        return

    def merge(self) -> None:
        """Add what the other ranks have seen; every rank calls this once, after its share of the pictures."""
        self.values = dict(sorted(merge_over_ranks(self.values).items()))

    def value(self) -> float:
        """The number over all pictures: by default the mean, which does not depend on their order."""
        return math.fsum(self.values.values()) / len(self.values)

    def warnings(self) -> tuple[str, ...]:
        """What a reader of the number must know."""
        return ()


class ReconstructionMetric(Metric):
    """Evaluates one picture per mask, synthesised with the codes of the ground truth."""

    codes = "encoded"

    @abstractmethod
    def update(self, indices: range, real: Tensor, fake: Tensor) -> None:
        """Add pictures, and put a number for each into ``self.values`` unless the metric is one of whole sets.

        Args:
            indices: Their indices in the test set.
            real: Ground truth, uint8 ``[B, 3, H, W]``.
            fake: Reconstructions, uint8 ``[B, 3, H, W]``.
        """


class SampleMetric(Metric):
    """Evaluates samples with random codes, which come mask by mask, and for each mask in chunks."""

    codes = "random"

    @abstractmethod
    def update(self, real: Tensor, fake: Tensor) -> None:
        """Add samples of the current mask.

        Args:
            real: Ground truth, uint8 ``[3, H, W]``.
            fake: Samples, uint8 ``[n, 3, H, W]``.
        """

    @abstractmethod
    def of_mask(self, real: Tensor) -> float:
        """The number of the mask, all samples of which have come; also resets the state for the next mask."""

    def close_mask(self, index: int, real: Tensor) -> None:
        """Store the number of the mask with this index in the test set."""
        self.values[index] = self.of_mask(real)


SAMPLES = "{samples}"
"""In a registered name: where the full name has the number of samples per mask."""


@dataclass(frozen=True)
class NamedMetric:
    """A metric under its full name.

    Attributes:
        name: The full name.
        cls: The metric.
        samples: Samples per mask, 1 for reconstructions.
    """

    name: str
    cls: type[Metric]
    samples: int


def parse_metric(name: str) -> NamedMetric:
    """The metric of a full name: ``diversity_lpips_alex_40`` is ``diversity_lpips_alex_{samples}`` with 40 samples.

    Raises:
        ZooError: The name is unknown, or has fewer samples than the metric needs.
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
        f"place of 40: {', '.join(examples)} ({METRICS.describe_missing()})."
    )


def full_name(registered: str, samples: int) -> str:
    """The name of a registered metric with the number of samples per mask in its place."""
    return registered.replace(SAMPLES, str(samples))
