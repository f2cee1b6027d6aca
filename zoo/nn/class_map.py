"""Class maps without one-hot encoding: stored as ids and a table, convolved by table lookup, pooled by class.

At each pixel, conv(one_hot(label)) is the sum over the kernel's taps of one row of the kernel: the row of the class
under the tap. The convolution can therefore be computed as a gather-and-sum (``embedding_bag``) without the one-hot
map, at a cost that does not depend on the number of classes. The same holds for any map that is constant per class,
such as CLVAE's class-wise codes: the kernel is first multiplied by the (small) table of class vectors.

Letters: B batch, C classes, H x W picture, N channels of the class map, D dense channels, K feature channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def resize_labels(label: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize integer labels ``[B, H, W]`` to ``[B, *size]``; picks the pixels of ``F.interpolate(mode="nearest")``."""
    if label.shape[-2:] == size:
        return label
    # float32 holds every integer up to 2^24, so the round trip is exact
    return F.interpolate(label[:, None].float(), size=size, mode="nearest")[:, 0].to(label.dtype)


def one_hot(label: Tensor, classes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """One-hot map ``[B, C, H, W]`` of labels ``[B, H, W]``, in channels-last memory."""
    zeros = torch.zeros(*label.shape, classes, dtype=dtype, device=label.device)
    return zeros.scatter_(3, label[..., None].long(), 1).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class ClassMap:
    """A map ``[B, N, H, W]`` whose value at a pixel depends only on the pixel's class, stored as ids and a table.

    Attributes:
        label: Integer class ids ``[B, H, W]``.
        table: The vector of each class in each picture, ``[B, C, N]``; None for the one-hot map (N = C).
    """

    label: Tensor
    table: Tensor | None = None

    def resized(self, size: tuple[int, int]) -> ClassMap:
        """The map at another size (h, w), by nearest neighbour."""
        return self if self.label.shape[-2:] == size else ClassMap(resize_labels(self.label, size), self.table)

    def dense(self, channels: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """The map as a tensor ``[B, N, H, W]``; N is ``channels`` where the map is one-hot."""
        if self.table is None:
            return one_hot(self.label, channels, dtype)
        # a product with zeros and ones: its gradient is a product, too, where that of an index would sort
        return torch.einsum("bchw,bcn->bnhw", one_hot(self.label, self.table.shape[1], dtype), self.table.to(dtype))


class LabelConv2d(nn.Module):
    """``Conv2d`` over cat([class map, dense channels]) that takes the class map as ids.

    ``weight`` is ``[out, (N + D) / groups, k, k]``, the layout of an ordinary convolution, so official weights load
    unchanged. Grouped convolutions split N into ``groups`` runs of classes and have no dense channels.

    Args:
        channels: N, channels of the class map (C where it is one-hot).
        out_channels: Output channels.
        kernel_size: Side of the kernel.
        stride: Stride of the convolution.
        padding: Zeros around the map.
        dense_channels: D, channels of the ordinary maps behind the class map.
        groups: Groups of the convolution.
        bias: Whether there is a bias.

    Raises:
        ValueError: If ``groups`` does not divide the channels, or comes with dense channels.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        *,
        kernel_size: int = 3,
        stride: int = 1,
        padding: int = 1,
        dense_channels: int = 0,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if groups > 1 and (channels % groups or out_channels % groups or dense_channels):
            raise ValueError(
                f"groups={groups} must divide channels={channels} and out_channels={out_channels}; no dense channels"
            )
        self.channels, self.out_channels, self.groups = channels, out_channels, groups
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.weight = nn.Parameter(
            torch.empty(out_channels, (channels + dense_channels) // groups, kernel_size, kernel_size)
        )
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        nn.init.xavier_normal_(self.weight, gain=0.02)

    def forward(self, class_map: ClassMap, dense: Tensor | None = None) -> Tensor:
        """Convolve a class map and, behind it, dense channels.

        Args:
            class_map: Ids ``[B, H, W]``.
            dense: ``[n * B, D, H, W]``: n batches over the same class maps (fake and real pictures, say); the part of
                the class maps is computed once for all of them.

        Returns:
            ``[n * B, out, H', W']``.
        """
        label, table = class_map.label, class_map.table
        if prefers_dense(label, table):
            return self.of_values(class_map.dense(self.channels, self._precision()), dense)
        out = lookup(label[:, None], self._rows(table), self.kernel_size, self.stride, self.padding)
        return self._with_dense(self._with_bias(out), dense)

    def pooled(self, label: Tensor, dense: Tensor) -> Tensor:
        """Convolve the one-hot map after ``avg_pool2d(3, stride=2, padding=1, count_include_pad=False)``.

        A pooled pixel is a mixture of nine one-hot vectors, so each tap sums nine rows with equal shares.

        Args:
            label: ``[B, H, W]`` at full size.
            dense: ``[n * B, D, H', W']``, already pooled.
        """
        if prefers_dense(label):
            values = one_hot(label, self.channels, self._precision())
            return self.of_values(F.avg_pool2d(values, 3, 2, 1, count_include_pad=False), dense)
        inside = F.pad(label.long(), (1, 1, 1, 1), value=-1)
        nine = inside.unfold(1, 3, 2).unfold(2, 3, 2).flatten(3).permute(0, 3, 1, 2)
        share = (nine >= 0).to(self.weight.dtype)
        share = share / share.sum(1, keepdim=True)
        out = lookup(nine.clamp(min=0), self._rows(None), self.kernel_size, self.stride, self.padding, share)
        return self._with_dense(self._with_bias(out), dense)

    def of_values(self, values: Tensor, dense: Tensor | None = None) -> Tensor:
        """Convolve a dense map ``[B, N, H, W]``, such as averaged one-hot maps; ``dense`` as in :meth:`forward`."""
        kernel = self.weight[:, : self.channels // self.groups]
        out = F.conv2d(values, kernel, self.bias, self.stride, self.padding, groups=self.groups)
        return self._with_dense(out, dense)

    def _precision(self) -> torch.dtype:
        """The data type in which the convolution computes: a map made in it needs no cast."""
        device = self.weight.device.type
        return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else self.weight.dtype

    def _with_bias(self, out: Tensor) -> Tensor:
        return out if self.bias is None else out + self.bias[:, None, None]

    def _with_dense(self, out: Tensor, dense: Tensor | None) -> Tensor:
        if dense is None:
            return out
        extra = F.conv2d(dense, self.weight[:, self.channels :], None, self.stride, self.padding)
        return (extra.unflatten(0, (-1, out.shape[0])) + out).flatten(0, 1)

    def _rows(self, table: Tensor | None) -> Tensor:
        """The contribution of each class under each tap: ``[1 or B, C, k * k, out]``."""
        weight = self.weight[:, : self.channels // self.groups].flatten(2)  # [out, N / groups, k * k]
        if self.groups > 1:
            # the kernel of a group is zero for the classes of all other groups
            per_group = weight.unflatten(0, (self.groups, -1)).permute(0, 2, 3, 1)  # [g, N / g, kk, out / g]
            blocks = torch.einsum(
                "gh,gnko->gnkho", torch.eye(self.groups, device=weight.device, dtype=weight.dtype), per_group
            )
            weight = blocks.flatten(3).flatten(0, 1)  # [N, kk, out]
        else:
            weight = weight.permute(1, 2, 0)
        if table is None:
            return weight[None]
        with torch.autocast(weight.device.type, enabled=False):
            return (table.to(weight.dtype) @ weight.flatten(1)).unflatten(2, weight.shape[1:])


def prefers_dense(label: Tensor, table: Tensor | None = None) -> bool:
    """Whether an ordinary convolution of the dense map is cheaper than the lookup; the result is the same.

    On a GPU it is (estimated, not measured): the gradient of a lookup sorts nine ids per pixel and adds pixels of the
    same class sequentially, whereas tensor cores multiply the zeros of a one-hot map at little cost. On a CPU it is for
    maps with fewer pixels than classes, since the kernel would be multiplied with every class.
    """
    few = table is not None and label.shape[1] * label.shape[2] <= table.shape[1]
    return label.is_cuda or few


def lookup(label: Tensor, rows: Tensor, kernel: int, stride: int, padding: int, share: Tensor | None = None) -> Tensor:
    """Sum, for every output pixel, the rows that the ids under the kernel's taps select.

    Args:
        label: ``[B, T, H, W]``: T ids per pixel.
        rows: ``[1 or B, C, k * k, out]``: the contribution of each class under each tap.
        kernel: k, side of the kernel.
        stride: Stride of the convolution.
        padding: Zeros around the map.
        share: Weights of the T ids of a pixel, ``[B, T, H, W]``; None for 1.

    Returns:
        ``[B, out, H', W']`` in channels-last memory.
    """
    batch, label = label.shape[0], label.long()
    tables, classes, taps, out_channels = rows.shape
    zero_row = tables * classes * taps  # taps outside the picture
    first = torch.arange(batch, device=label.device)[:, None, None, None] * classes if tables > 1 else 0
    index = F.pad((label + first) * taps, [padding] * 4, value=zero_row)
    windows = index.unfold(2, kernel, stride).unfold(3, kernel, stride)  # [B, T, H', W', k, k]
    height, width = windows.shape[2:4]
    tap = torch.arange(taps, device=label.device).view(kernel, kernel)
    index = (windows + tap).clamp(max=zero_row).permute(0, 2, 3, 1, 4, 5).reshape(batch * height * width, -1)
    weights = None
    if share is not None:
        share = F.pad(share, [padding] * 4).unfold(2, kernel, stride).unfold(3, kernel, stride)
        weights = share.permute(0, 2, 3, 1, 4, 5).reshape(index.shape).contiguous()
    table = torch.cat([rows.reshape(-1, out_channels), rows.new_zeros(1, out_channels)])
    out = F.embedding_bag(index, table, mode="sum", per_sample_weights=weights)
    return out.view(batch, height, width, out_channels).permute(0, 3, 1, 2)


def class_max_pool(features: Tensor, label: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Maximum of each feature over the region of each class, in one scatter (Endo & Kanamori 2020, eq. 16 and 17).

    Args:
        features: ``[B, K, h, w]``.
        label: ``[B, h, w]`` in [0, C).
        classes: C.

    Returns:
        The maxima ``[B, C, K]``, zero where the class does not occur, and whether it occurs, bool ``[B, C]``.
    """
    batch, channels = features.shape[:2]
    index = label.flatten(1).long()
    occurs = torch.zeros(batch, classes, dtype=torch.bool, device=features.device).scatter_(1, index, True)
    pooled = features.new_zeros(batch, classes, channels).scatter_reduce(
        1,
        index[:, :, None].expand(-1, -1, channels),
        features.flatten(2).transpose(1, 2),
        "amax",
        include_self=False,
    )
    return pooled, occurs
