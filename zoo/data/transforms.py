"""Preprocessing from files to tensors, bitwise identical to the official code.

Pictures are resized with bicubic interpolation and labels with nearest neighbour; both are cropped and flipped
together. The random choices are explicit parameters, so that a training picture is a pure function of them.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.errors import ZooError

BROKEN_FILE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
"""Exceptions of Pillow for files that are truncated, damaged or not images."""


@dataclass(frozen=True)
class Augmentation:
    """The random choices for one training picture: left and upper edge of the crop in pixels, and whether to flip."""

    crop_x: int
    crop_y: int
    flip: bool


def draw_params(rng: random.Random, loaded: tuple[int, int], size: tuple[int, int]) -> Augmentation:
    """Draw the choices in the order of the official code: x, y, then the flip with probability 1/2.

    x and y are drawn even if nothing is cropped.

    Args:
        rng: The random numbers.
        loaded: (H, W) before the crop.
        size: (H, W) of the crop.
    """
    x = rng.randint(0, max(0, loaded[1] - size[1]))
    y = rng.randint(0, max(0, loaded[0] - size[0]))
    return Augmentation(x, y, rng.random() > 0.5)


def transform(
    image: Image.Image,
    label: Image.Image,
    size: tuple[int, int],
    *,
    loaded: tuple[int, int] | None = None,
    params: Augmentation | None = None,
) -> tuple[Tensor, Tensor]:
    """Resize, crop and flip a picture and its label.

    Args:
        image: RGB picture.
        label: Class ids.
        size: (H, W) of the result.
        loaded: (H, W) before the crop, by default ``size``.
        params: The random choices; without them nothing is cropped or flipped.

    Returns:
        Picture ``[3, H, W]`` float32 in [-1, 1] and label ``[H, W]`` int64.
    """
    load_height, load_width = loaded if loaded is not None and params is not None else size
    image = image.resize((load_width, load_height), Image.Resampling.BICUBIC)
    label = label.resize((load_width, load_height), Image.Resampling.NEAREST)
    if params is not None:
        if (load_height, load_width) != size:
            box = (params.crop_x, params.crop_y, params.crop_x + size[1], params.crop_y + size[0])
            image, label = image.crop(box), label.crop(box)
        if params.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            label = label.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
    # divide before subtracting, in float32: any other order changes the last bit
    return pixels.float().div_(255).sub_(0.5).div_(0.5), torch.from_numpy(np.array(label).astype(np.int64))


def read_image(path: Path) -> Image.Image:
    """Read an RGB picture; ZooError if the file cannot be read completely."""
    try:
        with Image.open(path) as file:
            return file.convert("RGB")
    except BROKEN_FILE as error:
        raise ZooError(unreadable(path, error)) from error


def read_label(path: Path) -> Image.Image:
    """Read a single-channel image of class ids; for a palette image, the indices are used.

    Raises:
        ZooError: The file cannot be read, or is a colour image.
    """
    try:
        with Image.open(path) as file:
            file.load()
            if file.mode == "L":
                return file.copy()
            if file.mode in ("P", "1"):
                return Image.fromarray(np.asarray(file).astype(np.uint8))
            if file.mode.startswith("I"):
                return Image.fromarray(np.asarray(file).astype(np.int32))
            mode = file.mode
    except BROKEN_FILE as error:
        raise ZooError(unreadable(path, error)) from error
    raise ZooError(colour_label(path, mode))


def unreadable(path: Path, error: Exception) -> str:
    """The error message for a file that Pillow cannot read."""
    reason = str(error).replace(str(path), "").rstrip(" .'\"") or type(error).__name__
    return f"The file {path} cannot be read ({reason}): download it again or remove the pair."


def colour_label(path: Path, mode: str) -> str:
    """The error message for a colour-coded label map."""
    return f"The label {path} is a colour picture (mode {mode}), not a map of class ids: save ids as an 8-bit grey PNG."
