"""GTA-5 at 512x256 with the 19 train ids of Cityscapes and one class for the rest, rebalanced by colour rarity."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from PIL import Image
from torch import Tensor

from zoo.data.base import EpochPlan, PairedDataset
from zoo.data.class_tables import Colour
from zoo.data.pairing import natural_key
from zoo.data.parallel import Progress
from zoo.data.prepare import PairJob, PrepareReport, class_ids, convert_pairs
from zoo.data.rarity import rarity_draws, table_for
from zoo.data.transforms import read_image
from zoo.errors import ZooError
from zoo.registries import DATASETS

# The train ids of Cityscapes, then everything else (the bonnet of the ego vehicle, street furniture, ...).
CLASS_NAMES: tuple[str, ...] = (
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign"),
    *("vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "train"),
    *("motorcycle", "bicycle", "other"),
)

# The 19 training classes of Cityscapes.
CITYSCAPES_COLOURS: tuple[Colour, ...] = (
    *((128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153), (153, 153, 153)),
    *((250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152), (70, 130, 180), (220, 20, 60)),
    *((255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100), (0, 80, 100), (0, 0, 230), (119, 11, 32)),
)

OTHER = CLASS_NAMES.index("other")


@DATASETS.register("gta5")
class GTA5(PairedDataset):
    """``RGB256Full/<split>/<stem>.png`` with ``LabelgrayFull20/<split>/<stem>.png``, ids 0..19 (19 = other).

    With rebalancing, an epoch samples ``draws`` pictures by the rarity of road, building, sky, other and sidewalk in
    turn and uses a random subset of ``pictures_per_epoch`` of them, and items have a loss mask. With fewer than
    ``draws`` pictures on disk, both numbers are reduced in proportion. The mask is flipped with its picture, unlike in
    the official code. Test items have no mask.

    Args:
        root: The folder of the dataset.
        split: "train" or "test".
        size: (H, W) of the items.
        flip: Flip training pictures horizontally with probability 1/2.
        load_scale: As in :class:`PairedDataset`.
        rarity: "on", "off" or "auto" (rebalance if ``<root>/rarity.npz`` exists).
        draws: Pictures sampled by rarity per epoch.
        pictures_per_epoch: Pictures used per epoch.
    """

    title = "GTA-5"
    source = (
        "download.visinf.tu-darmstadt.de/data/from_games (Playing for Data), "
        "put into this layout by `zoo data prepare gta5`"
    )
    classes = 20
    class_names = CLASS_NAMES
    colours = (*CITYSCAPES_COLOURS, (0, 0, 0))
    default_size = (256, 512)
    standin = "streets"
    release_hint: ClassVar[str] = (
        "These labels look like the original colour maps of GTA-5: convert them to ids with `zoo data prepare gta5`."
    )
    image_suffixes = (".png",)
    objects: ClassVar[tuple[int, ...]] = (0, 2, 10, 19, 1)
    """The classes for rarity sampling: road, building, sky, other, sidewalk."""

    def __init__(
        self,
        *,
        root: Path,
        split: str,
        size: tuple[int, int],
        flip: bool = True,
        load_scale: float = 1.0,
        rarity: Literal["auto", "on", "off"] | bool = "auto",
        draws: int = 400,
        pictures_per_epoch: int = 10000,
    ) -> None:
        super().__init__(root=root, split=split, size=size, flip=flip, load_scale=load_scale)
        if draws < 1 or pictures_per_epoch < 1:
            raise ZooError(
                f"data.draws ({draws}) and data.pictures_per_epoch ({pictures_per_epoch}) must be at least 1."
            )
        if isinstance(rarity, bool):  # YAML reads an unquoted on or off as a boolean
            rarity = "on" if rarity else "off"
        self.draws = min(draws, len(self))
        self.pictures_per_epoch = max(1, round(pictures_per_epoch * self.draws / draws))
        self.table = table_for(self.root, self.pairs, rarity) if split == "train" else None

    @classmethod
    def folders(cls, root: Path, split: str) -> tuple[Path, Path]:
        """See :meth:`PairedDataset.folders`."""
        return root / "RGB256Full" / split, root / "LabelgrayFull20" / split

    def weight(self, index: int, label: Tensor) -> Tensor | None:
        """The rarity mask of a training picture, if the dataset is rebalanced."""
        return None if self.table is None else self.table.mask(index, label)

    def facts(self) -> dict[str, Any]:
        """Whether the dataset is rebalanced."""
        return {"rarity": self.table is not None}

    def epoch(self, rng: np.random.Generator) -> EpochPlan:
        """Rebalanced if there is a rarity file, else every picture once."""
        if self.table is None:
            return super().epoch(rng)
        bins = self.table.bins[list(self.objects)]
        bins = bins[~np.isnan(bins[:, 0])]  # skip classes that never occur
        if not len(bins):
            return super().epoch(rng)
        drawn = np.array(rarity_draws(bins, self.draws, rng.random(self.draws)))
        order = drawn[rng.integers(len(drawn), size=self.pictures_per_epoch)]
        return EpochPlan(np.unique(drawn).tolist(), order.tolist())

    @classmethod
    def prepare(
        cls,
        source: Path,
        out: Path,
        progress: Progress | None = None,
        *,
        test: int | None = None,
        test_list: Path | None = None,
    ) -> PrepareReport:
        """Prepare Playing for Data: ``images/<number>.png``, colour maps ``labels/<number>.png``, at any depth.

        Writes ``RGB256Full`` (bicubic) and ``LabelgrayFull20`` (nearest; Cityscapes colours to train ids, all else
        19) of 512x256 with eight-digit names. The test split consists of the numbers in ``test_list`` (a text file, one
        per line); without it, of the last ``test`` pictures; without either, of the validation set in the download's
        ``split.mat`` (whose own test set is omitted); without that file, of the last quarter.
        """
        images, labels = _in_folder(source, "images"), _in_folder(source, "labels")
        names = sorted(images.keys() & labels.keys(), key=natural_key)
        if not names:
            raise ZooError(
                f"There are no images/<number>.png with labels/<number>.png below {source}: unpack the GTA-5 zips "
                "there."
            )
        split = _split_of_numbers(source, names, test, test_list)
        jobs = []
        for name in names:
            if name in split:
                file = (f"{int(name):08d}" if name.isdecimal() else name) + ".png"
                folders = cls.folders(out, split[name])
                jobs.append(PairJob(images[name], labels[name], folders[0] / file, folders[1] / file))
        return convert_pairs(jobs, _resized, progress)


def _resized(job: PairJob) -> tuple[Image.Image, Image.Image]:
    ids = class_ids(job.label, CITYSCAPES_COLOURS, other=OTHER)
    image = read_image(job.image).resize((512, 256), Image.Resampling.BICUBIC)
    return image, Image.fromarray(ids).resize((512, 256), Image.Resampling.NEAREST)


def _in_folder(source: Path, folder: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted(source.rglob("*.png")) if path.parent.name == folder}


def _split_of_numbers(source: Path, names: list[str], test: int | None, test_list: Path | None) -> dict[str, str]:
    """Split by name; names in neither split are omitted."""
    matlab = next(iter(source.rglob("split.mat")), None)
    if test_list is None and test is None and matlab is not None:
        from scipy.io import loadmat

        ids = loadmat(matlab)
        chosen = {int(i): split for key, split in (("trainIds", "train"), ("valIds", "test")) for i in ids[key].ravel()}
        return {name: chosen[int(name)] for name in names if name.isdecimal() and int(name) in chosen}
    if test_list is not None:
        if not Path(test_list).is_file():
            raise ZooError(
                f"There is no list of test pictures {test_list}: give a text file with one number on each line."
            )
        listed = {Path(word).stem.lstrip("0") for word in Path(test_list).read_text().split()}
        return {name: "test" if name.lstrip("0") in listed else "train" for name in names}
    count = len(names) // 4 if test is None else test
    if not 0 <= count < len(names):
        raise ZooError(f"The test set would have {count} of {len(names)} pictures: choose from 0 to fewer than all.")
    return {name: "test" if i >= len(names) - count else "train" for i, name in enumerate(names)}
