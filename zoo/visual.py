"""Visualisation: coloured label maps, grids, PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from zoo.errors import ZooError
from zoo.files import atomic_file

CAPTION_SHARE = 1 / 12
"""Font size of a caption as a share of the width of the picture below it, so that both are visible at any zoom."""
SMALLEST_FONT, USUAL_FONT = 8, 12
"""Font sizes of captions in pixels: the smallest that is legible, and that of small pictures if it fits."""


@cache
def distinct_colours(classes: int) -> Tensor:
    """One colour per class, uint8 ``[C, 3]``; class 0 is black, and consecutive classes have very different colours.

    This is the colour map of the PASCAL VOC challenge: the bits of the class id are assigned in turn to red, green and
    blue, starting at the highest bit. It does not depend on the number of classes.
    """
    colours = torch.zeros(classes, 3, dtype=torch.uint8)
    for index in range(classes):
        for bit in range(8):
            for channel in range(3):
                colours[index, channel] |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
    return colours


def colour_labels(label: Tensor, palette: Tensor | None = None, *, classes: int = 256) -> Tensor:
    """Colour a label map.

    Args:
        label: ``[B, H, W]``.
        palette: Colours of the classes, uint8 ``[C, 3]``; None for :func:`distinct_colours`.
        classes: C, if there is no palette.

    Returns:
        Picture ``[B, 3, H, W]`` in [-1, 1].
    """
    palette = distinct_colours(classes) if palette is None else palette
    return palette.to(label.device)[label].permute(0, 3, 1, 2).float() / 127.5 - 1


def to_uint8(image: Tensor) -> Tensor:
    """Convert a picture in [-1, 1] to uint8 of the same shape, rounded and clipped."""
    return ((image.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def sample_columns(
    label: Tensor, image: Tensor, samples: Tensor, *, classes: int, reconstruction: Tensor | None = None
) -> dict[str, Tensor]:
    """Columns of a grid of samples, by caption.

    Args:
        label: ``[B, H, W]``.
        image: ``[B, 3, H, W]`` in [-1, 1].
        samples: ``[B, S, 3, H, W]`` in [-1, 1].
        classes: C.
        reconstruction: ``[B, 3, H, W]`` in [-1, 1], if there is one.

    Returns:
        Columns ``[B, 3, H, W]`` in [-1, 1].
    """
    columns = {"label map": colour_labels(label, classes=classes), "picture": image}
    if reconstruction is not None:
        columns["reconstruction"] = reconstruction
    return columns | {f"sample {number}": column for number, column in enumerate(samples.unbind(1), 1)}


def grid(columns: Mapping[str, Tensor], *, gap: int = 2) -> Tensor:
    """Arrange columns of pictures in a grid, below their captions.

    Args:
        columns: Pictures ``[B, 3, H, W]`` in [-1, 1], by their captions; row b shows picture b of every column.
        gap: Width of the white gaps in pixels.

    Returns:
        One picture, uint8 ``[3, ...]``.

    Raises:
        ZooError: If the columns have different shapes.
    """
    shapes = {tuple(column.shape) for column in columns.values()}
    if len(shapes) != 1:
        raise ZooError(f"A grid needs columns of one shape, but got {sorted(shapes)}; use pictures of one size.")
    cells = torch.stack([to_uint8(column).cpu() for column in columns.values()], dim=1)
    rows, _, _, height, width = cells.shape
    cells = torch.nn.functional.pad(cells, (gap, 0, gap, 0), value=255)
    sheet = cells.permute(2, 0, 3, 1, 4).reshape(3, rows * (height + gap), -1)
    sheet = torch.nn.functional.pad(sheet, (0, gap, 0, gap), value=255)
    return torch.cat([caption_row(list(columns), width, gap=gap), sheet], dim=1)


def caption_row(captions: Sequence[str], width: int, *, gap: int = 2) -> Tensor:
    """Captions in black on white for columns of ``width`` pixels with gaps around them: uint8 ``[3, h, ...]``.

    Each is centred on its column, and all have the largest font size that fits. The row has height 0 if no legible size
    fits.
    """
    total = len(captions) * (width + gap) + gap
    largest = max(USUAL_FONT, round(width * CAPTION_SHARE))
    fonts = (ImageFont.load_default(size) for size in range(largest, SMALLEST_FONT - 1, -1))
    font = next((font for font in fonts if all(font.getlength(caption) <= width for caption in captions)), None)
    if font is None:
        return torch.empty(3, 0, total, dtype=torch.uint8)
    # the same height for all captions, with or without ascenders and descenders
    _, top, _, bottom = font.getbbox("Apg", anchor="ls")
    strip = Image.new("RGB", (total, round(bottom - top) + 2 * gap), "white")
    draw = ImageDraw.Draw(strip)
    for column, caption in enumerate(captions):
        centre = gap + column * (width + gap) + width / 2
        draw.text((centre, gap - top), caption, fill="black", font=font, anchor="ms")
    return torch.from_numpy(np.array(strip)).permute(2, 0, 1)


def side_by_side(pixels: Tensor, *, gap: int = 2) -> Tensor:
    """uint8 pictures ``[S, 3, H, W]`` in a row ``[3, H, S * (W + gap) - gap]``, with white gaps."""
    padded = torch.nn.functional.pad(pixels, (0, gap), value=255)
    return padded.permute(1, 2, 0, 3).flatten(2)[..., : -gap or None]


def save_picture(path: Path, pixels: Tensor) -> None:
    """Write a uint8 picture ``[3, H, W]`` as PNG, atomically."""
    with atomic_file(path) as temporary:
        Image.fromarray(pixels.permute(1, 2, 0).contiguous().cpu().numpy()).save(temporary, "PNG")


def save_grid(path: Path, columns: Mapping[str, Tensor], *, gap: int = 2) -> None:
    """Write :func:`grid` of the columns as PNG."""
    save_picture(path, grid(columns, gap=gap))
