"""A class map that never becomes one-hot.

Letters: B batch, C classes, H x W picture, N channels a class stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def resize_labels(label: Tensor, size: tuple[int, int]) -> Tensor:
    """Nearest-neighbour resize of integer labels ``[B, H, W]`` to ``[B, *size]``, as F.interpolate picks the pixels."""
    if label.shape[-2:] == size:
        return label
    # float32 holds every integer up to 2^24, so the round trip is exact
    return F.interpolate(label[:, None].float(), size=size, mode="nearest")[:, 0].to(label.dtype)


def one_hot(label: Tensor, classes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Dense one-hot ``[B, C, H, W]`` of labels ``[B, H, W]``, in channels-last memory."""
    zeros = torch.zeros(*label.shape, classes, dtype=dtype, device=label.device)
    return zeros.scatter_(3, label[..., None].long(), 1).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class ClassMap:
    """The map ``[B, N, H, W]`` whose value at a pixel depends on the pixel's class alone, kept as ids and a table.

    label ``[B, H, W]`` integer; table ``[B, C, N]``: the vector of each class in each picture, or None for the one-hot
    map (N = C); edges ``[B, 1, H, W]``: the instance edge map that GauGAN may append as last channel.
    """

    label: Tensor
    table: Tensor | None = None
    edges: Tensor | None = None

    def resized(self, size: tuple[int, int]) -> ClassMap:
        """The map at another size, nearest neighbour."""
        if self.label.shape[-2:] == size:
            return self
        edges = None if self.edges is None else F.interpolate(self.edges, size=size, mode="nearest")
        return ClassMap(resize_labels(self.label, size), self.table, edges)

    def dense(self, channels: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """The map written out, ``[B, N (+ 1 with edges), H, W]`` for N = ``channels``."""
        values = one_hot(self.label, channels if self.table is None else self.table.shape[1], dtype)
        if self.table is not None:
            # a product with zeros and ones: its gradient is a product, too, where that of an index would sort
            values = torch.einsum("bchw,bcn->bnhw", values, self.table.to(dtype))
        return values if self.edges is None else torch.cat([values, self.edges], 1)


def instance_edges(instance: Tensor) -> Tensor:
    """Edge map ``[B, 1, H, W]`` of instance ids ``[B, H, W]``: 1 where a pixel differs from any of its four neighbours.

    Both pixels of a differing pair are marked; picture borders do not wrap (GauGAN's instance channel).
    """
    edges = torch.zeros_like(instance, dtype=torch.bool)
    across = instance[:, :, 1:] != instance[:, :, :-1]
    down = instance[:, 1:] != instance[:, :-1]
    edges[:, :, 1:] |= across
    edges[:, :, :-1] |= across
    edges[:, 1:] |= down
    edges[:, :-1] |= down
    return edges[:, None].float()
