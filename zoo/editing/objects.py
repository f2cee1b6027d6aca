"""Object editing: some classes of a picture change, all others stay (Endo & Kanamori 2020, section 4.4.2).

Letters: B batch, S samples, H x W picture, h x w what the method paints.
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

from zoo.codes import Codes
from zoo.editing.encoding import check_editable
from zoo.errors import ZooError
from zoo.interfaces import Method


def redrawn(
    method: Method,
    label: Tensor,
    codes: Codes,
    *,
    classes: Iterable[int] | None = None,
    layers: Iterable[int] | None = None,
    samples: int = 1,
    seed: int = 0,
) -> Codes:
    """``samples`` times the codes (batch 1) of a picture with the part of ``classes`` and ``layers`` drawn anew.

    Errors as :meth:`zoo.codes.Codes.part`, and for a method without codes.
    """
    check_editable(method)
    fresh = method.sample(label, samples, seed=seed)
    return codes.repeated(samples).replace(fresh, classes=classes, layers=layers)


def region_of(label: Tensor, classes: Iterable[int]) -> Tensor:
    """Where ``classes`` lie in a mask ``[H, W]``, as bool of the same shape."""
    return torch.isin(label, torch.tensor(list(classes), dtype=label.dtype, device=label.device))


def paste_region(label: Tensor, painted: Tensor, classes: Iterable[int] | None) -> Tensor:
    """Where an edit may show, bool ``[H, W]``: the edited classes of the new mask, and the pixels where it is new.

    label and painted: the mask ``[1, H, W]`` of the picture, and the one to paint. classes: those whose codes were
    edited, None where those of all were.
    """
    changed = painted[0] != label[0]
    return torch.ones_like(changed) if classes is None else changed | region_of(painted[0], classes)


def paste_back(edited: Tensor, original: Tensor, region: Tensor, *, feather: int = 3) -> Tensor:
    """``edited`` inside ``region``, the very pixels of ``original`` outside.

    edited ``[B, 3, h, w]`` and original ``[B, 3, H, W]`` are of any type, region ``[H, W]`` bool. What was edited at
    another size than the original's is resized bicubically, its shape along with its pixels.

    Inside the region the two pictures fade into each other over ``feather`` pixels of ``edited`` along its border with
    the rest; the border of the picture is none. Where a piece of the region is too thin for that, over as many as it
    has, so that the edit shows in a brow, too. Returns the type of ``edited``, on its device.

    Raises ZooError for a region of another size than the original and a negative ``feather``.
    """
    size = original.shape[-2:]
    if region.shape != size:
        sizes = " and ".join("x".join(map(str, t.shape[-2:])) for t in (original, region))
        raise ZooError(f"Original and region are of different sizes ({sizes}): give both at one size.")
    if feather < 0:
        raise ZooError(f"The feather is {feather}, but a border of pixels is 0 or wider.")
    pixel = (edited.shape[-2] / size[0], edited.shape[-1] / size[1])
    weight = None
    if not bool(region.all()):
        weight = torch.from_numpy(_weight(region.cpu().numpy(), feather, pixel)).to(edited.device)
    pasted = edited.new_empty((len(edited), 3, *size))
    # picture by picture, since originals are large and numbers of 32 bits four times as large
    for row, (one, below) in enumerate(zip(edited, original.expand(len(edited), 3, *size), strict=True)):
        shown = one if pixel == (1, 1) else _resized(one[None], (size[0], size[1]))[0]
        pasted[row] = shown if weight is None else _mixed(shown, below, weight)
    return pasted


def _mixed(edited: Tensor, original: Tensor, weight: Tensor) -> Tensor:
    """Of two pictures ``[3, H, W]``, the share ``weight`` ``[H, W]`` of the first and the rest of the second."""
    mixed = torch.lerp(original.to(torch.float32), edited.to(torch.float32), weight)
    if not edited.is_floating_point():
        mixed = mixed.round()
    return torch.where(weight > 0, mixed.to(edited.dtype), original.to(edited.dtype))


def _resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures ``[B, 3, H, W]`` as Pillow resizes them; whole numbers are those of 8 bits."""
    resized = F.interpolate(pictures.float(), size, mode="bicubic", antialias=True)
    if not pictures.is_floating_point():
        resized = resized.round().clamp(0, 255)
    return resized.to(pictures.dtype)


def _weight(region: NDArray[np.bool_], feather: int, pixel: tuple[float, float] = (1, 1)) -> NDArray[np.float32]:
    """How much of the edit a pixel ``[H, W]`` shows: 0 outside of the region, 1 in the depth of each of its pieces.

    pixel: the height and width of a pixel, in those that ``feather`` counts.
    """
    depth = distance_transform_edt(region, sampling=pixel)  # that of a pixel for those that touch the rest
    pieces, count = connected(region, np.ones((3, 3)))
    deepest = np.ones(count + 1)
    deepest[1:] = maximum(depth, pieces, np.arange(1, count + 1))
    return np.clip(depth / np.minimum(deepest[pieces], feather + min(pixel)), 0, 1).astype(np.float32)


@dataclass(frozen=True)
class PasteBack:
    """What an edit is pasted back onto: original uint8 ``[3, H, W]``, with the region bool ``[H, W]`` of the edit and
    the width of its fading border, in pixels of the method; all on the CPU.
    """

    original: Tensor
    region: Tensor
    feather: int

    def onto(self, pixels: Tensor) -> Tensor:
        """uint8 ``[B, 3, h, w]`` pasted back, as large as the original; see :func:`paste_back`."""
        return paste_back(pixels, self.original, self.region, feather=self.feather)
