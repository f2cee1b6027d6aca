"""The row "data" in tables of stand-ins: the picture generator renders each test mask again in other styles.

Two pictures of one layout differ in everything that the layout does not determine, so this row shows the numbers of an
ideal sampler of the data distribution: the attainable Diversity and Top-1 on these pictures.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zoo.config import Config
from zoo.data.standin import layout_seed, standin_of
from zoo.interfaces import Batch
from zoo.registries import DATASETS

SPLIT = "test"
RECONSTRUCTION, RANDOM = 2, 3
"""Streams of style seeds; the pictures of the dataset have their layouts from stream 0 and their styles from 1."""


class OraclePictures:
    """A :class:`zoo.metrics.PictureSource`: the test masks of a stand-in, rendered in random styles from ``seed``.

    Its "reconstruction" of a picture is another rendering of the mask, independent of the ground truth.

    Args:
        config: Config of a run whose data are a stand-in; gives dataset, size and seed of the stand-in.
        seed: Seed of the styles.
        device: Where its pictures are put.
    """

    name = "data"
    codes = frozenset({"encoded", "random"})

    def __init__(self, config: Config, *, seed: int, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.dataset, self.size = DATASETS.get(config.data["name"]), config.data["size"]
        self.standin = standin_of(self.dataset)
        self.data_seed, self.seed = config.data["standin"]["seed"], seed

    def reconstruct(self, pictures: Batch, first: int) -> Tensor:
        """One painting of each of the pictures ``first`` ... of the test set, uint8 ``[B, 3, H, W]``."""
        return torch.cat([self._draw(first + i, RECONSTRUCTION, 1) for i in range(len(pictures))])

    def samples(self, label: Tensor, index: int, samples: int) -> Iterator[Tensor]:
        """``samples`` paintings of the mask of test picture ``index``, uint8 ``[S, 3, H, W]``."""
        yield self._draw(index, RANDOM, samples)

    def _draw(self, index: int, stream: int, count: int) -> Tensor:
        """uint8 ``[count, 3, H, W]``: the layout of test picture ``index``, each in another style."""
        where = layout_seed(SPLIT, index, self.data_seed)
        layout = self.standin.layout(where, self.size)
        styles = [(*where[:-1], stream, self.seed, number) for number in range(count)]
        pictures = [self._as_file(self.standin.paint(layout, style)) for style in styles]
        return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(self.device)

    def _as_file(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture after the compression of the dataset's file format."""
        picture, file = Image.fromarray(pixels), io.BytesIO()
        suffix = self.dataset.image_suffixes[0]
        picture.save(file, format={".jpg": "JPEG", ".png": "PNG"}[suffix], quality=95)
        return np.array(Image.open(file).convert("RGB"))
