"""Diversity of the samples of one mask: mean LPIPS over all pairs, in closed form."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.metrics.metric import SampleMetric
from zoo.metrics.networks import AlexLPIPS, Networks
from zoo.metrics.pictures import from_uint8
from zoo.registries import METRICS


class DiversityAccumulator:
    """Mean LPIPS over all pairs of pictures.

    LPIPS is a weighted sum of squared differences of features, and the mean of ``(x_i - x_j)^2`` over all pairs of S
    numbers is twice their unbiased variance. One running mean map per layer and one running sum of squares therefore
    suffice: S network passes instead of S (S - 1), and memory that does not grow with S. Chunks are merged with the
    method of Chan, Golub and LeVeque (1979), which avoids cancellation, so float32 maps are sufficient.
    """

    def __init__(self, network: AlexLPIPS) -> None:
        self.network = network
        self.count = 0
        self._means: list[Tensor] = []
        self._squares = 0.0

    @torch.no_grad()
    def update(self, images: Tensor) -> None:
        """Add further samples ``[n, 3, H, W]`` in [-1, 1] of the same mask."""
        n = images.shape[0]
        squares = torch.zeros((), device=images.device)
        means = []
        for layer, feature in enumerate(self.network(images)):
            mean = feature.mean(dim=0)
            squares = squares + self._weigh(layer, ((feature - mean) ** 2).sum(dim=0))
            if self.count:
                shift = mean - self._means[layer]
                squares = squares + self._weigh(layer, shift**2) * (self.count * n / (self.count + n))
                mean = self._means[layer] + shift * (n / (self.count + n))
            means.append(mean)
        self._means = means
        self._squares += float(squares)
        self.count += n

    def result(self) -> float:
        """The mean over all pairs; ValueError for fewer than two pictures."""
        if self.count < 2:
            raise ValueError(f"diversity needs at least two samples of a mask, got {self.count}")
        return 2 * self._squares / (self.count - 1)

    def _weigh(self, layer: int, squares: Tensor) -> Tensor:
        """LPIPS of squared differences ``[c, h, w]``: weighted over channels, averaged over positions."""
        head = self.network.heads[layer]
        return torch.einsum("c,chw->", head, squares) / (squares.shape[1] * squares.shape[2])


@METRICS.register("diversity_lpips_alex_{samples}")
class Diversity(SampleMetric):
    """Mean LPIPS over all pairs of the samples of a mask, averaged over masks (Tables 2 to 5)."""

    title = "Diversity"
    better = "higher"
    by_default = True
    fewest_samples = 2

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self._of_mask = DiversityAccumulator(networks.lpips)

    @property
    def network(self) -> str:
        """The name of the feature network."""
        return self.networks.lpips.features

    def update(self, real: Tensor, fake: Tensor) -> None:
        """See the base class."""
        self._of_mask.update(from_uint8(fake))

    def of_mask(self, real: Tensor) -> float:
        """See the base class."""
        result = self._of_mask.result()
        self._of_mask = DiversityAccumulator(self.networks.lpips)
        return result
