"""Pictures to begin with: the first test pictures of a dataset, with their masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from zoo.data import PairedDataset
from zoo.data.class_tables import ClassTable
from zoo.data.transforms import read_image, read_label, transform
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.studio.models import StudioModel, config_of
from zoo.studio.wire import picture_uri
from zoo.trained import evaluation_pictures
from zoo.visual import to_pixels

COUNT = 6
THUMBNAIL = 128
"""Pixels of the longer side at most."""


@dataclass(frozen=True)
class Example:
    """A picture of a dataset on the disk: its name, its files, the classes of its mask, and how it looks."""

    name: str
    image: Path
    label: Path
    table: ClassTable
    thumbnail: str

    def opened(self, model: StudioModel) -> tuple[Image.Image, Image.Image]:
        """The picture and its mask (of the same size) from their files.

        Raises ZooError for a model with other classes.
        """
        if model.table != self.table:
            raise ZooError(
                f"The example {self.name} has the classes of another dataset than {model.title}: choose another model, "
                "or open a picture of your own."
            )
        image, label = read_image(self.image), read_label(self.label)
        return image, label.resize(image.size, Image.Resampling.NEAREST)


def examples_for(model: StudioModel, root: Path | None) -> list[Example]:
    """Examples from the folder ``root``, or else from the one that the model was trained on, if that is still there.

    Raises ZooError where ``root`` is given and holds no such dataset.
    """
    dataset = _pictures(model.method, root)
    if dataset is None:
        return []
    found = []
    for pair in dataset.pairs[:COUNT]:
        image = read_image(pair.image)
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        found.append(Example(pair.name, pair.image, pair.label, model.table, _uri(image)))
    return found


def _pictures(method: Method, root: Path | None) -> PairedDataset | None:
    data = config_of(method).data
    if root is not None:
        return evaluation_pictures(method, data["name"], root)
    if data["name"] is None or data["root"] is None or not Path(data["root"]).is_dir():
        return None
    try:
        return evaluation_pictures(method, data["name"], None)
    except ZooError:  # the folder has changed since the training; the studio works without it
        return None


def _uri(image: Image.Image) -> str:
    pixels, _ = transform(image, image.convert("L"), (image.height, image.width))
    return picture_uri(to_pixels(pixels))
