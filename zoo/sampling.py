"""Samples of a trained method: for the masks of a dataset as files, and for any mask as PIL pictures."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zoo.data import PairedDataset
from zoo.data.class_tables import class_table
from zoo.data.reading import pair, read_mask
from zoo.distributed import eval_mode
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.metrics.pictures import to_uint8_truncated
from zoo.trained import evaluation_pictures, open_method
from zoo.visual import sample_columns, save_grid, save_picture

log = logging.getLogger(__name__)

GRID_ROWS = 8
"""Number of pictures in the grid; all pictures are also written individually."""

Mask = Path | str | NDArray[np.generic] | Tensor
"""A label map: a file, or class ids ``[H, W]``."""

CHUNK = 8
"""Batch size of the generator, to limit memory."""


def sample(
    method: Method | Path | str,
    *,
    data: str,
    out: Path | str,
    data_root: Path | str | None = None,
    samples: int = 8,
    seed: int = 0,
    limit: int | None = None,
    split: str = "test",
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Synthesise pictures for the masks of a dataset: ``NAME_00.png`` ..., and ``grid.png`` with the first masks.

    Args:
        method: A method, or the path of a checkpoint.
        data: Name of the dataset.
        out: Output folder.
        data_root: Folder of the dataset; by default that of the training, or ``data/NAME``.
        samples: Pictures per mask, S.
        seed: Random seed; the codes depend only on it and on the index of the mask.
        limit: Use only the first N masks.
        split: Split of the dataset.
        device: Device for a checkpoint.
        progress: Called with (masks done, total).

    Returns:
        The written files, with the grid last.

    Raises:
        ZooError: For an invalid checkpoint, and for a dataset that does not fit it or is missing.
    """
    opened = open_method(method, device)
    pictures = evaluation_pictures(opened, data, None if data_root is None else Path(data_root), split)
    return write_samples(opened, pictures, samples=samples, out=Path(out), seed=seed, limit=limit, progress=progress)


@torch.no_grad()
def write_samples(
    method: Method,
    dataset: PairedDataset,
    *,
    samples: int,
    out: Path,
    seed: int = 0,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """As :func:`sample`, for a method and a dataset that are already loaded.

    A row of the grid shows the mask, the picture of the dataset and the samples, under captions.
    """
    if samples > 1 and not method.code_specs:
        log.info("%s has no codes to draw, so the samples of a mask are all the same.", method.name)
    count = len(dataset) if limit is None else min(limit, len(dataset))
    device = next(method.parameters()).device
    rows: list[tuple[Tensor, Tensor, Tensor]] = []
    files: list[Path] = []
    for index in range(count):
        item = dataset[index]
        label = item["label"][None].to(device)
        with eval_mode(method):
            drawn = method.synthesize(label, method.sample(label, samples, seed=seed + index))
        drawn = drawn.float().clamp(-1, 1).cpu()
        for number, pixels in enumerate(to_uint8_truncated(drawn)):
            files.append(out / f"{Path(item['name']).name}_{number:02d}.png")
            save_picture(files[-1], pixels)
        if index < GRID_ROWS:
            rows.append((item["label"], item["image"], drawn))
        if progress is not None:
            progress(index + 1, count)
    files.append(out / "grid.png")
    label, image, drawings = (torch.stack(part) for part in zip(*rows, strict=True))
    save_grid(files[-1], sample_columns(label, image, drawings, classes=dataset.classes))
    return files


def draw(method: Method, mask: Mask, samples: int, seed: int) -> list[Image.Image]:
    """Samples of one label map as RGB pictures; see :meth:`zoo.interfaces.Method.draw`."""
    if samples < 1:
        raise ZooError(f"{samples} samples were requested: give at least 1.")
    label = label_of(method, mask).to(next(method.parameters()).device)
    codes = method.sample(label, samples, seed=seed)
    chunks = [codes.rows(slice(first, first + CHUNK)) for first in range(0, samples, CHUNK)]
    pixels = [picture for chunk in chunks for picture in to_uint8_truncated(method.synthesize(label, chunk)).cpu()]
    return [Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()) for picture in pixels]


def label_of(method: Method, mask: Mask) -> Tensor:
    """A label map ``[1, H, W]`` at the size of the method.

    Raises:
        ZooError: For a file that is not a label map of the method's classes, and for an array of another kind.
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
