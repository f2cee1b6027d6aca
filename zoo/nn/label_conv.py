"""Convolution of a class map, as a table lookup wherever that is cheaper.

conv(one_hot(label)) is, at each pixel, the sum over the kernel's taps of one row of the kernel: the row of the class
under the tap. So a gather-and-sum (``embedding_bag``) gives the convolution without the one-hot map, at a cost that
does not depend on the number of classes. The same holds for any map that is constant per class (CLVAE's class-specific
embedding): the kernel is first multiplied with the table of class vectors, which is small.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.nn.class_map import ClassMap, one_hot


class LabelConv2d(nn.Module):
    """``Conv2d`` over cat([class map, dense channels]) that takes the class map as ids.

    Letters: B batch, C classes, N = ``channels`` of the class map (C where it is one-hot), D = ``dense_channels``.
    ``weight`` is ``[out, (N + D) / groups, k, k]``, the layout of an ordinary convolution, so official weights load
    unchanged. Grouped convolutions split N into ``groups`` runs of classes and have no dense channels.
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
        """class_map ``[B, H, W]`` ids, dense ``[n * B, D, H, W]`` -> ``[n * B, out, H', W']``.

        With dense channels for n batches over the same maps (fake and real, say), the class part is computed once.
        """
        label, table = class_map.label, class_map.table
        if class_map.edges is not None:
            dense = class_map.edges if dense is None else torch.cat([class_map.edges, dense], 1)
        if better_written_out(label, table):
            return self.of_values(ClassMap(label, table).dense(self.channels, self._precision()), dense)
        out = lookup(label[:, None], self._rows(table), self.kernel_size, self.stride, self.padding)
        return self._with_dense(self._with_bias(out), dense)

    def pooled(self, label: Tensor, dense: Tensor) -> Tensor:
        """The convolution of the one-hot map after AvgPool(3, stride 2, padding 1, border pixels averaged over what
        exists).

        A pooled pixel is a mixture of nine one-hots, so each tap sums nine rows with equal shares. label ``[B, H, W]``
        at full size, dense ``[n * B, D, H', W']`` already pooled.
        """
        if better_written_out(label):
            values = one_hot(label, self.channels, self._precision())
            return self.of_values(F.avg_pool2d(values, 3, 2, 1, count_include_pad=False), dense)
        inside = F.pad(label.long(), (1, 1, 1, 1), value=-1)
        nine = inside.unfold(1, 3, 2).unfold(2, 3, 2).flatten(3).permute(0, 3, 1, 2)
        share = (nine >= 0).to(self.weight.dtype)
        share = share / share.sum(1, keepdim=True)
        out = lookup(nine.clamp(min=0), self._rows(None), self.kernel_size, self.stride, self.padding, share)
        return self._with_dense(self._with_bias(out), dense)

    def of_values(self, values: Tensor, dense: Tensor | None = None) -> Tensor:
        """The convolution of a map ``[B, N, H, W]`` that is written out, such as the averaged one-hots of a pyramid.

        dense ``[n * B, D, H, W]`` as in :meth:`forward`.
        """
        kernel = self.weight[:, : self.channels // self.groups]
        out = F.conv2d(values, kernel, self.bias, self.stride, self.padding, groups=self.groups)
        return self._with_dense(out, dense)

    def _precision(self) -> torch.dtype:
        """That of the convolution: a map written out in it need not be cast."""
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
        """What each class adds under each tap: ``[1 or B, C, k * k, out]``."""
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


def better_written_out(label: Tensor, table: Tensor | None = None) -> bool:
    """Whether a map is better written out than looked up; the result is the same.

    On a GPU it is, by count and not by the clock: the gradient of a lookup sorts nine ids per pixel there and adds the
    many pixels of a common class one after another, where tensor cores make little of the zeros of a one-hot map. On a
    CPU it is for maps with fewer pixels than classes, whose kernel would have to be multiplied with every class.
    """
    few = table is not None and label.shape[1] * label.shape[2] <= table.shape[1]
    return label.is_cuda or few


def lookup(label: Tensor, rows: Tensor, kernel: int, stride: int, padding: int, share: Tensor | None = None) -> Tensor:
    """Sum under every output pixel the rows that its taps point at.

    label ``[B, T, H, W]``: T ids per pixel, mixed with share ``[B, T, H, W]`` (None: equal weights of 1); rows
    ``[1 or B, C, k * k, out]`` -> ``[B, out, H', W']`` in channels-last memory.
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
