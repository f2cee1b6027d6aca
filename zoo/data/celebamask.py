"""CelebAMask-HQ: faces with 19 classes, in the layout of the dataset ``folder``."""

from __future__ import annotations

from pathlib import Path

from zoo.data.class_tables import Colour
from zoo.data.folder import Folder
from zoo.registries import DATASETS

CLASS_NAMES: tuple[str, ...] = (
    *("background", "skin", "nose", "glasses", "left eye", "right eye", "left brow", "right brow"),
    *("left ear", "right ear", "mouth", "upper lip", "lower lip", "hair", "hat", "earring"),
    *("necklace", "neck", "clothes"),
)

# The class colours of CelebAMask-HQ's own tools.
COLOURS: tuple[Colour, ...] = (
    *((0, 0, 0), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204), (0, 255, 255)),
    *((51, 255, 255), (102, 51, 0), (255, 0, 0), (102, 204, 0), (255, 255, 0), (0, 0, 153), (0, 0, 204)),
    *((255, 51, 153), (0, 204, 204), (0, 51, 0), (255, 153, 51), (0, 204, 0)),
)


@DATASETS.register("celebamask")
class CelebAMask(Folder):
    """As :class:`zoo.data.folder.Folder`, with the 19 classes of CelebAMask-HQ, ids 0 (background) to 18."""

    title = "CelebAMask-HQ"
    source = (
        "github.com/switchablenorms/CelebAMask-HQ: merge the masks of each face into one 8-bit grey PNG of class ids, "
        "and put pictures into <split>/images and masks into <split>/labels"
    )
    classes = len(CLASS_NAMES)
    class_names = CLASS_NAMES
    colours = COLOURS

    def __init__(
        self, *, root: Path, split: str, size: tuple[int, int], flip: bool = True, load_scale: float = 1.0
    ) -> None:
        super().__init__(
            root=root,
            split=split,
            size=size,
            classes=self.classes,
            class_names=self.class_names,
            flip=flip,
            load_scale=load_scale,
        )
