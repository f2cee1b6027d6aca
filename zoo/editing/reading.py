"""Pictures and label maps that people bring: checked before they are decoded, and refused in a sentence."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zoo.data.class_tables import ClassTable
from zoo.data.palettes import Colour
from zoo.data.transforms import BROKEN_FILE, transform
from zoo.errors import ZooError
from zoo.visual import distinct_colours

MAX_PIXELS = 16_000_000
"""Larger pictures are not decoded."""

SHOWN = 4
"""Of unknown colours or ids a sentence names so many."""


def read_picture(source: Path | bytes, *, name: str = "", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """An RGB picture of 8 bits from a file or its content; ``name`` is what sentences call a content.

    Transparent parts come out on white. Raises ZooError for anything that is no whole picture of at most
    ``max_pixels``, and for 16-bit pictures.
    """
    file = _opened(source, name, max_pixels)
    if file.mode.startswith(("I", "F")):
        raise ZooError(f"{_called(source, name)} has more than 8 bits a channel: save it as an 8-bit PNG or JPEG.")
    if file.mode in ("RGBA", "LA", "PA") or "transparency" in file.info:
        layer = file.convert("RGBA")
        file = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return file.convert("RGB")


def read_mask(source: Path | bytes, table: ClassTable, *, name: str = "", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """A label map as a single-channel picture of class ids, from a file or its content.

    The values of a grey or palette picture are the ids. In a colour picture every pixel must have one of
    ``table.colours``, or else one of :func:`zoo.visual.distinct_colours`, in which the zoo draws its grids. Of classes
    that share a colour (ADE20K's road and skyscraper) the first is meant.

    Raises ZooError as :func:`read_picture`, for JPEG files (whose compression changes ids), and for unknown ids and
    colours.
    """
    file = _opened(source, name, max_pixels)
    if file.format == "JPEG":
        raise ZooError(
            f"{_called(source, name)} is a JPEG, whose compression changes the ids at every border: save masks as PNG."
        )
    if file.mode.startswith("F"):
        raise ZooError(f"{_called(source, name)} holds fractions and no class ids: save ids as an 8-bit grey PNG.")
    if file.mode in ("L", "P", "1") or file.mode.startswith("I"):
        ids = np.asarray(file).astype(np.int32)
        unknown = np.unique(ids[(ids < 0) | (ids >= len(table))])
        if len(unknown):
            raise ZooError(
                f"{_called(source, name)} holds the class ids {_few([str(i) for i in unknown])}, but the ids go from "
                f"0 to {len(table) - 1}: mend the mask, or give the checkpoint of its dataset."
            )
        return Image.fromarray(ids)
    return Image.fromarray(_from_colours(np.asarray(file.convert("RGB")), table, _called(source, name)))


def pair(image: Image.Image | None, mask: Image.Image, size: tuple[int, int]) -> tuple[Tensor | None, Tensor]:
    """A picture ``[1, 3, H, W]`` in [-1, 1] and its label ``[1, H, W]`` at ``size`` (H, W), as datasets resize them.

    Raises ZooError where the two are of different sizes.
    """
    if image is not None and image.size != mask.size:
        (width, height), (other_width, other_height) = image.size, mask.size
        raise ZooError(
            f"The mask is {other_height}x{other_width} (height x width), but its picture {height}x{width}: give the "
            "mask that belongs to the picture."
        )
    pixels, label = transform(image or Image.new("RGB", mask.size), mask, size)
    return None if image is None else pixels[None], label[None]


def _opened(source: Path | bytes, name: str, max_pixels: int) -> Image.Image:
    """A decoded still picture of at most ``max_pixels``."""
    called = _called(source, name)
    if isinstance(source, Path) and not source.is_file():
        raise ZooError(f"There is no file {source}: give the path of a picture.")
    if (source.stat().st_size if isinstance(source, Path) else len(source)) == 0:
        raise ZooError(f"{called} is empty: give a picture.")
    try:
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as file:
            if file.width * file.height > max_pixels:
                raise Image.DecompressionBombError
            if getattr(file, "n_frames", 1) > 1:
                raise ZooError(f"{called} is an animation: give a single picture.")
            file.load()
            return file.copy() if file.format is None else _with_format(file)
    except Image.DecompressionBombError as error:
        raise ZooError(f"{called} has more than the {max_pixels:,} pixels that are read: make it smaller.") from error
    except BROKEN_FILE as error:
        raise ZooError(f"{called} is no whole picture: give a PNG, JPEG or WebP file that opens elsewhere.") from error


def _with_format(file: Image.Image) -> Image.Image:
    copy = file.copy()
    copy.format = file.format  # a copy forgets it
    return copy


def _from_colours(pixels: NDArray[np.uint8], table: ClassTable, called: str) -> NDArray[np.int32]:
    """Ids int32 ``[H, W]`` of colours uint8 ``[H, W, 3]``, by the first palette that has them all."""
    own: Sequence[Colour] = [(r, g, b) for r, g, b in distinct_colours(len(table)).tolist()]
    best = None
    for palette in (table.colours, own):
        ids = _matched(pixels, palette)
        if (ids >= 0).all():
            return ids
        best = ids if best is None or (ids < 0).sum() < (best < 0).sum() else best
    assert best is not None, "there are two palettes"
    missed = best < 0
    colours, counts = np.unique(pixels[missed], axis=0, return_counts=True)
    names = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours[np.argsort(-counts, kind="stable")]]
    raise ZooError(
        f"{called} has {missed.sum():,} of {missed.size:,} pixels in colours of no class ({_few(names)}): give a mask "
        "in the colours of the dataset without smoothed borders, or a grey PNG of class ids."
    )


def _matched(pixels: NDArray[np.uint8], palette: Sequence[Colour]) -> NDArray[np.int32]:
    """The first class of each colour, -1 where there is none."""
    keys = _packed(pixels)
    wanted, first = np.unique(_packed(np.array(palette, np.uint8)), return_index=True)
    place = np.searchsorted(wanted, keys).clip(max=len(wanted) - 1)
    return np.where(wanted[place] == keys, first[place], -1).astype(np.int32)


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Colours ``[..., 3]`` as one number each."""
    return colours.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])


def _few(words: Sequence[str]) -> str:
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def _called(source: Path | bytes, name: str) -> str:
    return f"The file {source}" if isinstance(source, Path) else f"The file {name or 'that was given'}"
