"""DeepFashion (in-shop) with parsing labels of 16 classes, on white squares of 256x256."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from zoo.data.base import PairedDataset
from zoo.data.class_names import DEEPFASHION_CLASS_NAMES
from zoo.registry import DATASETS


@DATASETS.register("deepfashion")
class DeepFashion(PairedDataset):
    """``{train,test}/<stem>.jpg`` with ``{train,test}/<stem>_label.png``, ids 0 (background) to 15.

    Pictures on disk are already padded with white to squares, and only resized here.
    """

    classes = 16
    class_names = DEEPFASHION_CLASS_NAMES
    source = (
        "mmlab.ie.cuhk.edu.hk/projects/DeepFashion.html (In-shop Clothes Retrieval, with its segmentation), "
        "put into this layout by `zoo data prepare deepfashion`"
    )
    release_hint: ClassVar[str] = (
        "These labels look like DeepFashion's own colour maps: `zoo data prepare deepfashion` makes ids of them."
    )
    label_tail = "_label"

    @classmethod
    def folders(cls, root: Path, split: str) -> tuple[Path, Path]:
        return root / split, root / split
