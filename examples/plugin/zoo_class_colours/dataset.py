"""A dataset: pictures of discs and squares with their label maps."""

from pathlib import Path

from zoo import DATASETS
from zoo.data import PairedDataset


@DATASETS.register("shapes")
class Shapes(PairedDataset):
    """``<split>/<stem>.jpg`` with ``<split>/<stem>_label.png``, ids 0 (background) to 2."""

    title = "Discs and squares"
    source = "your own drawings"  # the error for a missing folder says where the dataset comes from
    classes = 3
    class_names = ("background", "disc", "square")
    colours = ((255, 255, 255), (220, 60, 60), (60, 90, 200))
    default_size = (64, 64)
    label_tail = "_label"

    @classmethod
    def folders(cls, root: Path, split: str) -> tuple[Path, Path]:
        """Pictures and label maps of a split are in the same folder; they are matched by stem."""
        return root / split, root / split
