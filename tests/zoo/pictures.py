"""Small pairs written to disk in the layout of the folder dataset."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.data import PairedDataset
from zoo.registries import DATASETS


def write_pair(root: Path, stem: str, label: np.ndarray, split: str = "train", suffix: str = ".png") -> None:
    """A pair whose picture shows ten times the id in its red channel."""
    for part in ("images", "labels"):
        (root / split / part).mkdir(parents=True, exist_ok=True)
    image = np.stack([label * 10, label * 0 + 40, label * 0 + 90], -1).astype(np.uint8)
    Image.fromarray(image).save(root / split / "images" / (stem + suffix))
    Image.fromarray(label.astype(np.uint8)).save(root / split / "labels" / f"{stem}.png")


def halves(height: int = 8, width: int = 16) -> np.ndarray:
    """Ids 0, 1 on the left and 2 on the right: mirroring and cropping can be told apart."""
    label = np.zeros((height, width), np.int64)
    label[: height // 2] = 1
    label[:, width // 2 :] = 2
    return label


def folder(root: Path, split: str = "train", **settings: Any) -> PairedDataset:
    """The folder dataset with three classes at 8x16, unless settings say otherwise."""
    return DATASETS.get("folder")(root=root, split=split, **{"size": (8, 16), "classes": 3} | settings)
