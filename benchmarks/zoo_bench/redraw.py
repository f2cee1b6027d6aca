"""The row "data" of the tables: each test mask of a stand-in drawn anew by the generator of the data itself.

Two pictures of one layout differ in all that the layout leaves open, so the numbers of this row are those of a sampler
that knows the data perfectly: what Diversity and Top-1 can be on these pictures.
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
"""Streams of style seeds; the pictures of the dataset itself have layouts from stream 0 and styles from stream 1."""


class RedrawnSource:
    """The test masks of the stand-in that ``config`` describes, in styles drawn from ``seed``; pictures on ``device``.

    Its "reconstruction" is one further drawing of the mask, which knows nothing of the ground truth.
    """

    name = "data"
    codes = frozenset({"encoded", "random"})

    def __init__(self, config: Config, *, seed: int, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.dataset, self.size = DATASETS.get(config.data["name"]), config.data["size"]
        self.standin = standin_of(self.dataset)
        self.drawn_with, self.seed = config.data["standin"]["seed"], seed

    def reconstruct(self, pictures: Batch, first: int) -> Tensor:
        return torch.cat([self._draw(first + i, RECONSTRUCTION, 1) for i in range(len(pictures))])

    def samples(self, label: Tensor, index: int, samples: int) -> Iterator[Tensor]:
        yield self._draw(index, RANDOM, samples)

    def _draw(self, index: int, stream: int, count: int) -> Tensor:
        """uint8 ``[count, 3, H, W]``: the layout of test picture ``index``, each time in a style of its own."""
        where = layout_seed(SPLIT, index, self.drawn_with)
        drawn = self.standin.layout(where, self.size)
        styles = [(*where[:-1], stream, self.seed, number) for number in range(count)]
        pictures = [self._as_file(self.standin.paint(drawn, style)) for style in styles]
        return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(self.device)

    def _as_file(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture as it comes back from a file of the dataset's kind, with its compression."""
        picture, file = Image.fromarray(pixels), io.BytesIO()
        suffix = self.dataset.image_suffixes[0]
        picture.save(file, format={".jpg": "JPEG", ".png": "PNG"}[suffix], quality=95)
        return np.array(Image.open(file).convert("RGB"))
