"""Thumbnails of regions, and a sheet of them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from zoo.visual import to_uint8

SIDE = 96
"""Pixels of a thumbnail in either direction."""

MARGIN = 0.15
"""Margin around a region, as a share of its longer side."""

SMALLEST = 0.25
"""Side of the smallest square that a thumbnail shows, as a share of the picture's longer side."""

WHITENED = 0.7
"""Weight of white outside the region."""

CAPTION = 16
"""Height in pixels of the line below a thumbnail on a sheet."""


def thumbnail(image: Tensor, region: Tensor) -> bytes:
    """A PNG of SIDE x SIDE pixels that shows a region of a picture.

    The picture is cropped to a square around the region and whitened outside the region; where the square is larger
    than the picture, the rest is white.

    Args:
        image: ``[3, H, W]`` in [-1, 1].
        region: bool ``[H, W]``, not empty.
    """
    pixels = to_uint8(image).float()
    pixels = torch.where(region, pixels, torch.lerp(pixels, torch.tensor(255.0), WHITENED))
    top, left, side = _square(region)
    canvas = np.full((side, side, 3), 255, np.uint8)
    height, width = region.shape
    y, x = max(top, 0), max(left, 0)
    cut = pixels[:, y : min(top + side, height), x : min(left + side, width)].permute(1, 2, 0).round().byte().numpy()
    canvas[y - top : y - top + cut.shape[0], x - left : x - left + cut.shape[1]] = cut
    content = io.BytesIO()
    Image.fromarray(canvas).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(content, "PNG")
    return content.getvalue()


def _square(region: Tensor) -> tuple[int, int, int]:
    """Top, left (negative outside the picture) and side of the square around a region."""
    bounds = []
    for axis in (1, 0):
        places = region.any(axis).nonzero()
        bounds.append((int(places[0]), int(places[-1]) + 1))
    longest = max(last - first for first, last in bounds)
    side = round(max(longest * (1 + 2 * MARGIN), SMALLEST * max(region.shape)))
    # a region as large as the picture needs no margin
    side = min(side, max(region.shape))
    (top, left) = (_start(*bound, side, size) for bound, size in zip(bounds, region.shape, strict=True))
    return top, left, side


def _start(first: int, last: int, side: int, size: int) -> int:
    """Start of an interval of length ``side`` that is centred on [first, last), and inside the picture if it fits."""
    if side > size:
        return -((side - size) // 2)
    return min(max((first + last - side) // 2, 0), size - side)


def thumbnail_sheet(thumbnails: Sequence[bytes], captions: Sequence[str], *, columns: int = 5, gap: int = 8) -> Tensor:
    """Thumbnails in rows of ``columns`` on white, each with a caption below it: uint8 ``[3, H, W]``."""
    columns = min(columns, len(thumbnails))
    rows = -(-len(thumbnails) // columns)
    across, down = SIDE + gap, SIDE + CAPTION + gap
    page = Image.new("RGB", (columns * across + gap, rows * down + gap), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default()
    for index, (content, caption) in enumerate(zip(thumbnails, captions, strict=True)):
        x, y = gap + index % columns * across, gap + index // columns * down
        with Image.open(io.BytesIO(content)) as small:
            page.paste(small.convert("RGB"), (x, y))
        draw.text((x + SIDE // 2, y + SIDE + CAPTION // 2), caption, fill="black", font=font, anchor="mm")
    return torch.from_numpy(np.array(page)).permute(2, 0, 1)
