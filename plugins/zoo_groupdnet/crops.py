"""GroupDNet's input: every class cut out of the picture and stretched to a common size (Zhu et al. 2020, section 3.2).

Letters: B batch, C classes, H x W picture, h x w crop.
"""

from __future__ import annotations

import torch
from torch import Tensor


def class_boxes(label: Tensor, classes: int) -> Tensor:
    """Bounding box of every class in label ``[B, H, W]``: ``[B, C, 4]``, the first and last row and column.

    Boxes include their ends; that of an absent class is the whole picture. The official boxes come from sums of
    image values in place of labels, so they differ where the values of a border row or column cancel to exactly 0.
    """
    batch, height, width = label.shape
    label = label.long()
    rows = torch.arange(height, device=label.device)[:, None]
    columns = torch.arange(width, device=label.device)

    def ends(position: Tensor, length: int) -> tuple[Tensor, Tensor]:
        occurs = torch.zeros(batch, classes * length, dtype=torch.bool, device=label.device)
        occurs.scatter_(1, (label * length + position).flatten(1), True)
        occurs = occurs.view(batch, classes, length)
        index = torch.arange(length, device=label.device)
        first, last = torch.where(occurs, index, length).amin(2), torch.where(occurs, index, -1).amax(2)
        absent = last < 0
        return first.masked_fill(absent, 0), last.masked_fill(absent, length - 1)

    return torch.stack([*ends(rows, height), *ends(columns, width)], 2)


def crop_stack(image: Tensor, label: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The crops of all classes side by side: image ``[B, 3, H, W]``, boxes ``[B, C, 4]`` -> ``[B, 3 C, *size]``.

    Crops are stretched by nearest neighbour (aspect not kept); pixels of other classes inside a box, and so all pixels
    of an absent class, are 0 (mid grey).
    """
    batch, classes = boxes.shape[:2]
    device = image.device
    rows = _nearest(boxes[..., 0], boxes[..., 1], size[0])[:, :, None, :, None]
    columns = _nearest(boxes[..., 2], boxes[..., 3], size[1])[:, :, None, None, :]
    pictures = torch.arange(batch, device=device).view(-1, 1, 1, 1, 1)
    channels = torch.arange(3, device=device).view(-1, 1, 1)
    inside = label[pictures, rows, columns] == torch.arange(classes, device=device).view(-1, 1, 1, 1)
    # in place: at 151 classes the crops of a 256x256 picture take 119 MB
    return image[pictures, channels, rows, columns].mul_(inside).flatten(1, 2)


def _nearest(first: Tensor, last: Tensor, size: int) -> Tensor:
    """Source index ``[B, C, size]`` of each stretched pixel, with the float32 arithmetic of F.interpolate."""
    length = (last - first + 1)[..., None]
    scale = length.float() / size
    offset = (torch.arange(size, device=first.device).float() * scale).floor().long()
    return first[..., None] + torch.minimum(offset, length - 1)
