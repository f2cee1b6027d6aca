"""ADE20K, the 150 classes of SceneParse150, at 256x256."""

from __future__ import annotations

import re
import shutil
import zipfile
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar

from zoo.data.base import PairedDataset
from zoo.data.class_tables import Colour
from zoo.data.parallel import Progress
from zoo.data.prepare import PrepareReport, link_or_copy, write_binary
from zoo.errors import ZooError
from zoo.registries import DATASETS

# The 150 classes of the scene-parsing benchmark, most frequent first; 0 is unannotated.
CLASS_NAMES: tuple[str, ...] = (
    "unknown",
    *("wall", "building", "sky", "floor", "tree", "ceiling", "road", "bed", "windowpane", "grass"),
    *("cabinet", "sidewalk", "person", "earth", "door", "table", "mountain", "plant", "curtain", "chair"),
    *("car", "water", "painting", "sofa", "shelf", "house", "sea", "mirror", "rug", "field"),
    *("armchair", "seat", "fence", "desk", "rock", "wardrobe", "lamp", "bathtub", "railing", "cushion"),
    *("base", "box", "column", "signboard", "chest of drawers"),
    *("counter", "sand", "sink", "skyscraper", "fireplace"),
    *("refrigerator", "grandstand", "path", "stairs", "runway"),
    *("case", "pool table", "pillow", "screen door", "stairway"),
    *("river", "bridge", "bookcase", "blind", "coffee table", "toilet", "flower", "book", "hill", "bench"),
    *("countertop", "stove", "palm", "kitchen island", "computer"),
    *("swivel chair", "boat", "bar", "arcade machine", "hovel"),
    *("bus", "towel", "light", "truck", "tower", "chandelier", "awning", "streetlight", "booth", "television"),
    *("airplane", "dirt track", "apparel", "pole", "land", "bannister", "escalator", "ottoman", "bottle"),
    *("buffet", "poster", "stage", "van", "ship", "fountain", "conveyor belt", "canopy", "washer", "plaything"),
    *("swimming pool", "stool", "barrel", "basket", "waterfall", "tent", "bag", "minibike", "cradle", "oven"),
    *("ball", "food", "step", "tank", "trade name", "microwave", "pot", "animal", "bicycle", "lake"),
    *("dishwasher", "screen", "blanket", "sculpture", "hood", "sconce", "vase", "traffic light", "tray"),
    *("ashcan", "fan", "pier", "crt screen", "plate", "monitor", "bulletin board", "shower", "radiator"),
    *("glass", "clock", "flag"),
)

# The class colours of the benchmark; unannotated pixels are black.
COLOURS: tuple[Colour, ...] = (
    (0, 0, 0),
    *((120, 120, 120), (180, 120, 120), (6, 230, 230), (80, 50, 50), (4, 200, 3), (120, 120, 80), (140, 140, 140)),
    *((204, 5, 255), (230, 230, 230), (4, 250, 7), (224, 5, 255), (235, 255, 7), (150, 5, 61), (120, 120, 70)),
    *((8, 255, 51), (255, 6, 82), (143, 255, 140), (204, 255, 4), (255, 51, 7), (204, 70, 3), (0, 102, 200)),
    *((61, 230, 250), (255, 6, 51), (11, 102, 255), (255, 7, 71), (255, 9, 224), (9, 7, 230), (220, 220, 220)),
    *((255, 9, 92), (112, 9, 255), (8, 255, 214), (7, 255, 224), (255, 184, 6), (10, 255, 71), (255, 41, 10)),
    *((7, 255, 255), (224, 255, 8), (102, 8, 255), (255, 61, 6), (255, 194, 7), (255, 122, 8), (0, 255, 20)),
    *((255, 8, 41), (255, 5, 153), (6, 51, 255), (235, 12, 255), (160, 150, 20), (0, 163, 255), (140, 140, 140)),
    *((250, 10, 15), (20, 255, 0), (31, 255, 0), (255, 31, 0), (255, 224, 0), (153, 255, 0), (0, 0, 255)),
    *((255, 71, 0), (0, 235, 255), (0, 173, 255), (31, 0, 255), (11, 200, 200), (255, 82, 0), (0, 255, 245)),
    *((0, 61, 255), (0, 255, 112), (0, 255, 133), (255, 0, 0), (255, 163, 0), (255, 102, 0), (194, 255, 0)),
    *((0, 143, 255), (51, 255, 0), (0, 82, 255), (0, 255, 41), (0, 255, 173), (10, 0, 255), (173, 255, 0)),
    *((0, 255, 153), (255, 92, 0), (255, 0, 255), (255, 0, 245), (255, 0, 102), (255, 173, 0), (255, 0, 20)),
    *((255, 184, 184), (0, 31, 255), (0, 255, 61), (0, 71, 255), (255, 0, 204), (0, 255, 194), (0, 255, 82)),
    *((0, 10, 255), (0, 112, 255), (51, 0, 255), (0, 194, 255), (0, 122, 255), (0, 255, 163), (255, 153, 0)),
    *((0, 255, 10), (255, 112, 0), (143, 255, 0), (82, 0, 255), (163, 255, 0), (255, 235, 0), (8, 184, 170)),
    *((133, 0, 255), (0, 255, 92), (184, 0, 255), (255, 0, 31), (0, 184, 255), (0, 214, 255), (255, 0, 112)),
    *((92, 255, 0), (0, 224, 255), (112, 224, 255), (70, 184, 160), (163, 0, 255), (153, 0, 255), (71, 255, 0)),
    *((255, 0, 163), (255, 204, 0), (255, 0, 143), (0, 255, 235), (133, 255, 0), (255, 0, 235), (245, 0, 255)),
    *((255, 0, 122), (255, 245, 0), (10, 190, 212), (214, 255, 0), (0, 204, 255), (20, 0, 255), (255, 255, 0)),
    *((0, 153, 255), (0, 41, 255), (0, 255, 204), (41, 0, 255), (41, 255, 0), (173, 0, 255), (0, 245, 255)),
    *((71, 0, 255), (122, 0, 255), (0, 255, 184), (0, 92, 255), (184, 255, 0), (0, 133, 255), (255, 214, 0)),
    *((25, 194, 194), (102, 255, 0), (92, 0, 255)),
)

_FOLDERS = {"train": "training", "test": "validation"}


@DATASETS.register("ade20k")
class ADE20K(PairedDataset):
    """``images/<folder>/<stem>.jpg``, ``annotations/<folder>/<stem>.png``, folder = training or validation.

    Ids are used as they are in the files: 0 is unknown, k is class k of 1..150. SPADE's code computes a shift by one
    (unknown last) but discards the result, so every released ADE20K model has unknown in channel 0. With a shift here,
    their weights would produce the wrong classes.

    Training pictures are resized to 286x286, ignoring the aspect ratio, and cropped to 256x256; test pictures are
    resized to 256x256.
    """

    title = "ADE20K"
    source = "sceneparsing.csail.mit.edu (ADEChallengeData2016.zip, the 150-class SceneParse150 release)"
    classes = 151
    class_names = CLASS_NAMES
    colours = COLOURS
    standin = "scenes"
    release_hint: ClassVar[str] = (
        "These labels look like another release of ADE20K: use the 150-class one, ADEChallengeData2016 of "
        "SceneParse150, whose annotations are 8-bit grey PNGs with 0 for unknown and 1 to 150 for the classes."
    )

    def __init__(
        self, *, root: Path, split: str, size: tuple[int, int], flip: bool = True, load_scale: float = 286 / 256
    ) -> None:
        super().__init__(root=root, split=split, size=size, flip=flip, load_scale=load_scale)

    @classmethod
    def folders(cls, root: Path, split: str) -> tuple[Path, Path]:
        """See :meth:`PairedDataset.folders`."""
        return root / "images" / _FOLDERS[split], root / "annotations" / _FOLDERS[split]

    @classmethod
    def stem(cls, split: str, index: int) -> str:
        """See :meth:`PairedDataset.stem`."""
        return f"ADE_{'val' if split == 'test' else split}_{index + 1:08d}"

    @classmethod
    def wrong_release(cls, root: Path) -> str | None:
        """Detect the full release: one folder per scene, ``*_seg.png`` next to each picture, and an index file."""
        traces = [*root.glob("index_ade20k*"), *islice(root.rglob("*_seg.png"), 1)]
        if not traces:
            return None
        trace = traces[0].relative_to(root)
        return (
            f"The folder {root} contains the full ADE20K release with thousands of classes (it has {trace}): "
            "use the 150-class one, ADEChallengeData2016 of SceneParse150."
        )

    @classmethod
    def prepare(cls, source: Path, out: Path, progress: Progress | None = None) -> PrepareReport:
        """Prepare ADEChallengeData2016, as ``ADEChallengeData2016.zip`` or unpacked; the layout is unchanged.

        Finds ``{images,annotations}/{training,validation}/*`` at any depth; unpacked files are hard-linked if possible,
        else copied.
        """
        wanted = re.compile(r"(?:^|/)((?:images|annotations)/(?:training|validation)/[^/.][^/]*\.(?:jpg|png))$")
        report = PrepareReport()
        if source.is_file() and not zipfile.is_zipfile(source):
            raise ZooError(f"The file {source} is not a complete zip archive: download it again.")
        archive = zipfile.ZipFile(source) if source.is_file() else None
        if archive is not None:
            names = [info.filename for info in archive.infolist()]
        else:
            names = [path.relative_to(source).as_posix() for path in sorted(source.rglob("*")) if path.is_file()]
        matches = [(name, match[1]) for name in names if (match := wanted.search(name))]
        if not matches:
            raise ZooError(
                f"There are no images/training and annotations/training in {source}: give ADEChallengeData2016 or its "
                "zip."
            )
        for done, (name, place) in enumerate(matches, 1):
            target = out / place
            if target.exists():
                report.kept += 1
            else:
                if archive is not None:
                    with archive.open(name) as packed:
                        write_binary(target, partial(shutil.copyfileobj, packed))
                else:
                    link_or_copy(source / name, target)
                report.written += 1
            if progress is not None:
                progress(done, len(matches))
        if archive is not None:
            archive.close()
        return report
