"""DeepFashion (in-shop) with parsing labels of 16 classes, on white squares of 256x256."""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path
from typing import ClassVar

from PIL import Image

from zoo.data.base import PairedDataset
from zoo.data.class_tables import Colour
from zoo.data.pairing import natural_key
from zoo.data.parallel import Progress
from zoo.data.prepare import PairJob, PrepareReport, class_ids, convert_pairs
from zoo.data.transforms import read_image
from zoo.errors import ZooError
from zoo.registries import DATASETS

# The dataset has no class names. 0, 1, 3, 4 and 6-10 were determined from real pictures and their label maps;
# 2, 5 and 11-15 did not occur in the available pictures, and their names are guesses.
CLASS_NAMES: tuple[str, ...] = (
    *("background", "skin", "skirt", "pants", "top", "outerwear", "jewellery", "hair"),
    *("face", "dress", "hat", "shoes", "bag", "belt", "socks", "glasses"),
)

# color_palette.txt of the 16-class parsing.
COLOURS: tuple[Colour, ...] = (
    *((0, 0, 0), (144, 238, 144), (245, 222, 179), (211, 211, 211), (255, 250, 250), (220, 220, 220)),
    *((50, 205, 50), (255, 0, 0), (16, 78, 139), (255, 250, 205), (127, 255, 212), (255, 255, 0)),
    *((70, 130, 180), (255, 140, 0), (0, 100, 0), (250, 235, 215)),
)

FACE = CLASS_NAMES.index("face")


@DATASETS.register("deepfashion")
class DeepFashion(PairedDataset):
    """``{train,test}/<stem>.jpg`` with ``{train,test}/<stem>_label.png``, ids 0 (background) to 15.

    Pictures on disk are already padded with white to squares; they are only resized here.
    """

    title = "DeepFashion"
    source = (
        "mmlab.ie.cuhk.edu.hk/projects/DeepFashion.html (In-shop Clothes Retrieval, with its segmentation), "
        "put into this layout by `zoo data prepare deepfashion`"
    )
    classes = 16
    class_names = CLASS_NAMES
    colours = COLOURS
    standin = "figures"
    release_hint: ClassVar[str] = (
        "These labels look like DeepFashion's colour maps: convert them to ids with `zoo data prepare deepfashion`."
    )
    label_tail = "_label"

    @classmethod
    def folders(cls, root: Path, split: str) -> tuple[Path, Path]:
        """See :meth:`PairedDataset.folders`."""
        return root / split, root / split

    @classmethod
    def stem(cls, split: str, index: int) -> str:
        """See :meth:`PairedDataset.stem`."""
        return f"id_{index + 1 + 500_000 * (split == 'test'):08d}_01_1_front"

    @classmethod
    def write_extras(cls, root: Path) -> None:
        """Write ``color_palette.txt``."""
        (root / "color_palette.txt").write_text(json.dumps(COLOURS))

    @classmethod
    def prepare(cls, source: Path, out: Path, progress: Progress | None = None) -> PrepareReport:
        """Prepare In-shop Clothes Retrieval: pictures ``id_XXXXXXXX/<stem>.jpg``, parsings ``<stem>_segment.png``.

        Both are found at any depth. The parsing may also be called ``<stem>_label.png`` or ``<stem>.png``, in palette
        colours or as grey ids. If two pictures have the same name, the last path in order is used (``img_highres`` over
        ``img``). Writes ``<split>/id_XXXXXXXX_<stem>.jpg`` of 256x256, padded with white to a square, and drops
        pictures without a face. People are assigned to train or test by ``list_eval_partition.txt`` (query and gallery
        are test); without that file, every tenth person is assigned to test.
        """
        labels = _by_name(source, ".png")
        pictures = {name: path for name, path in _by_name(source, ".jpg").items() if name in labels}
        if not pictures:
            raise ZooError(
                f"There are no pictures with a parsing (<stem>.jpg and <stem>_segment.png) below {source}: "
                "give the folder of the In-shop Clothes Retrieval benchmark with its segmentation unpacked."
            )
        split = _split_of_people(source, sorted({_person(name) for name in pictures}))
        jobs = []
        for name in sorted(pictures, key=natural_key):
            folder = out / split[_person(name)]
            jobs.append(PairJob(pictures[name], labels[name], folder / f"{name}.jpg", folder / f"{name}_label.png"))
        return convert_pairs(jobs, _padded, progress)


def _padded(job: PairJob) -> tuple[Image.Image, Image.Image]:
    """Pad a picture with white and its ids with background, and resize both to 256x256."""
    ids = class_ids(job.label, COLOURS)
    if not (ids == FACE).any():
        raise ZooError(f"The picture {job.image} shows no face.")
    image = read_image(job.image)
    label = Image.fromarray(ids).resize(image.size, Image.Resampling.NEAREST)
    side = max(image.size)
    corner = (side - image.width) // 2, (side - image.height) // 2
    square, blank = Image.new("RGB", (side, side), (255, 255, 255)), Image.new("L", (side, side), 0)
    square.paste(image, corner)
    blank.paste(label, corner)
    return square.resize((256, 256), Image.Resampling.BICUBIC), blank.resize((256, 256), Image.Resampling.NEAREST)


def _by_name(source: Path, suffix: str) -> dict[str, Path]:
    """Files by ``id_XXXXXXXX_<stem>``: the person's folder, if any, and the stem without its suffix."""
    found = {}
    for path in sorted(source.rglob(f"*{suffix}")):
        stem = re.sub(r"_(segment|label)$", "", path.stem)
        found[f"{path.parent.name}_{stem}" if path.parent.name.startswith("id_") else stem] = path
    return found


def _person(name: str) -> str:
    match = re.match(r"id_\d+", name)
    return match[0] if match else name


def _split_of_people(source: Path, people: list[str]) -> dict[str, str]:
    split = {person: "test" if i % 10 == 9 else "train" for i, person in enumerate(people)}
    for partition in islice(source.rglob("list_eval_partition.txt"), 1):
        split = dict.fromkeys(people, "train")
        for line in partition.read_text().splitlines():
            words = line.split()
            if len(words) == 3 and words[1] in split:
                split[words[1]] = "train" if words[2] == "train" else "test"
    return split
