"""A metric: the mean absolute difference between a picture and its reconstruction."""

from torch import Tensor

from zoo import METRICS
from zoo.metrics import ReconstructionMetric


@METRICS.register("l1_reconstruction")
class ReconstructionL1(ReconstructionMetric):
    """Mean over all pixels of the absolute difference of 8-bit values, 0 to 255."""

    title = "L1"
    better = "lower"
    digits = 1

    def update(self, indices: range, real: Tensor, fake: Tensor) -> None:
        """One number per picture; their mean is the value of the metric."""
        differences = (real.float() - fake.float()).abs().flatten(1).mean(1)
        self.values |= dict(zip(indices, differences.tolist(), strict=True))
