"""Spectral normalisation in the order of the official networks (Miyato et al. 2018, algorithm 1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

_EPS = 1e-12


class SpectralNorm(nn.Module):
    """Weight divided by its largest singular value, estimated by one power iteration per training-mode forward.

    torch's own parametrization updates u before v; the implementation that GauGAN, GroupDNet and CLVAE were trained
    with updates v before u. Half a step apart, the two give other numbers in training, hence this class. Its state has
    the same names as torch's: ``original``, ``0._u`` ``[out]`` and ``0._v`` ``[in * k * k]``.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        self.register_buffer("_u", F.normalize(torch.randn(matrix.shape[0]), dim=0, eps=_EPS))
        self.register_buffer("_v", F.normalize(torch.randn(matrix.shape[1]), dim=0, eps=_EPS))
        for _ in range(15):  # an untrained layer should know its singular value too
            self._iterate(matrix)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        self._v.copy_(F.normalize(matrix.T @ self._u, dim=0, eps=_EPS))
        self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=_EPS))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            if self.training:
                self._iterate(matrix)
            # clones, since a second forward before backward moves the buffers
            sigma = self._u.clone() @ (matrix @ self._v.clone())
            return weight / sigma


def spectral_norm(layer: nn.Conv2d) -> nn.Conv2d:
    """Put a convolution's weight under spectral normalisation; initialise the weight first."""
    register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return layer
