"""Pictures for a label map that somebody brings: what :meth:`zoo.interfaces.Method.draw` does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zoo.data.class_tables import class_table
from zoo.editing.reading import pair, read_mask
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.metrics.pictures import to_uint8_truncated

Mask = Path | str | NDArray[np.generic] | Tensor
"""A label map: its file, or class ids ``[H, W]``."""

TOGETHER = 8
"""Pictures of one batch of the generator, which bounds its memory."""


def draw(method: Method, mask: Mask, samples: int, seed: int) -> list[Image.Image]:
    """Samples of one label map as RGB pictures; see :meth:`zoo.interfaces.Method.draw`."""
    if samples < 1:
        raise ZooError(f"{samples} samples were asked for: give a number from 1 on.")
    label = label_of(method, mask).to(next(method.parameters()).device)
    codes = method.sample(label, samples, seed=seed)
    chunks = [codes.rows(slice(first, first + TOGETHER)) for first in range(0, samples, TOGETHER)]
    pixels = [picture for chunk in chunks for picture in to_uint8_truncated(method.synthesize(label, chunk)).cpu()]
    return [Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()) for picture in pixels]


def label_of(method: Method, mask: Mask) -> Tensor:
    """A label map ``[1, H, W]`` at the size of the method.

    Raises:
        ZooError: For a file that is no label map of the method's classes, and for an array that is no map of integers.
    """
    data = method.config.data
    if isinstance(mask, Path | str):
        picture = read_mask(Path(mask), class_table(data))
    else:
        values = mask.cpu().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
        if values.ndim != 2 or not values.size or values.dtype.kind not in "iub":
            raise ZooError(
                f"The mask is an array of shape {list(values.shape)} and type {values.dtype}: give class ids as "
                "integers [H, W]."
            )
        # clipped, since larger ids would wrap around; ids of no class are refused by synthesize()
        picture = Image.fromarray(values.astype(np.int64).clip(-1, 2**31 - 1).astype(np.int32))
    return pair(None, picture, data["size"])[1]
