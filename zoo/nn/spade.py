"""Spatially-adaptive normalisation (SPADE) and its residual block (Park et al. 2019, section 3 and appendix A).

Letters: B batch, S samples per mask, K feature channels, h x w feature size.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.nn.class_map import ClassMap
from zoo.nn.convolution import Norm, conv2d, parameter_free_norm
from zoo.nn.label_conv import LabelConv2d


class SPADE(nn.Module):
    """Normalise without parameters, then scale and shift with maps computed from the class map.

    ``hidden`` is 128 in the paper, whatever the width of the generator. GroupDNet's conditional normalisation is the
    same block with grouped convolutions (``shared_groups`` over the classes, ``groups`` for the two output maps).
    """

    def __init__(
        self,
        channels: int,
        map_channels: int,
        *,
        edges: bool = False,
        norm: Norm = "batch",
        hidden: int = 128,
        shared_groups: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.param_free_norm = parameter_free_norm(norm, channels)
        self.mlp_shared = LabelConv2d(map_channels, hidden, groups=shared_groups, dense_channels=int(edges))
        self.mlp_gamma = conv2d(hidden, channels, 3, padding=1, groups=groups)
        self.mlp_beta = conv2d(hidden, channels, 3, padding=1, groups=groups)

    def forward(self, x: Tensor, class_map: ClassMap) -> Tensor:
        """x ``[B * S, K, h, w]``, class_map of batch B or B * S at any size -> ``[B * S, K, h, w]``.

        A map of batch B serves the S samples of each mask, so its modulation is computed once.
        """
        hidden = F.relu(self.mlp_shared(class_map.resized((x.shape[2], x.shape[3]))))
        gamma, beta = self.mlp_gamma(hidden), self.mlp_beta(hidden)
        normalized = self.param_free_norm(x)
        if gamma.shape[0] == x.shape[0]:
            return normalized * (1 + gamma) + beta
        samples = normalized.unflatten(0, (gamma.shape[0], -1))
        return (samples * (1 + gamma[:, None]) + beta[:, None]).flatten(0, 1)


class SPADEResnetBlock(nn.Module):
    """Two SPADE-normalised convolutions with a skip that is learned where the width changes.

    ``modulation(channels)`` builds the SPADE layer of a given width, so that methods choose what modulates them.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        modulation: Callable[[int], SPADE],
        *,
        groups: int = 1,
        spectral: bool = True,
    ) -> None:
        super().__init__()
        middle = min(in_channels, out_channels)
        self.conv_0 = conv2d(in_channels, middle, 3, padding=1, groups=groups, spectral=spectral)
        self.conv_1 = conv2d(middle, out_channels, 3, padding=1, groups=groups, spectral=spectral)
        self.norm_0, self.norm_1 = modulation(in_channels), modulation(middle)
        self.learned_shortcut = in_channels != out_channels
        if self.learned_shortcut:
            self.conv_s = conv2d(in_channels, out_channels, 1, bias=False, groups=groups, spectral=spectral)
            self.norm_s = modulation(in_channels)

    def forward(self, x: Tensor, class_map: ClassMap) -> Tensor:
        """x ``[B * S, in, h, w]`` -> ``[B * S, out, h, w]``."""
        shortcut = self.conv_s(self.norm_s(x, class_map)) if self.learned_shortcut else x
        dx = self.conv_0(F.leaky_relu(self.norm_0(x, class_map), 0.2))
        dx = self.conv_1(F.leaky_relu(self.norm_1(dx, class_map), 0.2))
        return shortcut + dx
