"""Editing label maps: paint a class, move or delete a region.

Maps are integer ``[H, W]``, regions bool ``[H, W]``.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from scipy.ndimage import label as connected
from torch import Tensor
from torch.nn import functional as F

from zoo.errors import ZooError


def region_at(label: Tensor, y: int, x: int) -> Tensor:
    """The connected region (4-neighbourhood) of one class that contains a pixel.

    Raises:
        ZooError: If the pixel lies outside the map.
    """
    height, width = label.shape
    if not (0 <= y < height and 0 <= x < width):
        raise ZooError(f"The pixel ({y}, {x}) lies outside the mask of {height}x{width}: give one inside.")
    pieces, _ = connected((label == label[y, x]).cpu().numpy())
    return torch.from_numpy(pieces == pieces[y, x]).to(label.device)


def painted(label: Tensor, region: Tensor, class_id: int) -> Tensor:
    """The map with ``class_id`` inside a region."""
    return torch.where(region, torch.full_like(label, class_id), label)


def deleted(label: Tensor, region: Tensor) -> Tensor:
    """The map with a region removed; its pixels get the class of the nearest pixel outside.

    Raises:
        ZooError: If the region is the whole map.
    """
    if bool(region.all()):
        raise ZooError("The region is the whole mask, so no other class is left to fill it: paint it instead.")
    inside = region.cpu().numpy()
    _, (rows, columns) = distance_transform_edt(inside, return_indices=True)
    return torch.from_numpy(label.cpu().numpy()[rows, columns]).to(label.device)


def moved_region(label: Tensor, region: Tensor, dy: int, dx: int) -> Tensor:
    """The map with a region moved down by ``dy`` and right by ``dx`` pixels, cut off at the border of the map.

    The vacated area is filled as by :func:`deleted`.
    """
    height, width = label.shape
    rows, columns = np.nonzero(region.cpu().numpy())
    new_rows, new_columns = rows + dy, columns + dx
    kept = (new_rows >= 0) & (new_rows < height) & (new_columns >= 0) & (new_columns < width)
    result = deleted(label, region)
    result[new_rows[kept], new_columns[kept]] = label[rows[kept], columns[kept]]
    return result


def resized(label: Tensor, size: tuple[int, int]) -> Tensor:
    """The map, or a bool region, at another size (H, W), by nearest neighbour."""
    return F.interpolate(label[None, None].double(), size, mode="nearest-exact")[0, 0].to(label.dtype)


def repainted(label: Tensor, seen: Tensor, new: Tensor) -> Tensor:
    """Apply changes made to a map at another size.

    Args:
        label: The map at the size of its file, ``[H, W]``.
        seen: The same map at the size of a method, ``[h, w]``.
        new: ``seen`` with the changes, ``[h, w]``.

    Returns:
        ``label`` with the pixels of ``new`` wherever it differs from ``seen``, ``[H, W]``.
    """
    height, width = label.shape
    changed, there = resized(seen != new, (height, width)), resized(new, (height, width))
    return torch.where(changed, there.to(label.dtype), label)
