"""The base class of all datasets: pictures paired with label maps, with lazy loading and seeded augmentation."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from zoo.data.class_tables import Colour
from zoo.data.pairing import Listing, pair_up
from zoo.data.transforms import draw_params, read_image, read_label, transform
from zoo.errors import ZooError
from zoo.interfaces import Batch

SPLITS = ("train", "test")


@dataclass(frozen=True)
class EpochPlan:
    """The pictures of an epoch.

    Attributes:
        shown: The distinct pictures, in ascending order.
        order: The training sequence.
    """

    shown: list[int]
    order: list[int]


class PairedDataset(Dataset[dict[str, Any]], ABC):
    """Pictures and label maps of one split; subclasses define the location of their files in :meth:`folders`.

    ``dataset[i]`` is picture i without augmentation; ``dataset[i, draw]`` is the same picture with the crop
    and flip of the integer seed ``draw``, so that a run can be resumed exactly. Items are dicts: image ``[3, H, W]``
    float32 in [-1, 1], label ``[H, W]`` int64 in [0, C), name, and weight ``[1, H, W]`` if the dataset has one.

    A dataset that can be prepared from its original download has a class method ``prepare(source, out, progress,
    **settings)`` that returns a :class:`zoo.data.prepare.PrepareReport`.

    Args:
        root: The folder of the dataset.
        split: "train" or "test".
        size: (H, W) of the items.
        flip: Flip training pictures horizontally with probability 1/2.
        load_scale: Training pictures are resized to ``round(size * load_scale)`` and cropped to ``size``.

    Raises:
        ZooError: The folder is missing or empty, or contains pictures without labels or labels without pictures.
    """

    name: ClassVar[str]  # set by the registry
    title: ClassVar[str] = ""
    """Name in headings; by default, that in the registry."""
    source: ClassVar[str] = "you"
    """Where to get the dataset; inserted in error messages after "<name> comes from"."""
    classes: int
    class_names: tuple[str, ...]
    colours: ClassVar[tuple[Colour, ...]] = ()
    """A colour per class; without any, :func:`zoo.visual.distinct_colours`."""
    default_size: ClassVar[tuple[int, int]] = (256, 256)
    standin: ClassVar[str | None] = None
    """Name in :data:`zoo.registries.STANDINS` of the stand-in with these classes."""
    release_hint: ClassVar[str] = ""
    """Error message if the labels are from another release of the dataset."""
    image_suffixes: ClassVar[tuple[str, ...]] = (".jpg",)
    label_suffixes: ClassVar[tuple[str, ...]] = (".png",)
    label_tail: ClassVar[str] = ""
    """Suffix of a label's stem after the stem of its picture."""

    def __init__(
        self, *, root: Path, split: str, size: tuple[int, int], flip: bool = True, load_scale: float = 1.0
    ) -> None:
        if split not in SPLITS:
            raise ZooError(f'There is no split "{split}" of {self.name}: use "train" or "test".')
        if load_scale < 1:
            raise ZooError(
                f"data.load_scale is {load_scale}, but nothing can be cropped out of a smaller picture: use 1 or more."
            )
        self.root, self.split, self.flip = Path(root), split, flip
        self.size = (int(size[0]), int(size[1]))
        self.loaded = (round(self.size[0] * load_scale), round(self.size[1] * load_scale))
        listing = self.listing(self.root, split)
        self.pairs = listing.pairs
        if listing.empty:
            raise ZooError(self.nothing_at(self.root, split))
        partners = partner_problems(listing)
        if partners:
            more = f" ({len(partners)} such files in the {split} split)" if len(partners) > 1 else ""
            raise ZooError(partners[0].rstrip(".") + more + ".")

    @classmethod
    @abstractmethod
    def folders(cls, root: Path, split: str) -> tuple[Path, Path]:
        """The folders of pictures and labels of a split in ``root``."""

    @classmethod
    def stem(cls, split: str, index: int) -> str:
        """The stem of picture ``index`` in a stand-in, following the real dataset's naming."""
        return f"{index + 1 + 100_000 * (split == 'test'):08d}"

    @classmethod
    def files(cls, root: Path, split: str, index: int) -> tuple[Path, Path]:
        """The paths of picture ``index`` of a split and its label in a stand-in."""
        images, labels = cls.folders(root, split)
        stem = cls.stem(split, index)
        return images / f"{stem}{cls.image_suffixes[0]}", labels / f"{stem}{cls.label_tail}{cls.label_suffixes[0]}"

    @classmethod
    def write_extras(cls, root: Path) -> None:
        """Write further files of the real dataset, besides pictures and labels, for a stand-in."""
        return

    @classmethod
    def listing(cls, root: Path, split: str) -> Listing:
        """The files of a split, matched."""
        images, labels = cls.folders(root, split)
        return pair_up(images, labels, cls.image_suffixes, cls.label_suffixes, cls.label_tail)

    @classmethod
    def wrong_release(cls, root: Path) -> str | None:
        """An error message if ``root`` contains another release, else None."""
        return None

    @classmethod
    def nothing_at(cls, root: Path, split: str) -> str:
        """The error message for a folder without pictures: where to get them, and the procedural alternative."""
        wrong = cls.wrong_release(root) if root.is_dir() else None
        if wrong:
            return wrong
        images = cls.folders(root, split)[0]
        what = f"There are no {cls.name} pictures in {images}" if root.is_dir() else f"There is no folder {root}"
        without = f", or draw procedural ones with `zoo data make {cls.name} --out data/{cls.name}`"
        return (
            f"{what}: {cls.name} comes from {cls.source}; give its folder with --data-root"
            f"{without if cls.standin else ''}."
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        index, draw = key if isinstance(key, tuple) else (key, None)
        pair = self.pairs[index]
        params = None if draw is None else draw_params(random.Random(draw), self.loaded, self.size)
        if params is not None and not self.flip:
            params = type(params)(params.crop_x, params.crop_y, False)
        source = read_label(pair.label)
        image, label = transform(read_image(pair.image), source, self.size, loaded=self.loaded, params=params)
        if int(label.max()) >= self.classes or int(label.min()) < 0:
            raise ZooError(out_of_range(pair.label, np.unique(np.asarray(source)).tolist(), self.classes))
        item = {"image": image, "label": label, "name": pair.name}
        weight = self.weight(index, label)
        return item if weight is None else item | {"weight": weight}

    def weight(self, index: int, label: Tensor) -> Tensor | None:
        """Loss weight ``[1, H, W]`` in [0, 1] of picture ``index`` with augmented ``label`` ``[H, W]``, or None.

        It is computed from the augmented label and therefore cropped and flipped with it.
        """
        return None

    def facts(self) -> dict[str, Any]:
        """Choices made by the dataset, as plain values, for the dry run and the run's record."""
        return {}

    def epoch(self, rng: np.random.Generator) -> EpochPlan:
        """The pictures of one epoch; by default all of them once, shuffled."""
        return EpochPlan(list(range(len(self))), rng.permutation(len(self)).tolist())


def collate(items: Sequence[dict[str, Any]]) -> Batch:
    """Collate items of one dataset to a :class:`zoo.interfaces.Batch`."""
    weight = torch.stack([item["weight"] for item in items]) if "weight" in items[0] else None
    image = torch.stack([item["image"] for item in items])
    label = torch.stack([item["label"] for item in items])
    return Batch(image, label, tuple(item["name"] for item in items), weight)


def partner_problems(listing: Listing) -> list[str]:
    """One message per file without a counterpart or with a duplicate stem."""
    sentences = [f"The picture {path} has no label: add it or remove the picture." for path in listing.unmatched_images]
    sentences += [f"The label {path} has no picture: add it or remove the label." for path in listing.unmatched_labels]
    return sentences + [
        f"The file {path} has the same stem as another one: rename or remove one." for path in listing.duplicates
    ]


def out_of_range(path: Path, ids: Sequence[int], classes: int) -> str:
    """The error message for a label map with ids outside [0, classes)."""
    bad = [i for i in ids if not 0 <= i < classes]
    shown = ", ".join(map(str, bad[:8])) + (f" and {len(bad) - 8} more" if len(bad) > 8 else "")
    plural = "s" if len(bad) > 1 else ""
    return (
        f"The label {path} holds the class id{plural} {shown}, but valid ids are 0 to {classes - 1}: fix or remove it."
    )
