"""Reading of users' pictures and label maps, which are checked before decoding."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError
from torch import Tensor

from zoo.data.class_tables import ClassTable, Colour
from zoo.data.transforms import BROKEN_FILE, transform
from zoo.errors import ZooError
from zoo.visual import distinct_colours

MAX_PIXELS = 16_000_000
"""Larger pictures are not decoded."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""The formats that are read, in Pillow's names. Pillow reads more, but passes PostScript to another program."""

PHOTOS = ("JPEG", "MPO")
"""JPEG files; MPO is Pillow's name for those of cameras that hold a preview or a second view as well."""

SHOWN = 4
"""Maximum number of unknown colours or ids in an error message."""


def read_picture(source: Path | bytes, *, name: str = "", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Read an RGB picture of 8 bits per channel.

    Transparent pixels are blended with white. The orientation tag of cameras is ignored, as in training.

    Args:
        source: A file, or its content.
        name: What a content is called in error messages.
        max_pixels: Larger pictures are not decoded.

    Raises:
        ZooError: If the file is missing, empty, damaged, animated, of a format not in FORMATS or larger than
            ``max_pixels``, or has more than 8 bits per channel.
    """
    file, called = _opened(source, name, max_pixels), _called(source, name)
    if file.mode.startswith(("I", "F")):
        raise ZooError(f"{called} has more than 8 bits per channel: save it as an 8-bit PNG or JPEG.")
    if "A" in file.getbands() or "transparency" in file.info:
        layer = file.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return file.convert("RGB")


def read_mask(source: Path | bytes, table: ClassTable, *, name: str = "", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Read a label map as a picture of class ids (mode "I").

    The values of a grey picture (8 or 16 bits) are the ids. In a colour picture all pixels must have colours of
    ``table.colours``, or all of them colours of :func:`zoo.visual.distinct_colours`, which the zoo uses in its grids.
    If several classes share a colour, it stands for the first one: ADE20K's road and skyscraper have the same colour,
    which is read as road. A palette image is read as a colour image if all its colours belong to classes; otherwise its
    indices are the ids.

    Args:
        source: A file, or its content.
        table: Names and colours of the classes.
        name: What a content is called in error messages.
        max_pixels: Larger pictures are not decoded.

    Raises:
        ZooError: As :func:`read_picture`; also for JPEG files (whose compression changes ids), transparent pixels, and
            ids and colours of no class.
    """
    file, called = _opened(source, name, max_pixels), _called(source, name)
    if file.format in PHOTOS:
        raise ZooError(f"{called} is a JPEG, whose compression changes the ids: save masks as PNG.")
    if file.mode.startswith("F"):
        raise ZooError(f"{called} holds floating-point numbers instead of class ids: save ids as an 8-bit grey PNG.")
    if "A" in file.getbands():
        hidden = int((np.asarray(file.getchannel("A")) < 255).sum())
        if hidden:
            raise ZooError(f"{called} has {hidden:,} transparent pixels, which have no class: paint them, too.")
    if file.mode == "P" and (ids := _ids_of_palette(file, table)) is not None:
        return Image.fromarray(ids)
    if file.mode in ("L", "LA", "P", "1") or file.mode.startswith("I"):
        values = np.asarray(file.getchannel("L") if file.mode == "LA" else file)
        return Image.fromarray(_checked_ids(values, len(table), called))
    return Image.fromarray(_ids_of_colours(np.asarray(file.convert("RGB")), table, called))


def pair(image: Image.Image | None, mask: Image.Image, size: tuple[int, int]) -> tuple[Tensor | None, Tensor]:
    """A picture ``[1, 3, H, W]`` in [-1, 1] and its label ``[1, H, W]`` at ``size`` (H, W), resized as in datasets.

    Raises:
        ZooError: If picture and mask are of different sizes.
    """
    if image is not None:
        _check_sizes(image, mask)
    pixels, label = transform(image or Image.new("RGB", mask.size), mask, size)
    return None if image is None else pixels[None], label[None]


def unresized(image: Image.Image, mask: Image.Image) -> tuple[Tensor, Tensor]:
    """A picture uint8 ``[3, H, W]`` and its label int32 ``[1, H, W]`` at the size of their files.

    Raises:
        ZooError: If picture and mask are of different sizes.
    """
    _check_sizes(image, mask)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
    return pixels, torch.from_numpy(np.array(mask).astype(np.int32))[None]


def _check_sizes(image: Image.Image, mask: Image.Image) -> None:
    if image.size != mask.size:
        (width, height), (other_width, other_height) = image.size, mask.size
        raise ZooError(
            f"The mask is {other_height}x{other_width} (height x width), but its picture {height}x{width}: give the "
            "mask that belongs to the picture."
        )


def _opened(source: Path | bytes, name: str, max_pixels: int) -> ImageFile.ImageFile:
    """A decoded still picture of at most ``max_pixels``."""
    called = _called(source, name)
    if isinstance(source, Path) and not source.is_file():
        raise ZooError(f"There is no file {source}: give the path of a picture.")
    if (source.stat().st_size if isinstance(source, Path) else len(source)) == 0:
        raise ZooError(f"{called} is empty: give a picture.")
    try:
        with _header(source) as file:
            _check_header(file, called, max_pixels)
            file.load()
            return file
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        most = min(max_pixels, Image.MAX_IMAGE_PIXELS or max_pixels)
        raise ZooError(_too_large(called, "more pixels", most)) from error
    except UnidentifiedImageError as error:
        raise ZooError(f"{called} is not a picture of a supported format: give a PNG, JPEG or WebP file.") from error
    except BROKEN_FILE as error:
        raise ZooError(f"{called} is damaged or truncated: copy or save it again.") from error


def _header(source: Path | bytes) -> ImageFile.ImageFile:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=FORMATS)


def _check_header(file: ImageFile.ImageFile, called: str, max_pixels: int) -> None:
    width, height = file.size
    if width * height > max_pixels:
        raise ZooError(_too_large(called, f"{width * height:,} pixels, more", max_pixels))
    if getattr(file, "is_animated", False) and file.format not in PHOTOS:
        raise ZooError(f"{called} is an animation or has several pages: give a single picture.")
    # Pillow drops the lower bits of 16-bit colours silently
    if any(re.search(";16[BLN]", str(tile)) for tile in file.tile) and not file.mode.startswith("I"):
        raise ZooError(f"{called} has more than 8 bits per channel: save it as an 8-bit PNG.")


def _too_large(called: str, more_pixels: str, max_pixels: int) -> str:
    return f"{called} has {more_pixels} than the limit of {max_pixels:,}: make it smaller."


def _checked_ids(values: NDArray[np.generic], classes: int, called: str) -> NDArray[np.int32]:
    ids = values.astype(np.int32)
    unknown = np.unique(ids[(ids < 0) | (ids >= classes)])
    if len(unknown):
        few = _few([str(i) for i in unknown[:SHOWN]], len(unknown))
        raise ZooError(
            f"{called} holds the class ids {few}, but ids go from 0 to {classes - 1}: correct the mask, or give the "
            "checkpoint of its dataset."
        )
    return ids


def _ids_of_palette(file: Image.Image, table: ClassTable) -> NDArray[np.int32] | None:
    """Ids ``[H, W]`` if a palette picture has two or more colours, all of them of classes; else None."""
    colours, indices = _packed(np.asarray(file.convert("RGB"))), np.asarray(file)
    if len(np.unique(colours)) < max(2, len(np.unique(indices))):
        return None  # for example, an unset palette
    if indices.max() < len(table) and (_packed(np.array(table.colours, np.uint8))[indices] == colours).all():
        return None  # the indices are ids, and the palette holds the colours of their classes
    return next((ids for ids in _tried(colours, table) if (ids >= 0).all()), None)


def _tried(colours: NDArray[np.int32], table: ClassTable) -> list[NDArray[np.int32]]:
    """Ids of packed colours by the palette of the dataset, and by that of the zoo; -1 where a colour is of no class."""
    own: Sequence[Colour] = [(r, g, b) for r, g, b in distinct_colours(len(table)).tolist()]
    return [_matched(colours, palette) for palette in (table.colours, own)]


def _ids_of_colours(pixels: NDArray[np.uint8], table: ClassTable, called: str) -> NDArray[np.int32]:
    """Ids ``[H, W]`` of colours ``[H, W, 3]``, by the first of the two palettes that has all of them."""
    colours = _packed(pixels)
    tried = _tried(colours, table)
    for ids in tried:
        if (ids >= 0).all():
            return ids
    missed = colours[min((ids < 0 for ids in tried), key=np.count_nonzero)]
    unknown, counts = np.unique(missed, return_counts=True)
    commonest = unknown[np.argsort(-counts, kind="stable")[:SHOWN]]
    names = _few([f"#{colour:06x}" for colour in commonest], len(unknown))
    raise ZooError(
        f"{called} has {missed.size:,} of {colours.size:,} pixels in colours of no class ({names}): give a mask "
        "in the colours of the dataset without smoothed borders, or a grey PNG of class ids."
    )


def _matched(colours: NDArray[np.int32], palette: Sequence[Colour]) -> NDArray[np.int32]:
    """The first class of each colour, -1 where there is none."""
    known, first = np.unique(_packed(np.array(palette, np.uint8)), return_index=True)
    place = np.searchsorted(known, colours).clip(max=len(known) - 1)
    return np.where(known[place] == colours, first[place], -1).astype(np.int32)


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Colours ``[..., 3]`` as one number each, 0xRRGGBB."""
    red, green, blue = np.moveaxis(colours.astype(np.int32), -1, 0)
    packed: NDArray[np.int32] = red << 16 | green << 8 | blue
    return packed


def _few(words: Sequence[str], total: int) -> str:
    return ", ".join(words) + (f" and {total - len(words):,} more" if total > len(words) else "")


def _called(source: Path | bytes, name: str) -> str:
    return f"The file {source}" if isinstance(source, Path) else f"The file {name or 'that was given'}"
