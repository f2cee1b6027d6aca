"""ADE20K, the 150 classes of SceneParse150, at 256x256."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import ClassVar

from zoo.data.base import PairedDataset
from zoo.data.class_names import ADE20K_CLASS_NAMES
from zoo.registry import DATASETS

_FOLDERS = {"train": "training", "test": "validation"}


@DATASETS.register("ade20k")
class ADE20K(PairedDataset):
    """``images/<folder>/<stem>.jpg``, ``annotations/<folder>/<stem>.png``, folder = training or validation.

    Ids are used as they stand in the files: 0 is unknown, k is class k of 1..150. SPADE's code writes a shift
    by one (unknown last) but throws its result away, so every released ADE20K model has unknown in channel 0,
    and shifting here would make their weights answer with the wrong class.

    Training pictures lose their aspect ratio at 286x286 and are cropped to 256x256; test pictures are resized
    to 256x256.
    """

    classes = 151
    class_names = ADE20K_CLASS_NAMES
    source = "sceneparsing.csail.mit.edu (ADEChallengeData2016.zip, the 150-class SceneParse150 release)"
    release_hint: ClassVar[str] = (
        "These labels look like another release of ADE20K: take the 150-class one, ADEChallengeData2016 of "
        "SceneParse150, whose annotations are 8-bit grey PNGs with 0 for unknown and 1 to 150 for the classes."
    )

    def __init__(
        self, *, root: Path, split: str, size: tuple[int, int], flip: bool = True, load_scale: float = 286 / 256
    ) -> None:
        super().__init__(root=root, split=split, size=size, flip=flip, load_scale=load_scale)

    @classmethod
    def folders(cls, root: Path, split: str) -> tuple[Path, Path]:
        return root / "images" / _FOLDERS[split], root / "annotations" / _FOLDERS[split]

    @classmethod
    def wrong_release(cls, root: Path) -> str | None:
        """The full set keeps one folder per scene, with ``*_seg.png`` beside each picture and an index of its own."""
        traces = [*root.glob("index_ade20k*"), *islice(root.rglob("*_seg.png"), 1)]
        if not traces:
            return None
        trace = traces[0].relative_to(root)
        return (
            f"The folder {root} holds the full ADE20K release with thousands of classes (it has {trace}): "
            "take the 150-class one, ADEChallengeData2016 of SceneParse150."
        )
