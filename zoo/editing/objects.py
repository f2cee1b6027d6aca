"""Object editing: some classes of a picture change, all others stay (Endo & Kanamori 2020, section 4.4.2).

Letters: B batch, S samples, H x W picture.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from zoo.codes import Codes
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

    Errors as :meth:`zoo.codes.Codes.part`.
    """
    fresh = method.sample(label, samples, seed=seed)
    return codes.repeated(samples).replace(fresh, classes=classes, layers=layers)


def region_of(label: Tensor, classes: Iterable[int]) -> Tensor:
    """Where ``classes`` lie in a mask ``[H, W]``, as bool of the same shape."""
    return torch.isin(label, torch.tensor(list(classes), dtype=label.dtype, device=label.device))


def paste_region(label: Tensor, painted: Tensor, classes: Iterable[int] | None) -> Tensor:
    """Where an edit may show, bool ``[H, W]``: the edited classes of the new mask, and the pixels where it is new.

    label and painted: the mask ``[1, H, W]`` of the picture, and the one to paint. Without ``classes`` and without a
    change of the mask everything may.
    """
    changed = painted[0] != label[0]
    if classes is not None:
        return changed | region_of(painted[0], classes)
    return changed if bool(changed.any()) else torch.ones_like(changed)


def paste_back(edited: Tensor, original: Tensor, region: Tensor, *, feather: int = 3) -> Tensor:
    """``edited`` inside ``region``, the very pixels of ``original`` outside.

    Pictures ``[B, 3, H, W]`` of any type, region ``[H, W]`` bool. Inside the region the two pictures fade into each
    other over ``feather`` pixels along its border with the rest; the border of the picture is none. Returns the type of
    ``edited``.

    Raises ZooError for pictures of different sizes and a negative ``feather``.
    """
    if edited.shape[-2:] != original.shape[-2:] or region.shape != original.shape[-2:]:
        sizes = ", ".join("x".join(map(str, t.shape[-2:])) for t in (edited, original, region))
        raise ZooError(f"Edited picture, original and region are of different sizes ({sizes}): give all at one size.")
    if feather < 0:
        raise ZooError(f"The feather is {feather}, but a border of pixels is 0 or wider.")
    if bool(region.all()):
        return edited
    # 1 for the pixels of the region that touch the rest
    depth = torch.from_numpy(distance_transform_edt(region.cpu().numpy())).to(edited.device, torch.float32)
    weight = (depth / (feather + 1)).clamp(0, 1)
    mixed = torch.lerp(original.to(torch.float32), edited.to(torch.float32), weight)
    if not edited.is_floating_point():
        mixed = mixed.round()
    return torch.where(weight > 0, mixed.to(edited.dtype), original.to(edited.dtype))
