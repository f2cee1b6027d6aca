"""Pasting an edited picture back onto its original, so that pixels outside the edit are unchanged.

Letters: B batch, H x W original picture, h x w picture of the method.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, maximum
from scipy.ndimage import label as connected
from torch import Tensor
from torch.nn import functional as F

from zoo.errors import ZooError
from zoo.visual import to_uint8


def region_of(label: Tensor, classes: Iterable[int]) -> Tensor:
    """The region of ``classes`` in a mask ``[H, W]``, as bool of the same shape."""
    return torch.isin(label, torch.tensor(list(classes), dtype=label.dtype, device=label.device))


def paste_region(label: Tensor, painted: Tensor, classes: Iterable[int] | None) -> Tensor:
    """The region of an edit, bool ``[H, W]``: the edited classes of the new mask, and pixels whose class has changed.

    Args:
        label: Mask ``[1, H, W]`` of the original picture.
        painted: Mask ``[1, H, W]`` of the edit.
        classes: Classes whose codes were edited; None for all.
    """
    changed = painted[0] != label[0]
    return torch.ones_like(changed) if classes is None else changed | region_of(painted[0], classes)


def paste_back(edited: Tensor, original: Tensor, region: Tensor, *, feather: int = 3) -> Tensor:
    """The edited picture inside a region, and exactly the pixels of the original outside.

    An edit of another size is first resized to that of the original, bicubically. Inside the region, the two pictures
    are blended along its border (except at the border of the picture). If a part of the region is thinner than the
    blended border, it is blended over its own depth, so that the edit is also visible in thin parts.

    Args:
        edited: Pictures ``[B, 3, h, w]`` of any type.
        original: Picture or pictures ``[1 or B, 3, H, W]`` or ``[3, H, W]`` of the same range of values.
        region: bool ``[H, W]``.
        feather: Width of the fading border, in pixels of ``edited``.

    Returns:
        ``[B, 3, H, W]`` of the type of ``edited``, on its device.

    Raises:
        ZooError: If region and original are of different sizes, or ``feather`` is negative.
    """
    size = original.shape[-2:]
    if region.shape != size:
        sizes = " and ".join("x".join(map(str, t.shape[-2:])) for t in (original, region))
        raise ZooError(f"Original and region are of different sizes ({sizes}): give both at one size.")
    if feather < 0:
        raise ZooError(f"The feather is {feather}: give 0 or more pixels.")
    pixel = (edited.shape[-2] / size[0], edited.shape[-1] / size[1])
    weight = None
    if not bool(region.all()):
        weight = torch.from_numpy(_weight(region.cpu().numpy(), feather, pixel)).to(edited.device)
    pasted = edited.new_empty((len(edited), 3, *size))
    # one picture at a time: originals are large, and in float32 four times as large
    for row, (one, below) in enumerate(zip(edited, original.expand(len(edited), 3, *size), strict=True)):
        shown = one if pixel == (1, 1) else _resized(one[None], (size[0], size[1]))[0]
        pasted[row] = shown if weight is None else _mixed(shown, below, weight)
    return pasted


def _mixed(edited: Tensor, original: Tensor, weight: Tensor) -> Tensor:
    """Blend two pictures ``[3, H, W]`` by the weight ``[H, W]`` of the first."""
    mixed = torch.lerp(original.to(torch.float32), edited.to(torch.float32), weight)
    if not edited.is_floating_point():
        mixed = mixed.round()
    return torch.where(weight > 0, mixed.to(edited.dtype), original.to(edited.dtype))


def _resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures ``[B, 3, H, W]`` resized as by Pillow; integer pictures have values 0 to 255."""
    resized = F.interpolate(pictures.float(), size, mode="bicubic", antialias=True)
    if not pictures.is_floating_point():
        resized = resized.round().clamp(0, 255)
    return resized.to(pictures.dtype)


def _weight(region: NDArray[np.bool_], feather: int, pixel: tuple[float, float] = (1, 1)) -> NDArray[np.float32]:
    """Weight of the edit at every pixel ``[H, W]``: 0 outside the region, rising to 1 inside each of its pieces.

    pixel: Height and width of a pixel, in those that ``feather`` counts.
    """
    depth = distance_transform_edt(region, sampling=pixel)  # one pixel for those at the border
    pieces, count = connected(region, np.ones((3, 3)))
    deepest = np.ones(count + 1)
    deepest[1:] = maximum(depth, pieces, np.arange(1, count + 1))
    return np.clip(depth / np.minimum(deepest[pieces], feather + min(pixel)), 0, 1).astype(np.float32)


@dataclass(frozen=True)
class PasteBack:
    """The original that an edit is pasted onto, on the CPU.

    Attributes:
        original: Picture uint8 ``[3, H, W]``.
        region: Where the edit shows, bool ``[H, W]``.
        feather: Width of the fading border, in pixels of the method.
    """

    original: Tensor
    region: Tensor
    feather: int

    @classmethod
    def of(cls, image: Tensor, region: Tensor, feather: int) -> PasteBack:
        """Paste onto a picture ``[1, 3, H, W]`` in [-1, 1], with the region bool ``[H, W]`` of the edit."""
        return cls(to_uint8(image)[0].cpu(), region.cpu(), feather)

    def onto(self, pixels: Tensor) -> Tensor:
        """Edited pictures uint8 ``[B, 3, h, w]``, pasted back: ``[B, 3, H, W]``; see :func:`paste_back`."""
        return paste_back(pixels, self.original, self.region, feather=self.feather)
