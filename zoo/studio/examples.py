"""Example pictures: the first test pictures of a dataset, with their masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from zoo.data import PairedDataset
from zoo.data.class_tables import ClassTable
from zoo.data.transforms import read_image, read_label, transform
from zoo.errors import ZooError
from zoo.studio.models import StudioModel
from zoo.studio.wire import picture_uri
from zoo.trained import evaluation_pictures
from zoo.visual import to_uint8

COUNT = 6
THUMBNAIL = 128
"""Longer side of a thumbnail in pixels."""


@dataclass(frozen=True)
class Example:
    """A picture of a dataset.

    Attributes:
        name: Its name.
        image: Its file.
        label: The file of its mask.
        table: The classes of the mask.
        thumbnail: A small picture as a data URI.
    """

    name: str
    image: Path
    label: Path
    table: ClassTable
    thumbnail: str

    def opened(self, model: StudioModel) -> tuple[Image.Image, Image.Image]:
        """Read the picture and its mask, resized to the size of the picture.

        Raises:
            ZooError: If the model has other classes.
        """
        if model.table != self.table:
            raise ZooError(
                f"The example {self.name} has other classes than {model.title}: choose another model, or open your own "
                "picture."
            )
        image, label = read_image(self.image), read_label(self.label)
        return image, label.resize(image.size, Image.Resampling.NEAREST)


def examples_for(model: StudioModel, root: Path | None) -> list[Example]:
    """Examples from the folder ``root``, or from the folder that the model was trained on, if it still exists.

    Raises:
        ZooError: If ``root`` is given and does not hold such a dataset.
    """
    dataset = _pictures(model, root)
    if dataset is None:
        return []
    found = []
    for pair in dataset.pairs[:COUNT]:
        image = read_image(pair.image)
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        found.append(Example(pair.name, pair.image, pair.label, model.table, _uri(image)))
    return found


def _pictures(model: StudioModel, root: Path | None) -> PairedDataset | None:
    data = model.config.data
    if root is not None:
        return evaluation_pictures(model.method, data["name"], root)
    if data["name"] is None or data["root"] is None or not Path(data["root"]).is_dir():
        return None
    try:
        return evaluation_pictures(model.method, data["name"], None)
    except ZooError:  # the folder has changed since the training, and examples are optional
        return None


def _uri(image: Image.Image) -> str:
    pixels, _ = transform(image, image.convert("L"), (image.height, image.width))
    return picture_uri(to_uint8(pixels))
