"""Procedural stand-ins: pictures with label maps that replace a dataset, drawn once and kept.

A stand-in draws pictures, and the dataset determines file names and formats, so a stand-in can be used for every
dataset with the same classes. ``paint(layout(...), style)`` is a picture: the layout determines the label map, the
style its colours and textures.
"""

from __future__ import annotations

import hashlib
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.config import Config
from zoo.data.base import SPLITS, PairedDataset
from zoo.data.parallel import Progress, map_processes, map_threads
from zoo.errors import ZooError, nearest
from zoo.files import atomic_folder
from zoo.registries import DATASETS, STANDINS

log = logging.getLogger(__name__)

CACHE = Path("data/standin")
MANY = 400
"""Minimum number of pictures for which starting further processes is worthwhile."""
MARKER = "PROCEDURAL.txt"
"""Marker file in every procedural dataset, so that reports do not mistake its pictures for real ones."""

Ids = NDArray[np.uint8]


class Layout(Protocol):
    """The layout of a picture, which is independent of its style."""

    @property
    def label(self) -> Ids:
        """Class ids ``[H, W]``."""


class StandIn(ABC):
    """Draws pictures with label maps; stateless, registered in :data:`zoo.registries.STANDINS`."""

    name: ClassVar[str]  # set by the registry

    @abstractmethod
    def layout(self, seed: Sequence[int], size: tuple[int, int]) -> Layout:
        """The label map of one picture of ``size`` (H, W); the same seed gives the same one.

        Raises:
            ZooError: The size is too small.
        """

    @abstractmethod
    def paint(self, layout: Any, style: Sequence[int]) -> NDArray[np.uint8]:
        """Paint a layout as a picture ``[H, W, 3]``; the style depends only on the seed ``style``."""


def standin_of(dataset: type) -> StandIn:
    """The stand-in class of a dataset.

    Raises:
        ZooError: It has none.
    """
    standin = getattr(dataset, "standin", None)
    if standin is None:
        known = [name for name in DATASETS.names() if getattr(DATASETS.get(name), "standin", None)]
        name = getattr(dataset, "name", dataset.__name__)
        raise ZooError(
            f'There is no procedural stand-in for "{name}"{nearest(name, known) or "."} Known: {", ".join(known)}.'
        )
    found: StandIn = STANDINS.get(standin)()
    return found


def layout_seed(split: str, index: int, seed: int) -> tuple[int, ...]:
    """The layout seed of picture ``index`` of a split, for a dataset with ``seed``."""
    return (seed, SPLITS.index(split), index, 0)


def draw(name: str, split: str, index: int, seed: int, size: tuple[int, int] | None = None) -> tuple[Ids, Ids]:
    """Picture ``index`` of a split of a dataset's stand-in; the same arguments give the same arrays.

    Args:
        name: The dataset.
        split: "train" or "test".
        index: Number of the picture.
        seed: An integer of 0 or more. Layout and style use separate streams of it.
        size: (H, W), by default the dataset's own.

    Returns:
        Picture ``[H, W, 3]`` and class ids ``[H, W]``, both uint8.

    Raises:
        ZooError: The dataset has no stand-in, or an argument is invalid.
    """
    dataset = DATASETS.get(name)
    return _draw(standin_of(dataset), split, index, seed, size or dataset.default_size)


def make(
    name: str,
    out: Path,
    *,
    train: int,
    test: int,
    seed: int,
    size: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the stand-in of a dataset with the folders, file names and formats of the real one.

    Args:
        name: The dataset.
        out: Output folder, created atomically.
        train: Number of training pictures.
        test: Number of test pictures.
        seed: An integer of 0 or more.
        size: (H, W), by default the dataset's own.
        progress: Called with (done, total) after each picture.

    Raises:
        ZooError: The dataset has no stand-in, ``out`` is in use, or an argument is invalid.
    """
    dataset: type[PairedDataset] = DATASETS.get(name)
    standin = standin_of(dataset)
    if train < 0 or test < 0 or train + test == 0:
        raise ZooError(
            f"{train} training and {test} test pictures were requested: give non-negative counts that are not both 0."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ZooError(
            f"{out} exists and is not an empty folder: choose another place for the {name} stand-in, or remove it."
        )
    pictures = [(split, index) for split, count in (("train", train), ("test", test)) for index in range(count)]
    with atomic_folder(out) as root:
        for split in SPLITS:
            for path in dataset.files(root, split, 0):
                path.parent.mkdir(parents=True, exist_ok=True)
        write = partial(_write, root, dataset, standin, seed, size or dataset.default_size)
        spread = map_processes if len(pictures) >= MANY else partial(map_threads, threads=1)
        for _ in spread(write, pictures, progress):
            pass
        marker = f"Drawn by the zoo (zoo data make {name} --seed {seed}): these are not photographs.\n"
        (root / MARKER).write_text(marker)
        dataset.write_extras(root)


def is_procedural(root: Path) -> bool:
    """Whether :func:`make` wrote the dataset at ``root``."""
    return (root / MARKER).is_file()


def with_standin(config: Config, cache: Path = CACHE) -> Config:
    """Set ``data.root`` of a config to the stand-in if the dataset is missing.

    The stand-in is used if the default folder ``data/NAME`` does not exist, the config describes a stand-in
    (``data.standin``, set by some profiles) and the dataset has one. Any other config is returned unchanged.
    """
    root, name = Path(config.data["root"]), config.data["name"]
    if root != Path("data") / name or root.is_dir() or config.data["standin"] is None:
        return config
    if getattr(DATASETS.get(name), "standin", None) is None:
        return config
    folder = standin(config, cache)
    log.info("There are no pictures at %s, so the procedural stand-in in %s is used.", root, folder)
    return replace(config, data={**config.data, "root": folder})


def standin(config: Config, cache: Path = CACHE, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """The folder of the stand-in for ``data.standin`` and ``data.size``, generated if missing.

    Its name depends on dataset, counts, seed, size and version of the zoo, so runs with the same pictures share it.

    Args:
        config: The config.
        cache: The folder of all stand-ins.
        progress: Called with (pictures drawn, total).

    Raises:
        ZooError: The config has no ``data.standin``, or the dataset has no stand-in.
    """
    import zoo

    name, numbers, size = config.data["name"], config.data["standin"], config.data["size"]
    if numbers is None:
        raise ZooError(
            f"There is no procedural stand-in for {name} in the profile {config.profile}: give the folder of the "
            "dataset with --data-root, or set data.standin."
        )
    text = json.dumps([name, numbers, list(size), zoo.__version__], sort_keys=True)
    folder = Path(cache) / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    if folder.is_dir():
        return folder
    try:
        make(name, folder, **numbers, size=size, progress=progress)
    except (OSError, ZooError) as error:
        # another process may have generated the same pictures meanwhile
        if not folder.is_dir():
            if isinstance(error, ZooError):
                raise
            raise ZooError(f"The stand-in for {name} cannot be written to {folder}: {error}.") from error
    return folder


def _draw(standin: StandIn, split: str, index: int, seed: int, size: tuple[int, int]) -> tuple[Ids, Ids]:
    if split not in SPLITS:
        raise ZooError(f'A procedural dataset has the splits train and test, not "{split}".')
    if seed < 0:
        raise ZooError(f"The seed of a procedural dataset is {seed}: give an integer of 0 or more.")
    where = layout_seed(split, index, seed)
    layout = standin.layout(where, size)
    return standin.paint(layout, (*where[:-1], 1)), layout.label


def _write(
    root: Path,
    dataset: type[PairedDataset],
    standin: StandIn,
    seed: int,
    size: tuple[int, int],
    which: tuple[str, int],
) -> None:
    """Draw the picture of a split and index and write its two files."""
    image, label = _draw(standin, *which, seed, size)
    image_file, label_file = dataset.files(root, *which)
    Image.fromarray(image).save(image_file, quality=95)
    Image.fromarray(label).save(label_file)
