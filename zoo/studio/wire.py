"""Pictures and masks in requests and answers: PNG in base64."""

from __future__ import annotations

import base64
import binascii
import io
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from zoo.data.class_tables import ClassTable
from zoo.data.reading import pair, read_mask
from zoo.errors import ZooError

COMPRESSION = 1
"""PNG compression level: a third of the default's time for a tenth more bytes."""


def data_uri(content: bytes) -> str:
    """A PNG file as a data URI."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


def png(pixels: Tensor) -> bytes:
    """A uint8 picture ``[3, H, W]`` as a PNG file."""
    return _png(Image.fromarray(pixels.permute(1, 2, 0).contiguous().cpu().numpy()))


def picture_uri(pixels: Tensor) -> str:
    """A uint8 picture ``[3, H, W]`` as a data URI."""
    return data_uri(png(pixels))


def file_uri(path: Path) -> str:
    """A PNG file as a data URI."""
    return data_uri(path.read_bytes())


def mask_text(label: Tensor) -> str:
    """A label map ``[H, W]`` of at most 256 classes as base64 of an 8-bit grey PNG."""
    return base64.b64encode(_png(Image.fromarray(label.to(torch.uint8).cpu().numpy()))).decode()


def mask_of(text: str, table: ClassTable, size: tuple[int, int]) -> Tensor:
    """The label map ``[1, H, W]`` that the page painted. Raises ZooError unless it is a mask of ``size`` (H, W)."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ZooError("The painted mask is not valid base64: reload the page.") from error
    mask = read_mask(content, table, name="of the painted mask", max_pixels=size[0] * size[1])
    if (mask.height, mask.width) != size:
        raise ZooError(
            f"The painted mask is {mask.height}x{mask.width} (height x width), but the model paints "
            f"{size[0]}x{size[1]}: open the picture again."
        )
    return pair(None, mask, size)[1]


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()
