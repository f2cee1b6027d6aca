"""The Frechet distance of two sets of features (Heusel et al. 2017): running statistics and the closed form."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.errors import ZooError
from zoo.files import atomic_file

Array = NDArray[np.float64]


@dataclass
class FeatureStatistics:
    """Mean and covariance of features ``[n, D]``, accumulated in float64 with O(D^2) memory.

    Attributes:
        features: The name of the network; statistics of different networks are never compared.
        count: Number of pictures.
        mean: ``[D]``.
        scatter: Sum over pictures of the outer products of deviations from the mean, ``[D, D]``.
    """

    features: str
    count: int = 0
    mean: Array = field(default_factory=lambda: np.zeros(0))
    scatter: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def update(self, features: Tensor) -> None:
        """Add features ``[n, D]`` of further pictures."""
        chunk = features.detach().to("cpu", torch.float64).numpy()
        mean = chunk.mean(axis=0)
        centred = chunk - mean
        self._add(chunk.shape[0], mean, centred.T @ centred)

    def _add(self, n: int, mean: Array, scatter: Array) -> None:
        """Merge the statistics of ``n`` further pictures (Chan, Golub and LeVeque 1979)."""
        if self.count == 0:
            self.count, self.mean, self.scatter = n, mean, scatter
            return
        shift, total = mean - self.mean, self.count + n
        self.scatter = self.scatter + scatter + np.outer(shift, shift) * (self.count * n / total)
        self.mean = self.mean + shift * (n / total)
        self.count = total

    @classmethod
    def merged(cls, parts: Sequence[FeatureStatistics]) -> FeatureStatistics:
        """Merge statistics of disjoint sets of pictures, some of which may be empty."""
        whole = cls(parts[0].features)
        for part in parts:
            if part.count:
                whole._add(part.count, part.mean, part.scatter)
        return whole

    @property
    def covariance(self) -> Array:
        """Unbiased covariance ``[D, D]``; ZooError for fewer than two pictures."""
        if self.count < 2:
            raise ZooError(
                f"The FID needs at least two pictures on each side, but got {self.count}; use more pictures."
            )
        return self.scatter / (self.count - 1)

    def save(self, path: Path) -> None:
        """Write an npz with ``mu`` and ``sigma``, readable by pytorch-fid, and ``count`` and ``features``."""
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, mu=self.mean, sigma=self.covariance, count=self.count, features=self.features)

    @classmethod
    def load(cls, path: Path) -> FeatureStatistics:
        """Read a file written by :meth:`save`; ZooError if it is missing, truncated or of another kind."""
        try:
            with np.load(path, allow_pickle=False) as file:
                count = int(file["count"])
                return cls(str(file["features"]), count, file["mu"], file["sigma"] * (count - 1))
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ZooError(
                f"The statistics file {path} cannot be read ({error}); delete it to compute it again."
            ) from error


def frechet_distance(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """``|mu_a - mu_b|^2 + tr(A + B - 2 (A B)^(1/2))`` of the covariances A and B.

    The nonzero eigenvalues of A B are those of the symmetric ``R^T B R`` with ``R R^T = A``. They are real and
    non-negative, and there are fewer if A is rank-deficient (fewer pictures than dimensions).

    Raises:
        ZooError: The two are from different networks.
    """
    if a.features != b.features or a.mean.shape != b.mean.shape:
        raise ZooError(
            f"The FID needs features of one network, but got {a.features} ({a.mean.size} dimensions) and "
            f"{b.features} ({b.mean.size} dimensions); compute both with the same network."
        )
    if a.count > b.count:
        a, b = b, a
    values, vectors = np.linalg.eigh(a.covariance)
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    root = vectors[:, kept] * np.sqrt(values[kept])
    product = np.linalg.eigvalsh(root.T @ b.covariance @ root)
    trace_root = np.sqrt(product.clip(min=0)).sum()
    shift = a.mean - b.mean
    return float(shift @ shift + np.trace(a.covariance) + np.trace(b.covariance) - 2 * trace_root)
