"""Statistics of the ground truth for the FID, computed once for a test set and kept in a file."""

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
from zoo.metrics.fid import FeatureStatistics

log = logging.getLogger(__name__)


@dataclass
class ReferenceStatistics:
    """Features of the ground truth, from a file where an earlier evaluation left one, else gathered as pictures come.

    known: they came from the file, so no picture needs to go through the network.
    """

    features: str
    path: Path | None = None
    known: bool = False
    statistics: FeatureStatistics = field(init=False)

    def __post_init__(self) -> None:
        self.statistics = FeatureStatistics(self.features)

    @classmethod
    def of(cls, dataset: PairedDataset, count: int, features: str, folder: Path | None) -> ReferenceStatistics:
        """Those of the first ``count`` pictures; without a ``folder`` nothing is kept. All ranks must call.

        A damaged file is computed anew.
        """
        reference = cls(features, None if folder is None else folder / f"{_key(dataset, count, features)}.npz")
        found = None
        if reference.path is not None and reference.path.is_file():
            try:
                found = FeatureStatistics.load(reference.path)
            except ZooError as error:
                log.warning("%s It is computed anew.", error)
        if not any_rank(found is None):
            assert found is not None
            reference.statistics, reference.known = found, True
        return reference

    def update(self, features: Tensor) -> None:
        """Take in features ``[n, D]`` of further pictures."""
        self.statistics.update(features)

    def merge(self) -> None:
        """Bring the shares of all ranks together, and keep the result in the file."""
        if self.known:
            return
        parts = merge_over_ranks({rank(): self.statistics})
        self.statistics = FeatureStatistics.merged([parts[number] for number in sorted(parts)])
        if self.path is not None and is_main():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.statistics.save(self.path)


def _key(dataset: PairedDataset, count: int, features: str) -> str:
    """Digits that change with any picture (its name, or size and time of its file), the resolution and the network."""
    files = [(pair.name, (status := pair.image.stat()).st_size, status.st_mtime_ns) for pair in dataset.pairs[:count]]
    content = [dataset.name, dataset.split, list(dataset.size), features, files]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
