"""FID of reconstructions; the statistics of the ground truth are computed once per test set and cached in a file."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from zoo.data import PairedDataset
from zoo.distributed import any_rank, is_main, merge_over_ranks, rank
from zoo.errors import ZooError
from zoo.metrics.frechet import FeatureStatistics, frechet_distance
from zoo.metrics.metric import ReconstructionMetric
from zoo.metrics.networks import Networks
from zoo.registries import METRICS

log = logging.getLogger(__name__)


@dataclass
class ReferenceStatistics:
    """Statistics of the ground truth, from the file of an earlier evaluation or accumulated during this one.

    Attributes:
        features: The name of the network.
        path: The file, or None for no cache.
        known: Whether they were loaded from the file, so that no network passes are needed.
    """

    features: str
    path: Path | None = None
    known: bool = False
    statistics: FeatureStatistics = field(init=False)

    def __post_init__(self) -> None:
        self.statistics = FeatureStatistics(self.features)

    @classmethod
    def of(cls, dataset: PairedDataset, count: int, features: str, folder: Path | None) -> ReferenceStatistics:
        """Statistics of the first ``count`` pictures, cached in ``folder`` if given; all ranks must call.

        A damaged file is recomputed.
        """
        reference = cls(features, None if folder is None else folder / f"{_key(dataset, count, features)}.npz")
        found = None
        if reference.path is not None and reference.path.is_file():
            try:
                found = FeatureStatistics.load(reference.path)
            except ZooError as error:
                log.warning("%s It is recomputed.", error)
        if not any_rank(found is None):
            assert found is not None
            reference.statistics, reference.known = found, True
        return reference

    def update(self, features: Tensor) -> None:
        """Add features ``[n, D]`` of further pictures."""
        self.statistics.update(features)

    def merge(self) -> None:
        """Merge the statistics of all ranks, and save the result to the file."""
        if self.known:
            return
        parts = merge_over_ranks({rank(): self.statistics})
        self.statistics = FeatureStatistics.merged([parts[number] for number in sorted(parts)])
        if self.path is not None and is_main():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.statistics.save(self.path)


def _key(dataset: PairedDataset, count: int, features: str) -> str:
    """Hash of the pictures (name, size and time of each file), the resolution and the network."""
    files = [(pair.name, (status := pair.image.stat()).st_size, status.st_mtime_ns) for pair in dataset.pairs[:count]]
    content = [dataset.name, dataset.split, list(dataset.size), features, files]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


@METRICS.register("fid_val_inception2015")
class ReconstructionFID(ReconstructionMetric):
    """FID between reconstructions and ground truth, on pytorch-fid's 2048 features (Table 1)."""

    title = "FID"
    better = "lower"
    digits = 1
    by_default = True
    fewest_images = 2

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self.fake = FeatureStatistics(self.network)
        self.reference = ReferenceStatistics(self.network)

    @property
    def network(self) -> str:
        """The name of the feature network."""
        return self.networks.inception.features

    def begin(self, dataset: PairedDataset, count: int, statistics: Path | None) -> None:
        """Read the statistics of the ground truth, if they are stored."""
        self.reference = ReferenceStatistics.of(dataset, count, self.network, statistics)

    def update(self, indices: range, real: Tensor, fake: Tensor) -> None:
        """See the base class."""
        if not self.reference.known:
            self.reference.update(self.networks.inception(real.float() / 255))
        self.fake.update(self.networks.inception(fake.float() / 255))

    def merge(self) -> None:
        """Combine the statistics of all ranks."""
        parts = merge_over_ranks({rank(): self.fake})
        self.fake = FeatureStatistics.merged([parts[number] for number in sorted(parts)])
        self.reference.merge()

    def value(self) -> float:
        """The Frechet distance."""
        return frechet_distance(self.reference.statistics, self.fake)

    def warnings(self) -> tuple[str, ...]:
        """Warns if there are fewer pictures than dimensions."""
        dimensions = self.networks.inception.dims
        if self.fake.count >= dimensions:
            return ()
        return (f"FID from {self.fake.count} pictures, fewer than its {dimensions} dimensions",)
