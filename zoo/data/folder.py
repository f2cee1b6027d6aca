"""Your own pictures with label maps: two folders per split, matched by stem."""

from __future__ import annotations

from pathlib import Path

from zoo.data.base import PairedDataset
from zoo.errors import ZooError
from zoo.registries import DATASETS


@DATASETS.register("folder")
class Folder(PairedDataset):
    """``<split>/images/<stem>.{jpg,jpeg,png,webp}`` with ``<split>/labels/<stem>.{png,webp}``.

    Ids run from 0 to ``classes`` - 1. The split "test" is read from ``test``, or from ``val`` where there is
    no ``test``. Labels are not taken from JPEG files, whose compression changes ids. ``class_names`` may name
    every class; without it classes are called by number.
    """

    title = "Your own pictures"
    source = (
        "you: put pictures into <split>/images and 8-bit grey PNGs of class ids into <split>/labels, "
        "for the splits train and test"
    )
    image_suffixes = (".jpg", ".jpeg", ".png", ".webp")
    label_suffixes = (".png", ".webp")

    def __init__(
        self,
        *,
        root: Path,
        split: str,
        size: tuple[int, int],
        classes: int,
        class_names: list[str] | tuple[str, ...] = (),
        flip: bool = True,
        load_scale: float = 1.0,
    ) -> None:
        if classes < 1:
            raise ZooError(f"data.classes is {classes}: give the number of classes of your labels, at least 1.")
        if class_names and len(class_names) != classes:
            raise ZooError(
                f"data.class_names has {len(class_names)} names for {classes} classes (data.classes): "
                "name every class or none."
            )
        self.classes = classes
        self.class_names = tuple(class_names) or tuple(f"class {i}" for i in range(classes))
        super().__init__(root=root, split=split, size=size, flip=flip, load_scale=load_scale)

    @classmethod
    def folders(cls, root: Path, split: str) -> tuple[Path, Path]:
        """See :meth:`PairedDataset.folders`."""
        name = "val" if split == "test" and not (root / "test").is_dir() and (root / "val").is_dir() else split
        return root / name / "images", root / name / "labels"
