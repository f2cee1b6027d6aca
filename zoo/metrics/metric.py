"""Base classes of metrics. The name of a metric specifies the whole protocol: pictures, network, averaging.

All pictures are passed to a metric as uint8, so that numbers computed in memory equal those computed from files.
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
    """One number with its protocol.

    Attributes:
        name: The full name of the metric.
        value: The number.
        better: Whether "lower" or "higher" is better.
        protocol: dataset, split, classes, resolution ("HxW"), images (how many masks), codes (how they were chosen),
            samples (per mask) and network (the feature network, "random features" or "none").
        warnings: Warnings about the number.
    """

    name: str
    value: float
    better: Literal["lower", "higher"]
    protocol: dict[str, str | int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Metric(ABC):
    """A metric over a test set, accumulated batch by batch.

    A metric is a subclass of :class:`ReconstructionMetric` or :class:`SampleMetric` that is registered in
    :data:`zoo.registries.METRICS`. Its name specifies the protocol; ``{samples}`` in it stands for the number of
    samples per mask.

    Args:
        networks: Feature networks, shared by all metrics of an evaluation.
    """

    name: ClassVar[str]  # set by the registry
    title: ClassVar[str]
    """Name in table headings."""
    better: ClassVar[Literal["lower", "higher"]]
    """Whether lower or higher values are better."""
    digits: ClassVar[int] = 3
    """Decimal places in tables."""
    by_default: ClassVar[bool] = False
    """Whether it is evaluated if no metrics are given."""
    codes: ClassVar[Literal["encoded", "random"]]
    """Kind of pictures: "encoded" (one reconstruction per mask) or "random" (samples of each mask)."""
    fewest_samples: ClassVar[int] = 1
    """Minimum number of samples per mask."""
    fewest_images: ClassVar[int] = 1
    """Minimum number of masks."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self.values: dict[int, float] = {}
        """The number of every picture, by its index in the test set; empty for a metric of the whole set."""

    @classmethod
    def needs(cls) -> str:
        """Description of the required pictures."""
        return {"encoded": "a reconstruction of each mask", "random": "random samples of each mask"}[cls.codes]

    @property
    def network(self) -> str:
        """The name of the feature network, for the protocol."""
        return "none"

    def begin(self, dataset: PairedDataset, count: int, statistics: Path | None) -> None:
        """Called once before the first picture.

        Args:
            dataset: The test set.
            count: Number of evaluated pictures.
            statistics: A folder to cache data that depends only on these pictures.
        """
        return

    def merge(self) -> None:
        """Merge the results of all ranks; every rank calls this once, after its share of the pictures."""
        self.values = dict(sorted(merge_over_ranks(self.values).items()))

    def value(self) -> float:
        """The result for all pictures; by default the mean, independent of their order."""
        return math.fsum(self.values.values()) / len(self.values)

    def warnings(self) -> tuple[str, ...]:
        """Warnings about the number."""
        return ()


class ReconstructionMetric(Metric):
    """Evaluates one picture per mask, synthesised with the codes of the ground truth."""

    codes = "encoded"

    @abstractmethod
    def update(self, indices: range, real: Tensor, fake: Tensor) -> None:
        """Add pictures, and store a number for each in ``self.values`` unless this is a metric of the whole set.

        Args:
            indices: Their indices in the test set.
            real: Ground truth, uint8 ``[B, 3, H, W]``.
            fake: Reconstructions, uint8 ``[B, 3, H, W]``.
        """


class SampleMetric(Metric):
    """Evaluates samples with random codes, mask by mask, in chunks of samples."""

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
        """The number of the current mask, after all its samples; also resets the state for the next mask."""

    def close_mask(self, index: int, real: Tensor) -> None:
        """Store the number of the current mask, which has this index in the test set."""
        self.values[index] = self.of_mask(real)


SAMPLES = "{samples}"
"""Placeholder in registered names for the number of samples per mask."""


@dataclass(frozen=True)
class NamedMetric:
    """A metric with its full name.

    Attributes:
        name: The full name.
        cls: The metric.
        samples: Samples per mask, 1 for reconstructions.
    """

    name: str
    cls: type[Metric]
    samples: int


def parse_metric(name: str) -> NamedMetric:
    """Parse a full name: ``diversity_lpips_alex_40`` is ``diversity_lpips_alex_{samples}`` with 40 samples.

    Raises:
        ZooError: The name is unknown, or specifies fewer samples than the metric needs.
    """
    for known in METRICS.names():
        found = re.fullmatch(re.escape(known).replace(re.escape(SAMPLES), r"(\d{1,6})"), name)
        if found:
            cls: type[Metric] = METRICS.get(known)
            samples = int(found[1]) if SAMPLES in known else 1
            if samples < cls.fewest_samples:
                raise ZooError(
                    f"The metric {name} needs at least {cls.fewest_samples} samples per mask, but its name says "
                    f"{samples}; use {full_name(known, 40)}, for example."
                )
            return NamedMetric(name, cls, samples)
    examples = [full_name(known, 40) for known in METRICS.names()]
    raise ZooError(
        f'There is no metric "{name}"{nearest(name, examples) or "."} Known, with any number of samples per mask in '
        f"place of 40: {', '.join(examples)} ({METRICS.describe_missing()})."
    )


def full_name(registered: str, samples: int) -> str:
    """The full name of a registered metric for a number of samples per mask."""
    return registered.replace(SAMPLES, str(samples))
