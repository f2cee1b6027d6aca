"""From the original downloads to the layouts that the datasets read; interrupted runs continue where they stopped."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.data.layout import natural_key
from zoo.data.palettes import CITYSCAPES_COLOURS, DEEPFASHION_COLOURS, Colour
from zoo.data.parallel import Progress, each
from zoo.data.transforms import BROKEN_FILE, read_image, unreadable
from zoo.errors import ZooError, nearest
from zoo.whole_file import whole_file

FACE = 8
"""DeepFashion's class id of faces."""


@dataclass
class PrepareReport:
    """written: pairs (ADE20K: files) put into the layout; kept: already there; dropped: why others are not."""

    written: int = 0
    kept: int = 0
    dropped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Job:
    image: Path
    label: Path
    out_image: Path
    out_label: Path


def prepare(name: str, source: Path, out: Path, *, progress: Progress | None = None, **settings: Any) -> PrepareReport:
    """Bring the download of dataset ``name`` in ``source`` into its layout below ``out``.

    What is assumed of each download, and the settings, stand at :func:`ade20k`, :func:`deepfashion` and
    :func:`gta5`. Files are written whole or not at all, and those already there are kept. Raises ZooError for
    an unknown name and for a source that does not hold the download; pictures that cannot be used are listed in
    the report.
    """
    if name not in PREPARERS:
        known = ", ".join(PREPARERS)
        raise ZooError(
            f'There is nothing to prepare for "{name}"{nearest(name, list(PREPARERS)) or "."} Known: {known}.'
        )
    source = Path(source)
    if not source.exists():
        raise ZooError(f"There is no folder {source}: give the folder of the {name} download.")
    return PREPARERS[name](source, Path(out), progress, **settings)


def ade20k(source: Path, out: Path, progress: Progress | None = None) -> PrepareReport:
    """ADEChallengeData2016, as ``ADEChallengeData2016.zip`` or unpacked: its layout is ours already.

    Takes ``{images,annotations}/{training,validation}/*`` at any depth; unpacked files are hard-linked where
    the file system allows it, else copied.
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
            f"There are no images/training and annotations/training in {source}: give ADEChallengeData2016 or its zip."
        )
    for done, (name, place) in enumerate(matches, 1):
        target = out / place
        if target.exists():
            report.kept += 1
        else:
            if archive is not None:
                with archive.open(name) as packed:
                    _whole(target, partial(shutil.copyfileobj, packed))
            else:
                _link(source / name, target)
            report.written += 1
        if progress is not None:
            progress(done, len(matches))
    if archive is not None:
        archive.close()
    return report


def deepfashion(source: Path, out: Path, progress: Progress | None = None) -> PrepareReport:
    """In-shop Clothes Retrieval: pictures ``id_XXXXXXXX/<stem>.jpg``, parsings ``<stem>_segment.png``.

    Both are found at any depth. The parsing may also be called ``<stem>_label.png`` or ``<stem>.png``, in
    palette colours or as grey ids; of two pictures of one name the later path wins (``img_highres`` over
    ``img``). Writes ``<split>/id_XXXXXXXX_<stem>.jpg`` of 256x256, padded with white to a square, and drops
    pictures without a face. People go to train or test as ``list_eval_partition.txt`` says (query and gallery
    are test), without that file every tenth to test.
    """
    labels = _named(source, ".png")
    pictures = {name: path for name, path in _named(source, ".jpg").items() if name in labels}
    if not pictures:
        raise ZooError(
            f"There are no pictures with a parsing (<stem>.jpg and <stem>_segment.png) below {source}: "
            "give the folder of the In-shop Clothes Retrieval benchmark with its segmentation unpacked."
        )
    split = _people(source, sorted({_person(name) for name in pictures}))
    jobs = []
    for name in sorted(pictures, key=natural_key):
        folder = out / split[_person(name)]
        jobs.append(_Job(pictures[name], labels[name], folder / f"{name}.jpg", folder / f"{name}_label.png"))
    return _run(jobs, _deepfashion_pair, progress)


def gta5(
    source: Path, out: Path, progress: Progress | None = None, *, test: int | None = None, test_list: Path | None = None
) -> PrepareReport:
    """Playing for Data: ``images/<number>.png``, colour maps ``labels/<number>.png``, at any depth.

    Writes ``RGB256Full`` (bicubic) and ``LabelgrayFull20`` (nearest; Cityscapes colours to train ids, all else
    19) of 512x256 under eight-digit numbers. Into test go the numbers in ``test_list`` (a text file, one each
    line); without it the last ``test`` pictures; without either the validation set of the download's
    ``split.mat`` (its own test set is left out), and without that file the last quarter.
    """
    images = _in_folder(source, "images")
    labels = _in_folder(source, "labels")
    names = sorted(images.keys() & labels.keys(), key=natural_key)
    if not names:
        raise ZooError(
            f"There are no images/<number>.png with labels/<number>.png below {source}: unpack the GTA-5 zips there."
        )
    split = _numbers(source, names, test, test_list)
    jobs = []
    for name in names:
        if name in split:
            file = (f"{int(name):08d}" if name.isdecimal() else name) + ".png"
            places = out / "RGB256Full" / split[name] / file, out / "LabelgrayFull20" / split[name] / file
            jobs.append(_Job(images[name], labels[name], *places))
    return _run(jobs, _gta5_pair, progress)


PREPARERS: dict[str, Callable[..., PrepareReport]] = {"ade20k": ade20k, "deepfashion": deepfashion, "gta5": gta5}


def class_ids(path: Path, colours: Sequence[Colour], other: int | None = None) -> NDArray[np.uint8]:
    """Ids ``[H, W]`` of a label map drawn in ``colours``, or in grey ids below their number.

    Other colours become ``other``; where that is None they raise ZooError.
    """
    try:
        with Image.open(path) as file:
            if file.mode == "L":
                grey = np.asarray(file)
                if grey.max() < len(colours) + (other is not None):
                    return grey.copy()
            rgb = np.asarray(file.convert("RGB")).astype(np.int32)
    except BROKEN_FILE as error:
        raise ZooError(unreadable(path, error)) from error
    codes = rgb @ np.array([1 << 16, 1 << 8, 1], np.int32)
    known = np.array([r << 16 | g << 8 | b for r, g, b in colours])
    order = np.argsort(known)
    place = np.searchsorted(known[order], codes).clip(max=len(known) - 1)
    found = known[order][place] == codes
    if other is None and not found.all():
        strange = int(codes[~found][0])
        colour = (strange >> 16, strange >> 8 & 255, strange & 255)
        raise ZooError(
            f"The label {path} holds the colour {colour}, which no class has: get the file again or leave it out."
        )
    return np.where(found, order[place], 0 if other is None else other).astype(np.uint8)


def _deepfashion_pair(job: _Job) -> tuple[Image.Image, Image.Image]:
    ids = class_ids(job.label, DEEPFASHION_COLOURS)
    if not (ids == FACE).any():
        raise ZooError(f"The picture {job.image} shows no face: left out.")
    image = read_image(job.image)
    label = Image.fromarray(ids).resize(image.size, Image.Resampling.NEAREST)
    side = max(image.size)
    corner = (side - image.width) // 2, (side - image.height) // 2
    square, blank = Image.new("RGB", (side, side), (255, 255, 255)), Image.new("L", (side, side), 0)
    square.paste(image, corner)
    blank.paste(label, corner)
    return square.resize((256, 256), Image.Resampling.BICUBIC), blank.resize((256, 256), Image.Resampling.NEAREST)


def _gta5_pair(job: _Job) -> tuple[Image.Image, Image.Image]:
    ids = class_ids(job.label, CITYSCAPES_COLOURS, other=19)
    image = read_image(job.image).resize((512, 256), Image.Resampling.BICUBIC)
    return image, Image.fromarray(ids).resize((512, 256), Image.Resampling.NEAREST)


def _run(
    jobs: list[_Job], convert: Callable[[_Job], tuple[Image.Image, Image.Image]], progress: Progress | None
) -> PrepareReport:
    def work(job: _Job) -> str | None:
        if job.out_image.exists() and job.out_label.exists():
            return "kept"
        try:
            image, label = convert(job)
        except ZooError as error:
            return str(error)
        _whole(job.out_label, lambda file: label.save(file, "PNG"))
        _whole(
            job.out_image,
            lambda file: image.save(file, "JPEG" if job.out_image.suffix == ".jpg" else "PNG", quality=95),
        )
        return None

    report = PrepareReport()
    for result in each(work, jobs, progress):
        report.written += result is None
        report.kept += result == "kept"
        if result not in (None, "kept"):
            report.dropped.append(str(result))
    if jobs and not report.written and not report.kept:
        raise ZooError(f"None of {len(jobs)} pictures could be used, the first because: {report.dropped[0]}")
    return report


def _named(source: Path, suffix: str) -> dict[str, Path]:
    """Files by ``id_XXXXXXXX_<stem>``: the person's folder, where there is one, and the stem without its tail."""
    found = {}
    for path in sorted(source.rglob(f"*{suffix}")):
        stem = re.sub(r"_(segment|label)$", "", path.stem)
        found[f"{path.parent.name}_{stem}" if path.parent.name.startswith("id_") else stem] = path
    return found


def _person(name: str) -> str:
    match = re.match(r"id_\d+", name)
    return match[0] if match else name


def _people(source: Path, people: list[str]) -> dict[str, str]:
    split = {person: "test" if i % 10 == 9 else "train" for i, person in enumerate(people)}
    for partition in islice(source.rglob("list_eval_partition.txt"), 1):
        split = dict.fromkeys(people, "train")
        for line in partition.read_text().splitlines():
            words = line.split()
            if len(words) == 3 and words[1] in split:
                split[words[1]] = "train" if words[2] == "train" else "test"
    return split


def _in_folder(source: Path, folder: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted(source.rglob("*.png")) if path.parent.name == folder}


def _numbers(source: Path, names: list[str], test: int | None, test_list: Path | None) -> dict[str, str]:
    """Name -> split; names that belong to neither are left out."""
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
        raise ZooError(f"The test set would have {count} of {len(names)} pictures: choose fewer, and at least none.")
    return {name: "test" if i >= len(names) - count else "train" for i, name in enumerate(names)}


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:
        with path.open("rb") as original:
            _whole(target, partial(shutil.copyfileobj, original))


def _whole(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        write(file)
