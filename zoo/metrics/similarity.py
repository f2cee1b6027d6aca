"""Similarity to the ground truth by LPIPS: of the reconstruction, and of the nearest of many samples."""

from __future__ import annotations

from torch import Tensor

from zoo.metrics.metric import ReconstructionMetric, SampleMetric
from zoo.metrics.networks import Networks, lpips_distance
from zoo.metrics.pictures import from_uint8
from zoo.registries import METRICS


@METRICS.register("lpips_alex_reconstruction")
class ReconstructionLPIPS(ReconstructionMetric):
    """Mean LPIPS between reconstructions and ground truth: GT-similarity (Table 1)."""

    title = "GT-similarity"
    better = "lower"
    by_default = True

    @property
    def network(self) -> str:
        """The name of the feature network."""
        return self.networks.lpips.features

    def update(self, indices: range, real: Tensor, fake: Tensor) -> None:
        """See the base class."""
        distances = lpips_distance(self.networks.lpips, from_uint8(real), from_uint8(fake))
        self.values |= dict(zip(indices, distances.tolist(), strict=True))


@METRICS.register("top1_lpips_alex_{samples}_l1")
class TopOne(SampleMetric):
    """LPIPS between the ground truth and its nearest sample in L1, averaged over masks (Tables 2 to 5)."""

    title = "Top-1 GT-similarity"
    better = "lower"
    by_default = True

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self._distance = float("inf")
        self._nearest: Tensor | None = None

    @property
    def network(self) -> str:
        """The name of the feature network."""
        return self.networks.lpips.features

    def update(self, real: Tensor, fake: Tensor) -> None:
        """See the base class."""
        distances = (fake.int() - real.int()).abs().flatten(1).sum(dim=1)
        best = int(distances.argmin())
        if int(distances[best]) < self._distance:
            self._distance, self._nearest = int(distances[best]), fake[best]

    def of_mask(self, real: Tensor) -> float:
        """See the base class."""
        assert self._nearest is not None, "a mask without samples"
        result = lpips_distance(self.networks.lpips, from_uint8(real[None]), from_uint8(self._nearest[None]))
        self._distance, self._nearest = float("inf"), None
        return float(result)
