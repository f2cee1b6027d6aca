"""Pictures for people: coloured label maps and grids."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from zoo.errors import ZooError
from zoo.whole_file import whole_file


@cache
def distinct_colours(classes: int) -> Tensor:
    """One colour per class, uint8 ``[C, 3]``: class 0 black, neighbours in number far apart in colour.

    The bits of the class number, dealt in turn to red, green and blue from the highest bit down (the colour map of the
    PASCAL VOC challenge), so any number of classes has one and it never changes.
    """
    colours = torch.zeros(classes, 3, dtype=torch.uint8)
    for index in range(classes):
        for bit in range(8):
            for channel in range(3):
                colours[index, channel] |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
    return colours


def colour_labels(label: Tensor, palette: Tensor | None = None, *, classes: int = 256) -> Tensor:
    """Label map ``[B, H, W]`` -> picture ``[B, 3, H, W]`` in [-1, 1].

    ``palette`` is uint8 ``[C, 3]``; without one the classes get :func:`distinct_colours`.
    """
    palette = distinct_colours(classes) if palette is None else palette
    return palette.to(label.device)[label].permute(0, 3, 1, 2).float() / 127.5 - 1


def to_pixels(image: Tensor) -> Tensor:
    """Picture in [-1, 1] -> uint8 0..255 of the same shape, rounded; values outside are clipped."""
    return ((image.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def grid(columns: Sequence[Tensor], *, gap: int = 2) -> Tensor:
    """Columns of pictures ``[B, 3, H, W]`` in [-1, 1] -> one uint8 picture ``[3, B * (H + gap) + gap, ...]``.

    The gaps are white. Row b shows picture b of every column. Raises ZooError where the columns disagree on B, H or W.
    """
    shapes = {tuple(column.shape) for column in columns}
    if len(shapes) != 1:
        raise ZooError(f"A grid needs columns of one shape, but got {sorted(shapes)}; show pictures of one size.")
    cells = torch.stack([to_pixels(column).cpu() for column in columns], dim=1)
    rows, _, _, height, _ = cells.shape
    cells = torch.nn.functional.pad(cells, (gap, 0, gap, 0), value=255)
    sheet = cells.permute(2, 0, 3, 1, 4).reshape(3, rows * (height + gap), -1)
    return torch.nn.functional.pad(sheet, (0, gap, 0, gap), value=255)


def side_by_side(pixels: Tensor, *, gap: int = 2) -> Tensor:
    """uint8 pictures ``[S, 3, H, W]`` in a row ``[3, H, S * (W + gap) - gap]`` with white gaps; one stays as it is."""
    padded = torch.nn.functional.pad(pixels, (0, gap), value=255)
    return padded.permute(1, 2, 0, 3).flatten(2)[..., : -gap or None]


def save_picture(path: Path, pixels: Tensor) -> None:
    """Write a uint8 picture ``[3, H, W]`` as PNG; the file appears whole or not at all."""
    with whole_file(path) as temporary:
        Image.fromarray(pixels.permute(1, 2, 0).contiguous().cpu().numpy()).save(temporary, "PNG")


def save_grid(path: Path, columns: Sequence[Tensor], *, gap: int = 2) -> None:
    """Write :func:`grid` of the columns as PNG."""
    save_picture(path, grid(columns, gap=gap))
